//! Capture through MIT-SHM: the server writes the pixels into memory of ours.
//!
//! A whole picture is written where it stays, so that it costs one copy, the server's. Parts are written
//! into a segment for them and put where they belong. The seals keep the server, which can also change
//! the memfd, from shrinking or growing it.

use std::ops::Range;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Weak;

use karakuri_protocol::geometry::Rect;
use rustix::fs::{MemfdFlags, SealFlags};
use x11rb::connection::{Connection, RequestConnection};
use x11rb::cookie::Cookie;
use x11rb::protocol::shm::{self, ConnectionExt as _, Seg};
use x11rb::protocol::xproto::{ImageFormat, ImageOrder};
use x11rb::rust_connection::RustConnection;

use super::capture::{Capture, within};
use super::display::Display;
use super::error::X11Error;
use crate::frame::{BYTES_PER_PIXEL, Frame};
use crate::mapping::Mapping;

/// The most pictures whose memory is shared: the present one, the one before, and one to come.
const MOST_LENT: usize = 3;

/// The shared segments, each as large as the screen.
#[derive(Debug)]
pub(super) struct Shm {
    display: Rc<Display>,
    /// For parts of the screen.
    own: Mapping,
    segment: Seg,
    lent: Vec<Lent>,
}

/// The segment of a whole picture, which lives as long as the picture.
#[derive(Debug)]
struct Lent {
    segment: Seg,
    token: Weak<()>,
}

impl Shm {
    /// Attaches a segment for the whole screen.
    pub(super) fn open(display: &Rc<Display>) -> Result<Self, X11Error> {
        let connection = &display.connection;
        if connection.extension_information(shm::X11_EXTENSION_NAME)?.is_none() {
            return Err(X11Error::Extension(shm::X11_EXTENSION_NAME));
        }
        let version = connection.shm_query_version()?.reply()?;
        // AttachFd came with 1.2.
        if (version.major_version, version.minor_version) < (1, 2) {
            return Err(X11Error::Extension("MIT-SHM 1.2"));
        }
        check_pixel_format(display)?;
        let (own, segment) = attach(display)?;
        Ok(Self { display: Rc::clone(display), own, segment, lent: Vec::new() })
    }

    /// The segment that holds `frame`, a picture of the screen; a new one where there may be another.
    fn segment_of(&mut self, frame: &mut Frame) -> Result<Option<Seg>, X11Error> {
        let token = frame.mapping().map(Mapping::token);
        let is_its = |lent: &&Lent| token.as_ref().is_some_and(|token| lent.token.ptr_eq(token));
        if let Some(lent) = self.lent.iter().find(is_its) {
            return Ok(Some(lent.segment));
        }
        drop(token);
        let (lent, gone) = self.lent.drain(..).partition(|lent| lent.token.strong_count() > 0);
        self.lent = lent;
        gone.iter().for_each(|lent: &Lent| detach(&self.display, lent.segment));
        if self.lent.len() >= MOST_LENT {
            return Ok(None);
        }
        let (mapping, segment) = attach(&self.display)?;
        self.lent.push(Lent { segment, token: mapping.token() });
        *frame = Frame::shared(frame.width(), frame.height(), mapping)?;
        Ok(Some(segment))
    }

    /// Has the server write `place` at `offset` of a segment.
    fn ask(&self, segment: Seg, place: Rect, offset: usize) -> Result<Asked<'_>, X11Error> {
        let out_of_range = |_| X11Error::Request("the region does not fit the X protocol".into());
        let cookie = self.display.connection.shm_get_image(
            self.display.root,
            i16::try_from(place.left).map_err(out_of_range)?,
            i16::try_from(place.top).map_err(out_of_range)?,
            u16::try_from(place.width).map_err(out_of_range)?,
            u16::try_from(place.height).map_err(out_of_range)?,
            u32::MAX,
            u8::from(ImageFormat::Z_PIXMAP),
            segment,
            u32::try_from(offset).map_err(out_of_range)?,
        )?;
        Ok(Asked { cookie, place, offset })
    }
}

