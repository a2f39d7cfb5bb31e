//! Typing a text so that the program receives exactly that text, and pressing chords.
//!
//! Characters of the keyboard map are typed with their own keys. Others are bound to spare keycodes
//! first. When the spares run out, the programs that were typed into must have handled all their
//! key events before a keycode gets another character: a ping that comes back says so. A program
//! that answers no pings gets the rest of the text by Shift+Insert instead.

use std::time::{Duration, Instant};

use karakuri_protocol::untrusted::Untrusted;
use x11rb::protocol::xproto::Window;
use xkeysym::{Keysym, key};

use super::chord::{Chord, ChordKey};
use super::desktop::Desktop;
use super::error::X11Error;
use super::windows;

/// How long a window may take to answer a ping, or to receive the focus.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a window may take to get the focus the window manager promised.
const FOCUS_WAIT: Duration = Duration::from_secs(1);
/// How long a window that answers no pings must be left alone after it got the focus.
const QUIET: Duration = Duration::from_millis(60);
/// The longest a chord may be held.
const MAX_HOLD: Duration = Duration::from_secs(60);

/// What is known about the windows that were typed into.
#[derive(Debug, Default)]
pub(super) struct Typed {
    /// The window known to be ready for keys.
    ready: Option<Window>,
    /// Windows that may still have keys of ours in their queues.
    behind: Vec<Window>,
    /// Number of the last ping.
    ping: u32,
}

impl Typed {
    /// The active window changed.
    pub(super) fn focus_moved(&mut self) {
        self.ready = None;
    }
}

impl Desktop {
    /// Types text into the window that has the keyboard.
    ///
    /// # Errors
    /// [`X11Error::Request`] when no window has the keyboard, the text holds a control character
    /// other than newline and tab, or the window hangs.
    pub fn type_text(&mut self, text: &Untrusted) -> Result<(), X11Error> {
        let wanted = wanted_keys(text.danger_raw())?;
        let window = self.ready_window()?;
        self.keyboard.unlock()?;
        let mut rest = &wanted[..];
        while !rest.is_empty() {
            let (symbols, length) = self.fitting(rest, self.keyboard.room());
            if length == 0 {
                if !self.caught_up()? {
                    return self.paste_rest(rest);
                }
                self.keyboard.release_bindings();
                continue;
            }
            let (now, later) = rest.split_at(length);
            self.keyboard.bind(&symbols)?;
            let keys: Vec<_> = now.iter().filter_map(|wanted| self.keyboard.key(*wanted)).collect();
            self.keyboard.strike(&keys)?;
            if !self.typed.behind.contains(&window) {
                self.typed.behind.push(window);
            }
            rest = later;
        }
        Ok(())
    }

    /// How many of `wanted` can be typed with `room` new bindings, and the symbols to bind.
    fn fitting(&self, wanted: &[ChordKey], room: usize) -> (Vec<u32>, usize) {
        let mut symbols = Vec::new();
        for (at, key) in wanted.iter().enumerate() {
            if self.keyboard.key(*key).is_some() {
                continue;
            }
            let symbol = symbol_of(*key);
            if symbols.contains(&symbol) {
                continue;
            }
            if symbols.len() == room {
                return (symbols, at);
            }
            symbols.push(symbol);
        }
        (symbols, wanted.len())
    }

    /// Waits until every window that was typed into has handled its keys; false when one of them
    /// cannot tell.
    fn caught_up(&mut self) -> Result<bool, X11Error> {
        for window in std::mem::take(&mut self.typed.behind) {
            if !windows::answers_pings(&self.display, window)? {
                if self.has_window(window)? {
                    self.typed.behind.push(window);
                    return Ok(false);
                }
                continue;
            }
            self.ping_through(window)?;
        }
        Ok(true)
    }

    fn ping_through(&mut self, window: Window) -> Result<(), X11Error> {
        self.typed.ping = self.typed.ping.wrapping_add(1);
        let serial = self.typed.ping;
        windows::ping(&self.display, window, serial)?;
        let deadline = Instant::now() + PATIENCE;
        while !self.signs.pongs.contains(&serial) {
            if !self.pump(deadline)? {
                return Err(X11Error::Request(format!(
                    "window {window:#x} has not answered for {} s: it is busy or hangs",
                    PATIENCE.as_secs()
                )));
            }
        }
        self.signs.pongs.clear();
        Ok(())
    }

    /// The window that has the keyboard, once it is ready for keys.
    fn ready_window(&mut self) -> Result<Window, X11Error> {
        let deadline = Instant::now() + FOCUS_WAIT;
        loop {
            self.drain()?;
            match windows::active(&self.display)? {
                Some(window) if windows::has_input(&self.display, window)? => {
                    if self.typed.ready != Some(window) {
                        self.settle(window)?;
                        continue;
                    }
                    return Ok(window);
                }
                _ if self.pump(deadline)? => {}
                _ => {
                    return Err(X11Error::Request(
                        "no window has the keyboard: click into one or focus it first".into(),
                    ));
                }
            }
        }
    }

