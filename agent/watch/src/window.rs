//! The window on the person's display: one connection, one window, pictures put into it.

use std::rc::Rc;

use karakuri_protocol::geometry::Rect;
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::{Connection, RequestConnection as _};
use x11rb::protocol::Event;
use x11rb::protocol::xkb::ConnectionExt as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, EventMask, Gcontext, ImageFormat, ImageOrder, PropMode, Screen, WindowClass,
};
use x11rb::resource_manager;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::canvas::{BYTES, Canvas};
use crate::error::WatchError;

x11rb::atom_manager! {
    /// Of ICCCM and EWMH.
    Atoms:
    /// Pending replies for [`Atoms`].
    AtomsCookie {
        UTF8_STRING,
        WM_DELETE_WINDOW,
        WM_PROTOCOLS,
        _NET_WM_NAME,
        _NET_WORKAREA,
    }
}

/// What the window manager puts around a window, about.
const FRAME: u32 = 48;
/// Behind the picture where it does not fill the window.
pub(crate) const GROUND: [u8; 3] = [0x18, 0x12, 0x0e];
/// What a PutImage request has before its pixels, in bytes, and some more.
const REQUEST: usize = 64;

/// The window.
#[derive(Debug)]
pub(crate) struct Window {
    connection: Rc<RustConnection>,
    atoms: Atoms,
    id: u32,
    context: Gcontext,
    depth: u8,
    /// The largest window that the person's display has room for.
    room: Rect,
    dots: f32,
}

impl Window {
    /// Connects to `$DISPLAY` and shows a window of about the size.
    pub(crate) fn open(width: u32, height: u32) -> Result<Self, WatchError> {
        let (connection, number) = x11rb::connect(None).map_err(|source| {
            let display = std::env::var("DISPLAY").unwrap_or_default();
            WatchError::Connect { display, source }
        })?;
        let connection = Rc::new(connection);
        let screen = connection.setup().roots[number].clone();
        check_pixel_format(&connection, &screen)?;
        // Only then does the state of a key tell the layout group.
        connection.xkb_use_extension(1, 0)?.reply()?;
        let atoms = Atoms::new(&connection)?.reply()?;
        let area = connection
            .get_property(false, screen.root, atoms._NET_WORKAREA, AtomEnum::CARDINAL, 0, 4)?
            .reply()?;
        let area: Vec<u32> = area.value32().into_iter().flatten().collect();
        let whole = (screen.width_in_pixels.into(), screen.height_in_pixels.into());
        let (wide, high) = if let [_, _, w, h] = area[..] { (w, h) } else { whole };
        let room = Rect::new(0, 0, wide.min(whole.0), high.min(whole.1).saturating_sub(FRAME));
        let resources = resource_manager::new_from_resource_manager(&*connection)?;
        let dots = resources.and_then(|r| r.get_value("Xft.dpi", "").ok().flatten());
        let (id, context) = (connection.generate_id()?, connection.generate_id()?);
        let depth = screen.root_depth;
        let dots = dots.unwrap_or(96.0);
        let window = Self { connection, atoms, id, context, depth, room, dots };
        window.make(&screen, width.min(room.width), height.min(room.height))?;
        Ok(window)
    }

    fn make(&self, screen: &Screen, width: u32, height: u32) -> Result<(), WatchError> {
        let Self { connection, atoms, id, .. } = self;
        let mask = EventMask::EXPOSURE
            | EventMask::STRUCTURE_NOTIFY
            | EventMask::KEY_PRESS
            | EventMask::BUTTON_PRESS
            | EventMask::BUTTON_RELEASE
            | EventMask::POINTER_MOTION;
        let [blue, green, red] = GROUND;
        let ground = u32::from_le_bytes([blue, green, red, 0]);
        let (w, h) = (size(width), size(height));
        let values = CreateWindowAux::new().event_mask(mask).background_pixel(ground);
        let class = WindowClass::INPUT_OUTPUT;
        let depth = COPY_DEPTH_FROM_PARENT;
        connection
            .create_window(depth, *id, screen.root, 0, 0, w, h, 0, class, 0, &values)?
            .check()?;
        connection.create_gc(self.context, *id, &CreateGCAux::new())?.check()?;
        let (mode, atom) = (PropMode::REPLACE, AtomEnum::ATOM);
        connection.change_property32(
            mode,
            *id,
            atoms.WM_PROTOCOLS,
            atom,
            &[atoms.WM_DELETE_WINDOW],
        )?;
        let class = b"karakuri-watch\0Karakuri\0";
        connection.change_property8(mode, *id, AtomEnum::WM_CLASS, AtomEnum::STRING, class)?;
        self.title("Karakuri")?;
        connection.map_window(*id)?.check()?;
        Ok(())
    }

