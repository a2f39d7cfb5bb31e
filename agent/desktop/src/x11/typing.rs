//! Typing a text so that the program receives exactly that text, and pressing chords.
//!
//! Characters of the keyboard map are typed with their own keys. Others are bound to spare keycodes
//! first. When the spares run out, the programs that were typed into must have handled all their
//! key events before a keycode gets another character: a ping that comes back says so. A program
//! that answers no pings gets the rest of the text by Shift+Insert instead, which the answer tells.
//! A secret must never go that way: the clipboard is everybody's.

use std::ops::Range;
use std::time::{Duration, Instant};

use karakuri_protocol::untrusted::Untrusted;
use x11rb::protocol::xproto::Window;
use xkeysym::key;

use super::chord::{Chord, ChordKey};
use super::desktop::Desktop;
use super::error::X11Error;
use super::focus;
use super::keymap::symbol_of;

/// How long a program may take to ask for a text that is pasted.
const PASTE_WAIT: Duration = Duration::from_secs(5);
/// After so long a program that was told to paste and has not asked for the text knows no such key.
const ASK_WAIT: Duration = Duration::from_millis(700);
/// A program that has read its keys takes its own queue up in less, or in some times what it took to
/// answer, if it is busy.
const QUEUE_REST: Duration = Duration::from_millis(10);
/// It is given so many rests, with a ping between them: on a busy machine it gets to run by the last.
const QUEUE_RESTS: usize = 3;
/// So many keys are sent before it is looked again where they go: a few milliseconds' worth.
const CHUNK: usize = 512;
/// The longest a chord may be held.
const MAX_HOLD: Duration = Duration::from_secs(60);

/// How a text went to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Key by key.
    Keys,
    /// The beginning key by key, the rest, or all of it, by a paste.
    Paste,
}

impl Desktop {
    /// Types text into the window that has the keyboard.
    ///
    /// # Errors
    /// [`X11Error::Request`] when no window has the keyboard, the text holds a control character
    /// other than newline and tab, or another window takes the keyboard meanwhile.
    pub fn type_text(&mut self, text: &Untrusted) -> Result<Route, X11Error> {
        let wanted = wanted_keys(text.danger_raw())?;
        let window = self.ready_window()?;
        let locks = self.keyboard.unlock(false)?;
        let typed = self.type_keys(window, &wanted);
        self.keyboard.lock_again(locks)?;
        match typed? {
            0 => Ok(Route::Keys),
            left => self.paste(window, &wanted[wanted.len() - left..]).map(|()| Route::Paste),
        }
    }

    /// Types as far as keys can go; how many are left for another route.
    fn type_keys(&mut self, window: Window, wanted: &[ChordKey]) -> Result<usize, X11Error> {
        let mut rest = wanted;
        while !rest.is_empty() {
            self.keyboard.bindings.refresh()?;
            let (symbols, length) = self.fitting(rest, self.keyboard.bindings.free().len());
            if length == 0 {
                if !self.caught_up()? {
                    return Ok(rest.len());
                }
                self.keyboard.bindings.release();
                continue;
            }
            if !symbols.is_empty() {
                self.keyboard.bindings.bind(&symbols)?;
            }
            self.fell_behind(window);
            let before = wanted.len() - rest.len();
            self.strike(window, wanted, before..before + length)?;
            rest = &rest[length..];
        }
        Ok(0)
    }

    /// Strikes a part of `wanted` whose keys are on the map or bound.
    fn strike(
        &mut self,
        window: Window,
        wanted: &[ChordKey],
        part: Range<usize>,
    ) -> Result<(), X11Error> {
        let mut at = part.start;
        while at < part.end {
            let wide = is_wide(wanted[at]);
            if at > 0 && is_wide(wanted[at - 1]) != wide {
                self.let_handle(window)?;
            }
            if !focus::has_input(&self.display, window)? {
                return Err(X11Error::Request(format!(
                    "another window took the keyboard after {at} characters of the text"
                )));
            }
            let chunk = &wanted[at..part.end.min(at + CHUNK)];
            let alike = chunk.iter().take_while(|key| is_wide(**key) == wide);
            let keys: Vec<_> = alike.map(|key| self.keyboard.bindings.key(*key)).collect();
            at += keys.len();
            let keys: Vec<_> = keys.into_iter().flatten().collect();
            self.keyboard.strike(&keys)?;
        }
        Ok(())
    }

