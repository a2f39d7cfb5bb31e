//! The connection to the X server and what is fixed about it: root window, screen, atoms.
//!
//! One connection serves everything in this process but the pointer (enigo keeps its own) and the
//! fallback capture. Shared by reference count among the parts of `x11`; single-threaded.

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use karakuri_protocol::geometry::Rect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use x11rb::connection::{Connection, RequestConnection};
use x11rb::protocol::Event;
use x11rb::protocol::damage::ConnectionExt as _;
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, CreateWindowAux, EventMask,
    Screen, Window, WindowClass,
};
use x11rb::protocol::{damage, xfixes, xkb, xtest};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT};

use super::error::X11Error;

x11rb::atom_manager! {
    /// The atoms of EWMH, ICCCM and the clipboard that are used here.
    pub(crate) Atoms:
    /// Pending replies for [`Atoms`].
    AtomsCookie {
        AT_SPI_BUS,
        CLIPBOARD,
        INCR,
        TARGETS,
        TEXT,
        TIMESTAMP,
        UTF8_STRING,
        WM_DELETE_WINDOW,
        WM_PROTOCOLS,
        WM_STATE,
        WM_TAKE_FOCUS,
        KARAKURI_SELECTION,
        _NET_ACTIVE_WINDOW,
        _NET_CLIENT_LIST_STACKING,
        _NET_CLOSE_WINDOW,
        _NET_FRAME_EXTENTS,
        _NET_SUPPORTING_WM_CHECK,
        _NET_WM_NAME,
        _NET_WM_PING,
        _NET_WM_VISIBLE_NAME,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_DOCK,
        _NET_WM_WINDOW_TYPE_TOOLTIP,
        _NET_WM_WINDOW_TYPE_NOTIFICATION,
        TEXT_PLAIN_UTF8: b"text/plain;charset=utf-8",
    }
}

/// The X connection.
#[derive(Debug)]
pub(crate) struct Display {
    pub(crate) connection: RustConnection,
    pub(crate) atoms: Atoms,
    pub(crate) root: Window,
    screen: Cell<Rect>,
    /// An unmapped window of ours: owns selections, receives replies.
    pub(crate) own: Window,
    screen_number: usize,
}

impl Display {
    /// Connects to `$DISPLAY` and checks the extensions.
    pub(crate) fn open() -> Result<Self, X11Error> {
        let (connection, screen_number) = x11rb::connect(None)?;
        let root = connection.setup().roots[screen_number].clone();
        check_extensions(&connection)?;
        let atoms = Atoms::new(&connection)?.reply()?;
        watch_root(&connection, &root)?;
        let own = create_own_window(&connection, &root)?;
        Ok(Self {
            atoms,
            root: root.root,
            screen: Cell::new(whole(root.width_in_pixels, root.height_in_pixels)),
            own,
            screen_number,
            connection,
        })
    }

    /// `[0, 0, width, height]` of the root window.
    pub(crate) fn screen(&self) -> Rect {
        self.screen.get()
    }

    /// The root window has another size (RandR); whether it is a new one.
    pub(crate) fn resized(&self, width: u16, height: u16) -> bool {
        self.screen.replace(whole(width, height)) != whole(width, height)
    }

    /// The description of our screen.
    pub(crate) fn setup(&self) -> &Screen {
        &self.connection.setup().roots[self.screen_number]
    }

    /// Whether two windows were made by one program: their ids begin alike (X protocol, "Connection
    /// Setup", resource-id-mask).
    pub(crate) fn same_client(&self, one: Window, other: Window) -> bool {
        (one ^ other) & !self.connection.setup().resource_id_mask == 0
    }

    /// Waits until the server has handled everything sent so far.
    pub(crate) fn sync(&self) -> Result<(), X11Error> {
        Ok(self.connection.sync()?)
    }

    /// The next event, or none when `deadline` comes or one of `others` is readable first. A deadline
    /// that has passed takes only what is already there.
    pub(crate) fn next_event(
        &self,
        deadline: Instant,
        others: &[BorrowedFd<'_>],
    ) -> Result<Option<Event>, X11Error> {
        let fds: Vec<_> = [self.as_fd()].iter().chain(others).copied().collect();
        loop {
            // Before looking for events, because sending may also read some off the socket, and
            // then the socket has nothing left to wake us with.
            self.connection.flush()?;
            if let Some(event) = self.connection.poll_for_event()? {
                return Ok(Some(event));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let readable = wait_readable(&fds, Timespec::try_from(left).ok().as_ref())?;
            if readable.first() == Some(&false) && readable.contains(&true) {
                return Ok(None);
            }
        }
    }

    /// The values of a list property of 32-bit items; empty when it is not set.
    pub(crate) fn list(&self, window: Window, name: Atom) -> Result<Vec<u32>, X11Error> {
        let reply = self.connection.get_property(false, window, name, AtomEnum::ANY, 0, 4096)?;
        Ok(reply.reply()?.value32().map(Iterator::collect).unwrap_or_default())
    }
}

impl AsFd for Display {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.stream().as_fd()
    }
}

fn whole(width: u16, height: u16) -> Rect {
    Rect::new(0, 0, u32::from(width), u32::from(height))
}

/// Blocks until one of `fds` is readable or the time is over; tells which are readable or closed.
pub(crate) fn wait_readable(
    fds: &[BorrowedFd<'_>],
    timeout: Option<&Timespec>,
) -> Result<Vec<bool>, X11Error> {
    let mut polled: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    match poll(&mut polled, timeout) {
        Ok(_) | Err(Errno::INTR) => Ok(polled.iter().map(|p| !p.revents().is_empty()).collect()),
        Err(errno) => Err(X11Error::Kernel("wait for the X server", errno)),
    }
}

fn check_extensions(connection: &RustConnection) -> Result<(), X11Error> {
    let present = |name| connection.extension_information(name).map(|found| found.is_some());
    for name in [damage::X11_EXTENSION_NAME, xfixes::X11_EXTENSION_NAME, xtest::X11_EXTENSION_NAME]
    {
        if !present(name)? {
            return Err(X11Error::Extension(name));
        }
    }
    if !present(xkb::X11_EXTENSION_NAME)? {
        return Err(X11Error::Extension(xkb::X11_EXTENSION_NAME));
    }
    connection.xfixes_query_version(5, 0)?.reply()?;
    connection.damage_query_version(1, 1)?.reply()?;
    xkb::use_extension(connection, 1, 0)?.reply()?;
    Ok(())
}

fn watch_root(connection: &RustConnection, root: &Screen) -> Result<(), X11Error> {
    // Property changes tell of the window list and of the focus; substructure events of windows
    // that appear, and of ping replies, which clients send to the root window (EWMH); Qt 5 sends
    // those to who selected structure events, which also tell that the screen has another size.
    let mask =
        EventMask::PROPERTY_CHANGE | EventMask::SUBSTRUCTURE_NOTIFY | EventMask::STRUCTURE_NOTIFY;
    let attributes = ChangeWindowAttributesAux::new().event_mask(mask);
    connection.change_window_attributes(root.root, &attributes)?.check()?;
    Ok(())
}

fn create_own_window(connection: &RustConnection, root: &Screen) -> Result<Window, X11Error> {
    let own = connection.generate_id()?;
    let aux = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE).override_redirect(1);
    connection
        .create_window(
            COPY_DEPTH_FROM_PARENT,
            own,
            root.root,
            -1,
            -1,
            1,
            1,
            0,
            WindowClass::INPUT_OUTPUT,
            COPY_FROM_PARENT,
            &aux,
        )?
        .check()?;
    Ok(own)
}