    /// The connection.
    pub(crate) fn connection(&self) -> &Rc<RustConnection> {
        &self.connection
    }

    /// Dots an inch, as the person has set them.
    pub(crate) fn dots(&self) -> f32 {
        self.dots
    }

    /// The next event that is there already.
    pub(crate) fn next(&self) -> Result<Option<Event>, WatchError> {
        Ok(self.connection.poll_for_event()?)
    }

    /// Whether the window manager asks for the window to be closed.
    pub(crate) fn is_closing(&self, message: &ClientMessageEvent) -> bool {
        message.data.as_data32()[0] == self.atoms.WM_DELETE_WINDOW
    }

    /// Names the window.
    pub(crate) fn title(&self, title: &str) -> Result<(), WatchError> {
        let Self { connection, atoms, id, .. } = self;
        let (mode, text) = (PropMode::REPLACE, title.as_bytes());
        connection.change_property8(mode, *id, atoms._NET_WM_NAME, atoms.UTF8_STRING, text)?;
        connection.change_property8(mode, *id, AtomEnum::WM_NAME, AtomEnum::STRING, text)?;
        Ok(())
    }

    /// The largest size not above `width` × `height`, below a bar of `bar`, in which the ratio is kept.
    pub(crate) fn fitting(&self, width: u32, height: u32, bar: u32) -> (u32, u32) {
        let room = Rect { height: self.room.height.saturating_sub(bar), ..self.room };
        if width <= room.width && height <= room.height {
            return (width, height + bar);
        }
        let fit = crate::fit::Fit::new(Rect::new(0, 0, width, height), room);
        fit.map_or((width, height + bar), |fit| (fit.shown().width, fit.shown().height + bar))
    }

    /// Asks for another size.
    pub(crate) fn resize(&self, width: u32, height: u32) -> Result<(), WatchError> {
        let size = ConfigureWindowAux::new().width(width).height(height);
        self.connection.configure_window(self.id, &size)?;
        Ok(())
    }

    /// Puts pixels into the window, all of `part`.
    pub(crate) fn put(&self, part: Rect, pixels: &Canvas) -> Result<(), WatchError> {
        let stride = part.width as usize * BYTES;
        let room = self.connection.maximum_request_bytes().saturating_sub(REQUEST);
        let rows = (room / stride.max(1)).max(1);
        let mut top = part.top;
        for band in pixels.pixels().chunks(rows * stride.max(1)) {
            let height = u32::try_from(band.len() / stride.max(1)).unwrap_or_default();
            self.connection.put_image(
                ImageFormat::Z_PIXMAP,
                self.id,
                self.context,
                size(part.width),
                size(height),
                place(part.left),
                place(top),
                0,
                self.depth,
                band,
            )?;
            top = top.saturating_add_unsigned(height);
        }
        Ok(())
    }
}

/// A size as the protocol has it.
fn size(value: u32) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX).max(1)
}

fn place(value: i32) -> i16 {
    i16::try_from(value).unwrap_or_default()
}

fn check_pixel_format(connection: &RustConnection, screen: &Screen) -> Result<(), WatchError> {
    let setup = connection.setup();
    let bits = setup.pixmap_formats.iter().find(|format| format.depth == screen.root_depth);
    let mut visuals = screen.allowed_depths.iter().flat_map(|depth| &depth.visuals);
    let visual = visuals.find(|visual| visual.visual_id == screen.root_visual);
    let is_bgrx = bits.is_some_and(|format| format.bits_per_pixel == 32)
        && setup.image_byte_order == ImageOrder::LSB_FIRST
        && visual
            .is_some_and(|v| (v.red_mask, v.green_mask, v.blue_mask) == (0xff_0000, 0xff00, 0xff));
    if is_bgrx { Ok(()) } else { Err(WatchError::PixelFormat) }
}
