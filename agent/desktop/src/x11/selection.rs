//! The other side of the clipboard: asking its owner for the text (ICCCM section 2.4).

use std::time::{Duration, Instant};

use karakuri_protocol::untrusted::Untrusted;
use x11rb::CURRENT_TIME;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, Property};

use super::clipboard::MAX_TEXT;
use super::desktop::Desktop;
use super::display::Display;
use super::error::X11Error;

/// How long the owner of the clipboard may take to hand its text over.
const CLIPBOARD_WAIT: Duration = Duration::from_secs(3);

/// A text on its way to us.
#[derive(Default)]
pub(super) struct Fetch {
    bytes: Vec<u8>,
    in_pieces: bool,
    done: bool,
}

impl std::fmt::Debug for Fetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetch").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl Fetch {
    /// Asks the owner of the clipboard.
    pub(super) fn start(display: &Display) -> Result<Self, X11Error> {
        let atoms = &display.atoms;
        display.connection.delete_property(display.own, atoms.KARAKURI_SELECTION)?;
        display.connection.convert_selection(
            display.own,
            atoms.CLIPBOARD,
            atoms.UTF8_STRING,
            atoms.KARAKURI_SELECTION,
            CURRENT_TIME,
        )?;
        Ok(Self::default())
    }

    /// The text, once it is complete; empty when there is none or it is no text.
    pub(super) fn text(&self) -> Option<String> {
        self.done.then(|| String::from_utf8_lossy(&self.bytes).into_owned())
    }

    /// Takes what the owner sent.
    pub(super) fn handle(&mut self, display: &Display, event: &Event) -> Result<(), X11Error> {
        match event {
            Event::SelectionNotify(answer) if answer.requestor == display.own => {
                if answer.property == x11rb::NONE {
                    self.done = true;
                    return Ok(());
                }
                self.take(display)
            }
            Event::PropertyNotify(change)
                if self.in_pieces
                    && change.window == display.own
                    && change.atom == display.atoms.KARAKURI_SELECTION
                    && change.state == Property::NEW_VALUE =>
            {
                self.take(display)
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, display: &Display) -> Result<(), X11Error> {
        // Lengths are in units of four bytes.
        let limit = u32::try_from(MAX_TEXT / 4 + 1).unwrap_or(u32::MAX);
        let property = display.atoms.KARAKURI_SELECTION;
        let reply = display
            .connection
            .get_property(true, display.own, property, AtomEnum::ANY, 0, limit)?
            .reply()?;
        if reply.type_ == display.atoms.INCR {
            self.in_pieces = true;
            return Ok(());
        }
        self.bytes.extend_from_slice(&reply.value);
        if reply.bytes_after > 0 || self.bytes.len() > MAX_TEXT {
            return Err(X11Error::Request(format!(
                "the text on the clipboard is longer than {MAX_TEXT} bytes"
            )));
        }
        self.done = !self.in_pieces || reply.value.is_empty();
        Ok(())
    }
}

impl Desktop {
    /// The text on the clipboard; empty when there is none.
    ///
    /// # Errors
    /// When its owner does not answer, or the text is longer than 1 MiB.
    pub fn clipboard(&mut self) -> Result<Untrusted, X11Error> {
        self.drain()?;
        if let Some(text) = self.clipboard.own_text() {
            return Ok(Untrusted::new(String::from_utf8_lossy(text)));
        }
        self.fetch = Some(Fetch::start(&self.display)?);
        let text = self.await_fetch(Instant::now() + CLIPBOARD_WAIT);
        self.fetch = None;
        Ok(Untrusted::new(text?))
    }

    fn await_fetch(&mut self, deadline: Instant) -> Result<String, X11Error> {
        loop {
            if let Some(text) = self.fetch.as_ref().and_then(Fetch::text) {
                return Ok(text);
            }
            if !self.pump(deadline)? {
                return Err(X11Error::Request(
                    "the program that owns the clipboard does not hand its text over".into(),
                ));
            }
        }
    }

    /// Puts text on the clipboard.
    ///
    /// # Errors
    /// When it is longer than 1 MiB or another program took the clipboard.
    pub fn set_clipboard(&mut self, text: &Untrusted) -> Result<(), X11Error> {
        self.clipboard.set(text.danger_raw())
    }
}
