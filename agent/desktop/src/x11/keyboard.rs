//! The keyboard: keys pressed through XTest, and the bindings of spare keycodes.
//!
//! A client looks a keycode up when it handles the key event, not when the event is made. So a
//! keycode that was bound for one character is not bound to another while a client may still have
//! an event with the first in its queue: [`Keyboard::room`] tells how many can be bound without,
//! and [`Keyboard::release_bindings`] is for when the clients are known to have caught up. What was
//! bound stays bound for later texts and is put back when the keyboard is dropped.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use x11rb::connection::Connection;
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, ModMask};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::wrapper::ConnectionExt as _;
use xkeysym::{Keysym, key};

use super::chord::{ChordKey, Modifier};
use super::display::Display;
use super::error::X11Error;
use super::keymap::{self, Key, Keymap};

/// `XkbUseCoreKbd` of the XKB protocol.
const CORE_KEYBOARD: u16 = 0x100;

/// The run's keyboard.
pub(super) struct Keyboard {
    display: Rc<Display>,
    map: Keymap,
    bound: HashMap<u32, u8>,
    free: Vec<u8>,
    /// Every keycode that was ever bound, to be put back.
    touched: BTreeSet<u8>,
    shift: u8,
    level3: Option<u8>,
}

/// Shows no symbols: what was bound may have been part of a secret.
impl std::fmt::Debug for Keyboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyboard").field("bound", &self.bound.len()).finish_non_exhaustive()
    }
}

impl Keyboard {
    /// Reads the keyboard map.
    pub(super) fn open(display: &Rc<Display>) -> Result<Self, X11Error> {
        let connection = &display.connection;
        let (first, last) = (connection.setup().min_keycode, connection.setup().max_keycode);
        let mapping = connection.get_keyboard_mapping(first, last - first + 1)?;
        let modifiers = connection.get_modifier_mapping()?.reply()?.keycodes;
        let mapping = mapping.reply()?;
        let map = Keymap::new(first, mapping.keysyms_per_keycode, mapping.keysyms, &modifiers);
        let code = |symbol| map.symbol(symbol).map(|key| key.code);
        Ok(Self {
            display: Rc::clone(display),
            shift: code(key::Shift_L).ok_or(X11Error::Keymap("Shift_L"))?,
            level3: code(key::ISO_Level3_Shift),
            free: map.spare().to_vec(),
            bound: HashMap::new(),
            touched: BTreeSet::new(),
            map,
        })
    }

    /// The key for a symbol or character: of the map as found, else one bound earlier.
    pub(super) fn key(&self, wanted: ChordKey) -> Option<Key> {
        let (known, symbol) = match wanted {
            ChordKey::Symbol(symbol) => (self.map.symbol(symbol), symbol),
            ChordKey::Character(c) => (self.map.character(c), Keysym::from_char(c).raw()),
        };
        known.or_else(|| self.bound.get(&symbol).copied().map(Key::plain))
    }

    /// How many more symbols can be bound before one must be taken back.
    pub(super) fn room(&self) -> usize {
        self.free.len()
    }

    /// Forgets the bindings, so that their keycodes can carry other symbols. Only when every client
    /// that was typed into has handled its key events.
    pub(super) fn release_bindings(&mut self) {
        self.bound.clear();
        self.free = self.map.spare().to_vec();
    }

    /// Binds symbols to spare keycodes; at most [`Keyboard::room`] of them.
    pub(super) fn bind(&mut self, symbols: &[u32]) -> Result<(), X11Error> {
        if symbols.len() > self.free.len() {
            return Err(X11Error::Keymap("spare keycodes for these characters"));
        }
        let codes: Vec<u8> = self.free.drain(..symbols.len()).collect();
        let mut rest = symbols;
        // One request for a run of neighbours: every request makes every client, the window manager
        // first, read the whole map again.
        for run in keymap::runs(&codes) {
            let (now, later) = rest.split_at(run.len());
            rest = later;
            self.bound.extend(now.iter().copied().zip(run.iter().copied()));
            self.touched.extend(run);
            // Two columns: with one, the server fills in the symbol's upper-case form.
            let columns: Vec<u32> = now.iter().flat_map(|symbol| [*symbol, *symbol]).collect();
            self.change(run, 2, &columns)?;
        }
        self.display.sync()
    }

