//! Windows as the window manager lists them (EWMH), and the top-level surfaces on the root window.
//!
//! A window may vanish between two requests; what can no longer be asked is left out.

use karakuri_protocol::desktop::Window as Listed;
use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::untrusted::Untrusted;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, GetPropertyReply, MapState,
    Window,
};

use super::display::Display;
use super::error::X11Error;

/// The longest title that is read, in units of four bytes.
const TITLE_LENGTH: u32 = 1024;

/// EWMH's source indication for a pager: the window manager obeys without focus-stealing rules.
const SOURCE_PAGER: u32 = 2;

/// All windows of applications, bottom to top.
pub(super) fn list(display: &Display) -> Result<Vec<Listed>, X11Error> {
    let active = active(display)?;
    let ids = ids(display)?;
    let listed = ids.into_iter().filter_map(|id| describe(display, id, active).transpose());
    listed.collect()
}

/// The ids of [`list`].
pub(super) fn ids(display: &Display) -> Result<Vec<Window>, X11Error> {
    display.list(display.root, display.atoms._NET_CLIENT_LIST_STACKING)
}

/// One window; none when it is gone.
pub(super) fn describe(
    display: &Display,
    id: Window,
    active: Option<Window>,
) -> Result<Option<Listed>, X11Error> {
    let (connection, atoms) = (&display.connection, &display.atoms);
    let text =
        |name: Atom| connection.get_property(false, id, name, AtomEnum::ANY, 0, TITLE_LENGTH);
    let title = text(atoms._NET_WM_NAME)?;
    let shown_title = text(atoms._NET_WM_VISIBLE_NAME)?;
    let old_title = text(AtomEnum::WM_NAME.into())?;
    let class = text(AtomEnum::WM_CLASS.into())?;
    let Some(rect) = rect_of(display, id)? else { return Ok(None) };
    let titles = [title.reply(), shown_title.reply(), old_title.reply()];
    let Ok(class) = class.reply() else { return Ok(None) };
    let title = titles.iter().flatten().find(|title| !title.value.is_empty());
    // WM_CLASS is two strings, each ended by a zero byte: instance and class.
    let class = class.value.split(|byte| *byte == 0).nth(1).unwrap_or_default();
    Ok(Some(Listed {
        id,
        title: Untrusted::new(title.map(decoded).unwrap_or_default()),
        class: Untrusted::new(latin1(class)),
        rect,
        focused: active == Some(id),
    }))
}

/// A title as text. Programs that give none in UTF-8 have the one the window manager shows, which
/// it converted; without a window manager what is not Latin-1 is lost.
fn decoded(title: &GetPropertyReply) -> String {
    if title.type_ == u32::from(AtomEnum::STRING) {
        latin1(&title.value)
    } else {
        String::from_utf8_lossy(&title.value).into_owned()
    }
}

/// Text of the type STRING (ICCCM section 2.7.1).
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The area of a window, without its border, in pixels of the screen; none when it is gone.
pub(super) fn rect_of(display: &Display, id: Window) -> Result<Option<Rect>, X11Error> {
    let connection = &display.connection;
    let size = connection.get_geometry(id)?;
    let origin = connection.translate_coordinates(id, display.root, 0, 0)?;
    let (Ok(size), Ok(origin)) = (size.reply(), origin.reply()) else { return Ok(None) };
    Ok(Some(Rect::new(
        i32::from(origin.dst_x),
        i32::from(origin.dst_y),
        u32::from(size.width),
        u32::from(size.height),
    )))
}

/// The area of a window with the frame the window manager put around it.
pub(super) fn framed(display: &Display, id: Window, content: Rect) -> Result<Rect, X11Error> {
    let extents = match display.list(id, display.atoms._NET_FRAME_EXTENTS) {
        Err(X11Error::Reply(_)) => return Ok(content),
        extents => extents?,
    };
    let [left, right, top, bottom] = extents[..] else { return Ok(content) };
    Ok(Rect::new(
        content.left.saturating_sub_unsigned(left),
        content.top.saturating_sub_unsigned(top),
        content.width.saturating_add(left).saturating_add(right),
        content.height.saturating_add(top).saturating_add(bottom),
    ))
}