    /// Lets a window take notice of its focus and of the keyboard map.
    fn settle(&mut self, window: Window) -> Result<(), X11Error> {
        self.typed.ready = Some(window);
        if windows::answers_pings(&self.display, window)? {
            return self.ping_through(window);
        }
        let mut until = Instant::now() + QUIET;
        let end = Instant::now() + FOCUS_WAIT;
        while self.pump(until.min(end))? {
            if std::mem::take(&mut self.signs.windows) {
                until = Instant::now() + QUIET;
            }
            if Instant::now() >= until.min(end) {
                break;
            }
        }
        Ok(())
    }

    /// Hands text to the program as a paste. Shift+Insert is what text fields and terminals have in
    /// common; the former take the clipboard, the latter the primary selection.
    fn paste_rest(&mut self, rest: &[ChordKey]) -> Result<(), X11Error> {
        let text: String = rest.iter().map(|wanted| character_of(*wanted)).collect();
        let before = self.clipboard.own_text().map(<[u8]>::to_vec);
        self.clipboard.set(&text)?;
        self.clipboard.set_primary(&text)?;
        self.signs.pasted = false;
        self.press(&Chord::parse("shift+Insert")?, Duration::ZERO)?;
        let deadline = Instant::now() + PATIENCE;
        while !self.signs.pasted && self.pump(deadline)? {}
        let pasted = self.signs.pasted;
        self.clipboard.clear(true)?;
        match before {
            Some(before) => self.clipboard.set(&String::from_utf8_lossy(&before))?,
            None => self.clipboard.clear(false)?,
        }
        if pasted {
            return Ok(());
        }
        Err(X11Error::Request(
            "the text has more different characters than there are free keys, and the window \
             neither answers pings nor pastes on shift+Insert: type it in parts"
                .into(),
        ))
    }

    /// Presses a chord and keeps it down for `hold`.
    ///
    /// # Errors
    /// [`X11Error::Request`] when no window has the keyboard or a key cannot be typed.
    pub fn press(&mut self, chord: &Chord, hold: Duration) -> Result<(), X11Error> {
        if hold > MAX_HOLD {
            return Err(X11Error::Request(format!(
                "a chord can be held for at most {} ms",
                MAX_HOLD.as_millis()
            )));
        }
        let window = self.ready_window()?;
        let key = chord.key.map(|key| self.bound_key(key)).transpose()?;
        let codes = self.keyboard.codes(&chord.modifiers, key)?;
        self.keyboard.press(&codes)?;
        let pumped = self.pump_for(hold);
        self.keyboard.release(&codes)?;
        if !self.typed.behind.contains(&window) {
            self.typed.behind.push(window);
        }
        pumped
    }

    fn bound_key(&mut self, wanted: ChordKey) -> Result<super::keymap::Key, X11Error> {
        if self.keyboard.key(wanted).is_none() {
            if self.keyboard.room() == 0 {
                if !self.caught_up()? {
                    return Err(X11Error::Keymap("free keycode for this key"));
                }
                self.keyboard.release_bindings();
            }
            self.keyboard.bind(&[symbol_of(wanted)])?;
        }
        self.keyboard.key(wanted).ok_or(X11Error::Keymap("key of this name"))
    }

    fn pump_for(&mut self, time: Duration) -> Result<(), X11Error> {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            self.pump(deadline)?;
        }
        Ok(())
    }
}

/// The keys that type `text`.
fn wanted_keys(text: &str) -> Result<Vec<ChordKey>, X11Error> {
    let mut wanted = Vec::with_capacity(text.len());
    let mut previous = '\0';
    for c in text.chars() {
        match c {
            '\n' if previous == '\r' => {}
            '\n' | '\r' => wanted.push(ChordKey::Symbol(key::Return)),
            '\t' => wanted.push(ChordKey::Symbol(key::Tab)),
            c if c.is_control() => {
                return Err(X11Error::Request(format!(
                    "the text holds the control character U+{:04X}: press a key instead",
                    u32::from(c)
                )));
            }
            c => wanted.push(ChordKey::Character(c)),
        }
        previous = c;
    }
    Ok(wanted)
}

fn symbol_of(wanted: ChordKey) -> u32 {
    match wanted {
        ChordKey::Symbol(symbol) => symbol,
        ChordKey::Character(c) => Keysym::from_char(c).raw(),
    }
}

/// The character of a key as [`wanted_keys`] makes them.
fn character_of(wanted: ChordKey) -> char {
    match wanted {
        ChordKey::Character(c) => c,
        ChordKey::Symbol(key::Tab) => '\t',
        ChordKey::Symbol(_) => '\n',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_one_return_each() {
        let enter = ChordKey::Symbol(key::Return);
        assert_eq!(wanted_keys("\r\n\n\r").unwrap(), [enter, enter, enter]);
        assert_eq!(wanted_keys("a\t").unwrap()[1], ChordKey::Symbol(key::Tab));
    }

    #[test]
    fn a_control_character_is_refused_by_number() {
        let error = wanted_keys("a\u{1b}[").unwrap_err().to_string();
        assert!(error.contains("U+001B"), "{error}");
    }

    #[test]
    fn a_paste_gives_the_text_back() {
        let text: String = wanted_keys("é\t日\n").unwrap().into_iter().map(character_of).collect();
        assert_eq!(text, "é\t日\n");
    }
}