    fn change(&self, run: &[u8], columns: u8, symbols: &[u32]) -> Result<(), X11Error> {
        let (Some(first), Ok(count)) = (run.first(), u8::try_from(run.len())) else {
            return Ok(());
        };
        self.display.connection.change_keyboard_mapping(count, *first, columns, symbols)?;
        Ok(())
    }

    /// Turns Caps Lock off and selects the first layout group, which the table is for.
    pub(super) fn unlock(&self) -> Result<(), X11Error> {
        self.display.connection.xkb_latch_lock_state(
            CORE_KEYBOARD,
            ModMask::LOCK,
            ModMask::from(0u16),
            true,
            xkb::Group::M1,
            ModMask::from(0u16),
            false,
            0,
        )?;
        Ok(())
    }

    /// Strikes keys one after the other.
    pub(super) fn strike(&self, keys: &[Key]) -> Result<(), X11Error> {
        let mut held = Key::plain(0);
        for key in keys.iter().chain([&Key::plain(0)]) {
            self.switch(self.shift, held.shift, key.shift)?;
            if held.level3 != key.level3 {
                let level3 = self.level3.ok_or(X11Error::Keymap("ISO_Level3_Shift"))?;
                self.switch(level3, held.level3, key.level3)?;
            }
            held = *key;
            if key.code != 0 {
                self.event(KEY_PRESS_EVENT, key.code)?;
                self.event(KEY_RELEASE_EVENT, key.code)?;
            }
        }
        self.display.sync()
    }

    fn switch(&self, code: u8, is_down: bool, to_down: bool) -> Result<(), X11Error> {
        match (is_down, to_down) {
            (false, true) => self.event(KEY_PRESS_EVENT, code),
            (true, false) => self.event(KEY_RELEASE_EVENT, code),
            _ => Ok(()),
        }
    }

    /// The keycodes to hold for modifiers and for the level of `key`, then the key's own.
    pub(super) fn codes(
        &self,
        modifiers: &[Modifier],
        key: Option<Key>,
    ) -> Result<Vec<u8>, X11Error> {
        let mut codes = Vec::new();
        let mut add = |code| {
            if !codes.contains(&code) {
                codes.push(code);
            }
        };
        for modifier in modifiers {
            add(self.modifier(*modifier)?);
        }
        if let Some(key) = key {
            if key.shift {
                add(self.shift);
            }
            if key.level3 {
                add(self.modifier(Modifier::AltGr)?);
            }
            add(key.code);
        }
        Ok(codes)
    }

    fn modifier(&self, modifier: Modifier) -> Result<u8, X11Error> {
        let (symbol, name) = match modifier {
            Modifier::Ctrl => (key::Control_L, "Control_L"),
            Modifier::Shift => return Ok(self.shift),
            Modifier::Alt => (key::Alt_L, "Alt_L"),
            Modifier::Super => (key::Super_L, "Super_L"),
            Modifier::AltGr => return self.level3.ok_or(X11Error::Keymap("ISO_Level3_Shift")),
        };
        self.map.symbol(symbol).map(|key| key.code).ok_or(X11Error::Keymap(name))
    }

    /// Presses keycodes in order.
    pub(super) fn press(&self, codes: &[u8]) -> Result<(), X11Error> {
        codes.iter().try_for_each(|code| self.event(KEY_PRESS_EVENT, *code))?;
        self.display.sync()
    }

    /// Releases keycodes in reverse order.
    pub(super) fn release(&self, codes: &[u8]) -> Result<(), X11Error> {
        codes.iter().rev().try_for_each(|code| self.event(KEY_RELEASE_EVENT, *code))?;
        self.display.sync()
    }

    fn event(&self, kind: u8, code: u8) -> Result<(), X11Error> {
        let connection = &self.display.connection;
        connection.xtest_fake_input(kind, code, 0, x11rb::NONE, 0, 0, 0)?;
        Ok(())
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        let codes: Vec<u8> = self.touched.iter().copied().collect();
        for run in keymap::runs(&codes) {
            let symbols: Vec<u32> =
                run.iter().flat_map(|code| self.map.original(*code)).copied().collect();
            // The display may already be gone; then nothing is left to restore.
            let _ = self.change(run, self.map.per_key(), &symbols);
        }
        let _ = self.display.connection.sync();
    }
}