/// The window that has the keyboard: as the window manager says, or without one as the server says.
pub(super) fn active(display: &Display) -> Result<Option<Window>, X11Error> {
    if !display.list(display.root, display.atoms._NET_SUPPORTING_WM_CHECK)?.is_empty() {
        let told = display.list(display.root, display.atoms._NET_ACTIVE_WINDOW)?;
        return Ok(told.first().copied().filter(|id| *id != x11rb::NONE));
    }
    let focus = display.connection.get_input_focus()?.reply()?.focus;
    // 0 and 1 are None and PointerRoot.
    Ok(Some(focus).filter(|id| *id > 1 && *id != display.root))
}

/// Whether the server sends keys to `id` or to a window within it.
pub(super) fn has_input(display: &Display, id: Window) -> Result<bool, X11Error> {
    let mut window = display.connection.get_input_focus()?.reply()?.focus;
    while window > 1 && window != display.root {
        if window == id {
            return Ok(true);
        }
        match display.connection.query_tree(window)?.reply() {
            Ok(tree) => window = tree.parent,
            Err(_) => return Ok(false),
        }
    }
    Ok(false)
}

/// Whether `id` is mapped, and so are all windows it lies in.
pub(super) fn is_viewable(display: &Display, id: Window) -> Result<bool, X11Error> {
    let attributes = display.connection.get_window_attributes(id)?.reply();
    Ok(attributes.is_ok_and(|a| a.map_state == MapState::VIEWABLE))
}

/// The area of the topmost surface at a point: a window with its frame, a menu, a tooltip.
pub(super) fn surface_at(display: &Display, at: Point) -> Result<Option<Rect>, X11Error> {
    let (Ok(x), Ok(y)) = (i16::try_from(at.x), i16::try_from(at.y)) else { return Ok(None) };
    let root = display.root;
    let child = display.connection.translate_coordinates(root, root, x, y)?.reply()?.child;
    if child == x11rb::NONE { Ok(None) } else { rect_of(display, child) }
}

/// Whether a surface is a tooltip or a notification, which come and go by themselves.
pub(super) fn is_passing(display: &Display, id: Window) -> Result<bool, X11Error> {
    let atoms = &display.atoms;
    let passing = [atoms._NET_WM_WINDOW_TYPE_TOOLTIP, atoms._NET_WM_WINDOW_TYPE_NOTIFICATION];
    match display.list(id, atoms._NET_WM_WINDOW_TYPE) {
        Ok(types) => Ok(types.iter().any(|kind| passing.contains(kind))),
        Err(X11Error::Reply(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Asks the window manager to give `id` the keyboard and raise it.
pub(super) fn request_focus(display: &Display, id: Window) -> Result<(), X11Error> {
    tell_manager(display, id, display.atoms._NET_ACTIVE_WINDOW, [SOURCE_PAGER, 0, 0, 0, 0])
}

/// Asks the window manager to close `id` (it sends WM_DELETE_WINDOW, or kills a client without).
pub(super) fn request_close(display: &Display, id: Window) -> Result<(), X11Error> {
    tell_manager(display, id, display.atoms._NET_CLOSE_WINDOW, [0, SOURCE_PAGER, 0, 0, 0])
}

fn tell_manager(display: &Display, id: Window, what: Atom, data: [u32; 5]) -> Result<(), X11Error> {
    if !ids(display)?.contains(&id) {
        return Err(X11Error::Request(format!(
            "there is no window {id:#x}: ask for the list of windows again"
        )));
    }
    let message = ClientMessageEvent::new(32, id, what, data);
    let mask = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
    display.connection.send_event(false, display.root, mask, message)?;
    display.sync()
}

/// Whether the client of `id` says that it answers pings.
pub(super) fn answers_pings(display: &Display, id: Window) -> Result<bool, X11Error> {
    match display.list(id, display.atoms.WM_PROTOCOLS) {
        Ok(protocols) => Ok(protocols.contains(&display.atoms._NET_WM_PING)),
        Err(X11Error::Reply(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Sends a ping; the client sends it back to the root window when it comes to it in its queue,
/// which is after all keys that were sent before.
pub(super) fn ping(display: &Display, id: Window, serial: u32) -> Result<(), X11Error> {
    let atoms = &display.atoms;
    let data = [atoms._NET_WM_PING, serial, id, 0, 0];
    let message = ClientMessageEvent::new(32, id, atoms.WM_PROTOCOLS, data);
    display.connection.send_event(false, id, EventMask::NO_EVENT, message)?;
    display.sync()
}
