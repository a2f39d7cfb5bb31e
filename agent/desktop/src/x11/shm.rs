//! Capture through MIT-SHM: the server writes the pixels into a memfd of ours.
//!
//! The memfd is read with `pread` rather than mapped: that is the one copy a frame needs anyway, it
//! cannot race with the server's writes as a mapping could, and it needs no unsafe code. The seal
//! keeps the server, which can also change the file, from shrinking or growing it.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use karakuri_protocol::geometry::Rect;
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::shm::{self, ConnectionExt as _, Seg};
use x11rb::protocol::xproto::{ImageFormat, ImageOrder};

use super::capture::{Capture, within};
use super::display::Display;
use super::error::X11Error;
use crate::frame::{BYTES_PER_PIXEL, Frame};

/// The shared segment, as large as the screen.
#[derive(Debug)]
pub(super) struct Shm {
    display: Rc<Display>,
    memory: OwnedFd,
    segment: Seg,
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
        let memory = screen_memory(display.screen())?;
        let segment = connection.generate_id()?;
        let for_server = memory.try_clone().map_err(|error| {
            X11Error::Kernel("share memory", Errno::from_io_error(&error).unwrap_or(Errno::MFILE))
        })?;
        connection.shm_attach_fd(segment, for_server, false)?.check()?;
        Ok(Self { display: Rc::clone(display), memory, segment })
    }
}

impl Capture for Shm {
    fn grab(&mut self, region: Rect) -> Result<Frame, X11Error> {
        let region = within(self.display.screen(), region)?;
        let out_of_range = |_| X11Error::Request("the region does not fit the X protocol".into());
        let reply = self
            .display
            .connection
            .shm_get_image(
                self.display.root,
                i16::try_from(region.left).map_err(out_of_range)?,
                i16::try_from(region.top).map_err(out_of_range)?,
                u16::try_from(region.width).map_err(out_of_range)?,
                u16::try_from(region.height).map_err(out_of_range)?,
                u32::MAX,
                u8::from(ImageFormat::Z_PIXMAP),
                self.segment,
                0,
            )?
            .reply()?;
        let length = region.width as usize * region.height as usize * BYTES_PER_PIXEL;
        if reply.size as usize != length {
            return Err(X11Error::PixelFormat);
        }
        Ok(Frame::new(region.width, region.height, self.read(length)?)?)
    }

    fn name(&self) -> &'static str {
        "shm"
    }
}

impl Shm {
    fn read(&self, length: usize) -> Result<Vec<u8>, X11Error> {
        let mut pixels = Vec::with_capacity(length);
        while pixels.len() < length {
            let wanted = length - pixels.len();
            let at = pixels.len() as u64;
            let before = pixels.len();
            rustix::io::retry_on_intr(|| {
                rustix::io::pread(&self.memory, rustix::buffer::spare_capacity(&mut pixels), at)
            })
            .map_err(|errno| X11Error::Kernel("read the shared memory", errno))?;
            if pixels.len() == before {
                return Err(X11Error::Kernel("read all of the shared memory", Errno::IO));
            }
            pixels.truncate(before + wanted);
        }
        Ok(pixels)
    }
}

impl Drop for Shm {
    fn drop(&mut self) {
        // The server drops the segment with the connection in any case.
        if let Ok(cookie) = self.display.connection.shm_detach(self.segment) {
            cookie.ignore_error();
        }
    }
}

fn screen_memory(screen: Rect) -> Result<OwnedFd, X11Error> {
    let refused = |errno| X11Error::Kernel("make shared memory for the screen", errno);
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = rustix::fs::memfd_create("karakuri-screen", flags).map_err(refused)?;
    let length = u64::from(screen.width) * u64::from(screen.height) * BYTES_PER_PIXEL as u64;
    rustix::fs::ftruncate(&memory, length).map_err(refused)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&memory, seals).map_err(refused)?;
    Ok(memory)
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
