//! Our side of the clipboard: owning a selection and handing its text out (ICCCM section 2).
//!
//! The text lives in this process, so events must be handled in every wait or programs that paste
//! hang. A crate such as arboard would serve from a thread of its own; this process has one thread
//! on purpose, and the serving is a small state machine.

use std::rc::Rc;

use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, PropMode, Property,
    PropertyNotifyEvent, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent,
    Window,
};
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{CURRENT_TIME, NONE};

use super::display::Display;
use super::error::X11Error;

/// The longest text that is taken or given, in bytes.
pub(super) const MAX_TEXT: usize = 1024 * 1024;

/// Longer texts go in pieces of this size (INCR, ICCCM section 2.7.2).
const PIECE: usize = 64 * 1024;

/// The most texts that are handed out in pieces at one time; a reader that never asks for its next
/// piece is dropped when others come.
const MAX_TRANSFERS: usize = 8;

/// A text that is being handed out in pieces.
struct Transfer {
    to: Window,
    property: Atom,
    text: Rc<[u8]>,
    sent: usize,
}

/// The text we own, if any.
pub(super) struct Clipboard {
    display: Rc<Display>,
    text: Option<Rc<[u8]>>,
    /// Owned beside CLIPBOARD while a paste is under way.
    primary: Option<Rc<[u8]>>,
    transfers: Vec<Transfer>,
}

impl std::fmt::Debug for Clipboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clipboard").field("owned", &self.text.is_some()).finish_non_exhaustive()
    }
}

impl Clipboard {
    /// Owns nothing yet.
    pub(super) fn new(display: &Rc<Display>) -> Self {
        Self { display: Rc::clone(display), text: None, primary: None, transfers: Vec::new() }
    }

    /// The text, when it is ours.
    pub(super) fn own_text(&self) -> Option<&[u8]> {
        self.text.as_deref()
    }

    /// Takes the clipboard.
    pub(super) fn set(&mut self, text: &str) -> Result<(), X11Error> {
        let text = checked(text)?;
        self.own(self.display.atoms.CLIPBOARD)?;
        self.text = Some(text);
        Ok(())
    }

    /// Takes the primary selection, which Shift+Insert pastes in terminals.
    pub(super) fn set_primary(&mut self, text: &str) -> Result<(), X11Error> {
        let text = checked(text)?;
        self.own(AtomEnum::PRIMARY.into())?;
        self.primary = Some(text);
        Ok(())
    }

    /// Gives a selection up.
    pub(super) fn clear(&mut self, primary: bool) -> Result<(), X11Error> {
        let (selection, text) = if primary {
            (AtomEnum::PRIMARY.into(), &mut self.primary)
        } else {
            (self.display.atoms.CLIPBOARD, &mut self.text)
        };
        if text.take().is_some() {
            self.display.connection.set_selection_owner(NONE, selection, CURRENT_TIME)?;
            self.display.sync()?;
        }
        Ok(())
    }

    fn own(&self, selection: Atom) -> Result<(), X11Error> {
        let (connection, own) = (&self.display.connection, self.display.own);
        connection.set_selection_owner(own, selection, CURRENT_TIME)?;
        let owner = connection.get_selection_owner(selection)?.reply()?.owner;
        if owner == own {
            Ok(())
        } else {
            Err(X11Error::Request("another program took the clipboard: set it again".into()))
        }
    }

    /// Handles what concerns us as owner; the window to which a text was handed over completely.
    pub(super) fn handle(&mut self, event: &Event) -> Result<Option<Window>, X11Error> {
        match event {
            Event::SelectionClear(lost) if lost.owner == self.display.own => {
                if lost.selection == self.display.atoms.CLIPBOARD {
                    self.text = None;
                } else {
                    self.primary = None;
                }
                Ok(None)
            }
            Event::SelectionRequest(request) if request.owner == self.display.own => {
                Ok(self.answer(request)?.then_some(request.requestor))
            }
            Event::PropertyNotify(taken) if taken.state == Property::DELETE => {
                Ok(self.next_piece(taken)?.then_some(taken.window))
            }
            _ => Ok(None),
        }
    }

    fn answer(&mut self, request: &SelectionRequestEvent) -> Result<bool, X11Error> {
        // Clients older than ICCCM leave the property out and mean the target's name.
        let property = if request.property == NONE { request.target } else { request.property };
        let text = if request.selection == self.display.atoms.CLIPBOARD {
            self.text.clone()
        } else {
            self.primary.clone()
        };
        let (given, done) = match text {
            Some(text) => self.give(request, property, text)?,
            None => (false, false),
        };
        let notify = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: if given { property } else { NONE },
        };
        let connection = &self.display.connection;
        connection.send_event(false, request.requestor, EventMask::NO_EVENT, notify)?;
        self.display.sync()?;
        Ok(done)
    }

    /// Puts the answer into the requestor's property; (given, completely).
    fn give(
        &mut self,
        request: &SelectionRequestEvent,
        property: Atom,
        text: Rc<[u8]>,
    ) -> Result<(bool, bool), X11Error> {
        let atoms = &self.display.atoms;
        let connection = &self.display.connection;
        let to = request.requestor;
        let texts = [atoms.UTF8_STRING, atoms.TEXT_PLAIN_UTF8, atoms.TEXT];
        if request.target == atoms.TARGETS {
            let targets = [&[atoms.TARGETS][..], &texts].concat();
            connection.change_property32(
                PropMode::REPLACE,
                to,
                property,
                AtomEnum::ATOM,
                &targets,
            )?;
            return Ok((true, false));
        }
        if !texts.contains(&request.target) {
            return Ok((false, false));
        }
        if text.len() <= PIECE {
            let kind = atoms.UTF8_STRING;
            connection.change_property8(PropMode::REPLACE, to, property, kind, &text)?;
            return Ok((true, true));
        }
        let aux = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection.change_window_attributes(to, &aux)?;
        let length = [u32::try_from(text.len()).unwrap_or(u32::MAX)];
        connection.change_property32(PropMode::REPLACE, to, property, atoms.INCR, &length)?;
        if self.transfers.len() == MAX_TRANSFERS {
            self.transfers.remove(0);
        }
        self.transfers.push(Transfer { to, property, text, sent: 0 });
        Ok((true, false))
    }

    /// The reader took a piece: give the next, and an empty one at the end.
    fn next_piece(&mut self, taken: &PropertyNotifyEvent) -> Result<bool, X11Error> {
        let matching = |t: &Transfer| t.to == taken.window && t.property == taken.atom;
        let Some(at) = self.transfers.iter().position(matching) else { return Ok(false) };
        let transfer = &mut self.transfers[at];
        let end = (transfer.sent + PIECE).min(transfer.text.len());
        let piece = &transfer.text[transfer.sent..end];
        let kind = self.display.atoms.UTF8_STRING;
        self.display.connection.change_property8(
            PropMode::REPLACE,
            transfer.to,
            transfer.property,
            kind,
            piece,
        )?;
        self.display.sync()?;
        let done = piece.is_empty();
        transfer.sent = end;
        if done {
            self.transfers.remove(at);
        }
        Ok(done)
    }
}

fn checked(text: &str) -> Result<Rc<[u8]>, X11Error> {
    if text.len() > MAX_TEXT {
        return Err(X11Error::Request(format!(
            "a text for the clipboard has at most {MAX_TEXT} bytes, not {}",
            text.len()
        )));
    }
    Ok(text.as_bytes().into())
}
