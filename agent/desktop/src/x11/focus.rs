//! Who has the keyboard, and who is the client of a top-level window, with a window manager or none.
//!
//! Without one that keeps EWMH's properties the server's input focus decides; where that is left to
//! the pointer, as on a bare server, keys go to the window under it.

use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, MapState, Window, WindowClass};

use super::display::Display;
use super::error::X11Error;
use super::windows;

/// `PointerRoot` of SetInputFocus; 0 is `None`.
const POINTER_ROOT: Window = 1;
/// Managers put a client at most this deep into its frame.
const FRAME_DEPTH: usize = 3;

/// Whether there is a window manager that keeps EWMH's properties. What one has left behind that is
/// gone does not count: the window it names then is gone too.
pub(super) fn is_managed(display: &Display) -> Result<bool, X11Error> {
    let check = display.atoms._NET_SUPPORTING_WM_CHECK;
    let Some(window) = display.list(display.root, check)?.first().copied() else {
        return Ok(false);
    };
    match display.list(window, check) {
        Ok(itself) => Ok(itself.first() == Some(&window)),
        Err(X11Error::Reply(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The windows of applications that are on the screen, bottom to top, where nobody lists them.
pub(super) fn unlisted(display: &Display) -> Result<Vec<Window>, X11Error> {
    let mut clients = Vec::new();
    for top in display.connection.query_tree(display.root)?.reply()?.children {
        let Ok(told) = display.connection.get_window_attributes(top)?.reply() else { continue };
        let shown = told.map_state == MapState::VIEWABLE && told.class == WindowClass::INPUT_OUTPUT;
        if shown && !told.override_redirect {
            clients.push(client_in(display, top)?);
        }
    }
    Ok(clients)
}

/// The client in a top-level window: a manager marks it with WM_STATE (ICCCM section 4.1.3.1), in a
/// frame of its own or not; without a mark it is the window itself.
pub(super) fn client_in(display: &Display, top: Window) -> Result<Window, X11Error> {
    let (connection, state) = (&display.connection, display.atoms.WM_STATE);
    let mut level = vec![top];
    for _ in 0..FRAME_DEPTH {
        // A frame has a dozen parts: all are asked at once.
        let mut asked = Vec::new();
        for window in level {
            let marked = connection.get_property(false, window, state, AtomEnum::ANY, 0, 1)?;
            asked.push((window, marked, connection.query_tree(window)?));
        }
        level = Vec::new();
        let mut client = None;
        for (window, marked, tree) in asked {
            if marked.reply().is_ok_and(|marked| !marked.value.is_empty()) {
                client = client.or(Some(window));
            }
            level.extend(tree.reply().map(|tree| tree.children).unwrap_or_default());
        }
        if let Some(client) = client {
            return Ok(client);
        }
    }
    Ok(top)
}

/// The window that has the keyboard: as the window manager says, or without one as the server says.
pub(super) fn active(display: &Display) -> Result<Option<Window>, X11Error> {
    let managed = is_managed(display)?;
    if managed {
        let told = display.list(display.root, display.atoms._NET_ACTIVE_WINDOW)?;
        if let Some(active) = told.first().copied() {
            return Ok(Some(active).filter(|id| *id != x11rb::NONE));
        }
    }
    let Some(top) = top_with_input(display)? else { return Ok(None) };
    let client = client_in(display, top)?;
    // A window manager that says of no window that it is active keeps the focus on one of its own.
    let listed = !managed || windows::ids(display)?.contains(&client);
    Ok(Some(client).filter(|_| listed))
}

/// Whether the server sends keys to `id` or to a window within it.
pub(super) fn has_input(display: &Display, id: Window) -> Result<bool, X11Error> {
    let mut window = display.connection.get_input_focus()?.reply()?.focus;
    if window == POINTER_ROOT || window == display.root {
        window = under_pointer(display)?.unwrap_or(x11rb::NONE);
        return Ok(window == id || window != 0 && client_in(display, window)? == id);
    }
    while window != x11rb::NONE && window != display.root {
        if window == id {
            return Ok(true);
        }
        window = parent(display, window)?;
    }
    Ok(false)
}

/// The child of the root window to which or into which the server sends keys.
fn top_with_input(display: &Display) -> Result<Option<Window>, X11Error> {
    let mut window = display.connection.get_input_focus()?.reply()?.focus;
    if window == POINTER_ROOT || window == display.root {
        return under_pointer(display);
    }
    while window != x11rb::NONE {
        let parent = parent(display, window)?;
        if parent == display.root {
            return Ok(Some(window));
        }
        window = parent;
    }
    Ok(None)
}

fn under_pointer(display: &Display) -> Result<Option<Window>, X11Error> {
    let child = display.connection.query_pointer(display.root)?.reply()?.child;
    Ok(Some(child).filter(|child| *child != x11rb::NONE))
}

/// The parent; none of a window that is gone.
fn parent(display: &Display, window: Window) -> Result<Window, X11Error> {
    let tree = display.connection.query_tree(window)?.reply();
    Ok(tree.map_or(x11rb::NONE, |tree| tree.parent))
}
