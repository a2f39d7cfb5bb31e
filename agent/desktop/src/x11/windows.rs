//! Windows as the window manager lists them (EWMH) or the server has them, and the top-level surfaces on the root window.
//!
//! A window may vanish between two requests; what can no longer be asked is left out.

use karakuri_protocol::desktop::Window as Listed;
use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::untrusted::Untrusted;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, EventMask,
    GetPropertyReply, InputFocus, MapState, StackMode, Window, WindowClass,
};

use super::display::Display;
use super::error::X11Error;
use super::focus;

/// The longest title that is read, in units of four bytes.
const TITLE_LENGTH: u32 = 1024;

/// EWMH's source indication for a pager: the window manager obeys without focus-stealing rules.
const SOURCE_PAGER: u32 = 2;

/// All windows of applications, bottom to top.
pub(super) fn list(display: &Display) -> Result<Vec<Listed>, X11Error> {
    let active = focus::active(display)?;
    let ids = ids(display)?;
    let listed = ids.into_iter().filter_map(|id| describe(display, id, active).transpose());
    listed.collect()
}

/// The ids of [`list`].
pub(super) fn ids(display: &Display) -> Result<Vec<Window>, X11Error> {
    if focus::is_managed(display)? {
        display.list(display.root, display.atoms._NET_CLIENT_LIST_STACKING)
    } else {
        focus::unlisted(display)
    }
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

/// Whether `id` is mapped, and so are all windows it lies in.
pub(super) fn is_viewable(display: &Display, id: Window) -> Result<bool, X11Error> {
    let attributes = display.connection.get_window_attributes(id)?.reply();
    Ok(attributes.is_ok_and(|a| a.map_state == MapState::VIEWABLE))
}

/// The topmost surface at a point: a window with its frame, a menu, a tooltip.
pub(super) fn surface_at(display: &Display, at: Point) -> Result<Option<Window>, X11Error> {
    let (Ok(x), Ok(y)) = (i16::try_from(at.x), i16::try_from(at.y)) else { return Ok(None) };
    let root = display.root;
    let child = display.connection.translate_coordinates(root, root, x, y)?.reply()?.child;
    Ok(Some(child).filter(|child| *child != x11rb::NONE))
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

/// Asks the window manager to give `id` the keyboard and raise it; does so where there is none.
pub(super) fn request_focus(display: &Display, id: Window) -> Result<(), X11Error> {
    check_listed(display, id)?;
    if !focus::is_managed(display)? {
        return take_focus(display, id);
    }
    tell_manager(display, id, display.atoms._NET_ACTIVE_WINDOW, [SOURCE_PAGER, 0, 0, 0, 0])
}

/// Gives `id` the keyboard and raises it without asking the window manager (ICCCM section 4.1.7).
pub(super) fn take_focus(display: &Display, id: Window) -> Result<(), X11Error> {
    let above = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
    display.connection.configure_window(id, &above)?;
    let parent = InputFocus::PARENT;
    display.connection.set_input_focus(parent, id, x11rb::CURRENT_TIME)?;
    if protocols(display, id)?.contains(&display.atoms.WM_TAKE_FOCUS) {
        tell_client(display, id, display.atoms.WM_TAKE_FOCUS, [x11rb::CURRENT_TIME, 0])?;
    }
    display.sync()
}

/// Whether `id` is a window that is to have the keyboard when it is worked with: no panel, and not
/// one that declines it (ICCCM section 4.1.2.4, the input hint).
pub(super) fn wants_keyboard(display: &Display, id: Window) -> Result<bool, X11Error> {
    let hints = match display.list(id, AtomEnum::WM_HINTS.into()) {
        Err(X11Error::Reply(_)) => return Ok(false),
        hints => hints?,
    };
    // The first word says which of the others mean something: bit 0 is for the input hint.
    let declines = matches!(hints[..], [flags, input, ..] if flags & 1 == 1 && input == 0);
    let panel = match display.list(id, display.atoms._NET_WM_WINDOW_TYPE) {
        Ok(kinds) => kinds.contains(&display.atoms._NET_WM_WINDOW_TYPE_DOCK),
        Err(X11Error::Reply(_)) => true,
        Err(error) => return Err(error),
    };
    Ok(!declines && !panel)
}

/// Whether a menu or another surface that the window manager has no hand in is open.
pub(super) fn popup_is_open(display: &Display) -> Result<bool, X11Error> {
    for top in display.connection.query_tree(display.root)?.reply()?.children {
        let Ok(told) = display.connection.get_window_attributes(top)?.reply() else { continue };
        let shown = told.map_state == MapState::VIEWABLE && told.class == WindowClass::INPUT_OUTPUT;
        let seen = || {
            rect_of(display, top).map(|rect| rect.and_then(|r| r.intersection(&display.screen())))
        };
        if shown && told.override_redirect && seen()?.is_some() && !is_passing(display, top)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Asks the window manager to close `id`: it sends WM_DELETE_WINDOW, or ends a client that does not
/// know it. Does so where there is none.
pub(super) fn request_close(display: &Display, id: Window) -> Result<(), X11Error> {
    check_listed(display, id)?;
    if focus::is_managed(display)? {
        return tell_manager(
            display,
            id,
            display.atoms._NET_CLOSE_WINDOW,
            [0, SOURCE_PAGER, 0, 0, 0],
        );
    }
    if protocols(display, id)?.contains(&display.atoms.WM_DELETE_WINDOW) {
        tell_client(display, id, display.atoms.WM_DELETE_WINDOW, [x11rb::CURRENT_TIME, 0])?;
    } else {
        display.connection.kill_client(id)?;
    }
    display.sync()
}

fn check_listed(display: &Display, id: Window) -> Result<(), X11Error> {
    if ids(display)?.contains(&id) {
        return Ok(());
    }
    let message = format!("there is no window {id:#x}: ask for the list of windows again");
    Err(X11Error::Request(message))
}

fn tell_manager(display: &Display, id: Window, what: Atom, data: [u32; 5]) -> Result<(), X11Error> {
    let message = ClientMessageEvent::new(32, id, what, data);
    let mask = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
    display.connection.send_event(false, display.root, mask, message)?;
    display.sync()
}

fn tell_client(display: &Display, id: Window, what: Atom, data: [u32; 2]) -> Result<(), X11Error> {
    let data = [what, data[0], data[1], 0, 0];
    let message = ClientMessageEvent::new(32, id, display.atoms.WM_PROTOCOLS, data);
    display.connection.send_event(false, id, EventMask::NO_EVENT, message)?;
    display.sync()
}

/// The protocols that the client of `id` takes part in (ICCCM section 4.1.2.7).
fn protocols(display: &Display, id: Window) -> Result<Vec<u32>, X11Error> {
    match display.list(id, display.atoms.WM_PROTOCOLS) {
        Err(X11Error::Reply(_)) => Ok(Vec::new()),
        protocols => protocols,
    }
}

/// Whether the client of `id` says that it answers pings.
pub(super) fn answers_pings(display: &Display, id: Window) -> Result<bool, X11Error> {
    Ok(protocols(display, id)?.contains(&display.atoms._NET_WM_PING))
}

/// Sends a ping; the client sends it back to the root window when it comes to it in its queue,
/// which is after all keys that were sent before.
pub(super) fn ping(display: &Display, id: Window, serial: u32) -> Result<(), X11Error> {
    tell_client(display, id, display.atoms._NET_WM_PING, [serial, id])
}