    /// Lets a program that answers pings handle its keys to the end. LibreOffice takes characters
    /// beyond the first plane at once and queues all others, so that an emoji overtakes the letters
    /// before it.
    fn let_handle(&mut self, window: Window) -> Result<(), X11Error> {
        for _ in 0..QUEUE_RESTS {
            let asked = Instant::now();
            if !self.ping_through(window)? {
                break;
            }
            self.pump_for((4 * asked.elapsed()).clamp(QUEUE_REST, 10 * QUEUE_REST))?;
        }
        Ok(())
    }

    /// How many of `wanted` can be typed with `room` new bindings, and the symbols to bind.
    fn fitting(&self, wanted: &[ChordKey], room: usize) -> (Vec<u32>, usize) {
        let mut symbols = Vec::new();
        for (at, key) in wanted.iter().enumerate() {
            if self.keyboard.bindings.key(*key).is_some() {
                continue;
            }
            let symbol = symbol(*key);
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

    /// Hands text to the program as a paste. Shift+Insert is what text fields and terminals have in
    /// common; the former take the clipboard, the latter the primary selection.
    fn paste(&mut self, window: Window, rest: &[ChordKey]) -> Result<(), X11Error> {
        let text: String = rest.iter().map(|wanted| character_of(*wanted)).collect();
        let before = self.clipboard.own_text().map(<[u8]>::to_vec);
        self.clipboard.set(&text)?;
        self.clipboard.set_primary(&text)?;
        self.signs.pasted.clear();
        self.press(&Chord::parse("shift+Insert")?, Duration::ZERO)?;
        let pasted = self.await_paste(Some(window), PASTE_WAIT)?;
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

    /// Puts text on the clipboard, if there is any, and pastes what is there. When nobody asks for
    /// our text, the program has provably not pasted it, and Shift+Insert is tried as well.
    ///
    /// # Errors
    /// As [`Desktop::press`].
    pub fn paste_text(&mut self, text: Option<&Untrusted>) -> Result<(), X11Error> {
        if let Some(text) = text {
            self.set_clipboard(text)?;
        }
        self.signs.pasted.clear();
        self.press(&Chord::parse("ctrl+v")?, Duration::ZERO)?;
        let Some(text) = text else { return Ok(()) };
        if !self.await_paste(None, ASK_WAIT)? {
            self.clipboard.set_primary(text.danger_raw())?;
            self.press(&Chord::parse("shift+Insert")?, Duration::ZERO)?;
            self.await_paste(None, ASK_WAIT)?;
            self.clipboard.clear(true)?;
        }
        Ok(())
    }

    /// Waits until the text we own was handed to the program of `window`, or to any.
    pub(super) fn await_paste(
        &mut self,
        window: Option<Window>,
        patience: Duration,
    ) -> Result<bool, X11Error> {
        let deadline = Instant::now() + patience;
        loop {
            let mine = |to: &Window| window.is_none_or(|w| self.display.same_client(w, *to));
            if self.signs.pasted.iter().any(mine) {
                return Ok(true);
            }
            if !self.pump(deadline)? {
                return Ok(false);
            }
        }
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
        self.keyboard.bindings.refresh()?;
        let mut key = chord.key.map(|key| self.bound_key(key)).transpose()?;
        let digits = chord.is_keypad_digit();
        if let (true, Some(key)) = (digits, &mut key) {
            key.shift = false;
        }
        let codes = self.keyboard.codes(&chord.modifiers, key)?;
        self.fell_behind(window);
        let locks = if chord.locks() { None } else { Some(self.keyboard.unlock(digits)?) };
        let pressed = self.keyboard.press(&codes).and_then(|()| self.pump_for(hold));
        self.keyboard.release(&codes)?;
        if let Some(locks) = locks {
            self.keyboard.lock_again(locks)?;
        }
        pressed
    }

    fn bound_key(&mut self, wanted: ChordKey) -> Result<super::keymap::Key, X11Error> {
        if self.keyboard.bindings.key(wanted).is_none() {
            if self.keyboard.bindings.free().is_empty() {
                if !self.caught_up()? {
                    return Err(X11Error::Keymap("free keycode for this key"));
                }
                self.keyboard.bindings.release();
            }
            self.keyboard.bindings.bind(&[symbol(wanted)])?;
        }
        self.keyboard.bindings.key(wanted).ok_or(X11Error::Keymap("key of this name"))
    }

    pub(super) fn pump_for(&mut self, time: Duration) -> Result<(), X11Error> {
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

/// Whether a key types a character beyond the Basic Multilingual Plane.
fn is_wide(wanted: ChordKey) -> bool {
    matches!(wanted, ChordKey::Character(c) if c > '\u{ffff}')
}

fn symbol(wanted: ChordKey) -> u32 {
    match wanted {
        ChordKey::Symbol(symbol) => symbol,
        ChordKey::Character(c) => symbol_of(c),
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