impl Capture for Shm {
    fn grab_into(&mut self, frame: &mut Frame, region: Rect) -> Result<(), X11Error> {
        let region = within(self.display.screen(), region)?;
        if region == self.display.screen()
            && let Some(segment) = self.segment_of(frame)?
        {
            self.ask(segment, region, 0)?.written().map(|_| ())
        } else {
            let written = self.ask(self.segment, region, 0)?.written()?;
            frame.put(frame.bounds(), self.own.part(written).ok_or(X11Error::PixelFormat)?);
            Ok(())
        }
    }

    fn patch(&mut self, frame: &mut Frame, places: &[Rect]) -> Result<bool, X11Error> {
        within(self.display.screen(), frame.bounds())?;
        if places.iter().map(length).sum::<usize>() > length(&self.display.screen()) {
            return Ok(false);
        }
        let (mut asked, mut offset) = (Vec::new(), 0);
        for place in places {
            asked.push(self.ask(self.segment, *place, offset)?);
            offset += length(place);
        }
        for one in asked {
            let place = one.place;
            let written = one.written()?;
            frame.put(place, self.own.part(written).ok_or(X11Error::PixelFormat)?);
        }
        Ok(true)
    }

    fn name(&self) -> &'static str {
        "shm"
    }
}

impl Drop for Shm {
    fn drop(&mut self) {
        let lent = self.lent.iter().map(|lent| lent.segment);
        lent.chain([self.segment]).for_each(|segment| detach(&self.display, segment));
    }
}

/// What the server was asked to write.
struct Asked<'a> {
    cookie: Cookie<'a, RustConnection, shm::GetImageReply>,
    place: Rect,
    offset: usize,
}

impl Asked<'_> {
    /// Waits until it is written; where in the segment.
    fn written(self) -> Result<Range<usize>, X11Error> {
        let (reply, length) = (self.cookie.reply()?, length(&self.place));
        let fits = reply.size as usize == length;
        fits.then_some(self.offset..self.offset + length).ok_or(X11Error::PixelFormat)
    }
}

/// The bytes of a picture of this size.
fn length(place: &Rect) -> usize {
    place.width as usize * place.height as usize * BYTES_PER_PIXEL
}

/// New memory for the whole screen, mapped here and by the server.
fn attach(display: &Display) -> Result<(Mapping, Seg), X11Error> {
    let refused = |errno| X11Error::Kernel("make shared memory for the screen", errno);
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = rustix::fs::memfd_create("karakuri-screen", flags).map_err(refused)?;
    rustix::fs::ftruncate(&memory, length(&display.screen()) as u64).map_err(refused)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&memory, seals).map_err(refused)?;
    let mapping = Mapping::of(memory.as_fd()).map_err(refused)?;
    let segment = display.connection.generate_id()?;
    display.connection.shm_attach_fd(segment, memory, false)?.check()?;
    Ok((mapping, segment))
}

fn detach(display: &Display, segment: Seg) {
    // The server drops the segment with the connection in any case.
    if let Ok(cookie) = display.connection.shm_detach(segment) {
        cookie.ignore_error();
    }
}

/// Frames are BGRX; a server with another layout is left to xcap, which converts.
fn check_pixel_format(display: &Display) -> Result<(), X11Error> {
    let setup = display.connection.setup();
    let screen = display.setup();
    let bits = setup.pixmap_formats.iter().find(|f| f.depth == screen.root_depth);
    let visual = screen
        .allowed_depths
        .iter()
        .flat_map(|depth| &depth.visuals)
        .find(|visual| visual.visual_id == screen.root_visual);
    let bgrx = bits.is_some_and(|format| format.bits_per_pixel == 32)
        && setup.image_byte_order == ImageOrder::LSB_FIRST
        && visual
            .is_some_and(|v| (v.red_mask, v.green_mask, v.blue_mask) == (0xff_0000, 0xff00, 0xff));
    if bgrx { Ok(()) } else { Err(X11Error::PixelFormat) }
}
