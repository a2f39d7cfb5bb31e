//! The keyboard: keys pressed through XTest, with the locks out of the way.
//!
//! A client looks a keycode up when it handles the key event, not when the event is made. So a
//! keycode that was bound for one character is not bound to another while a client may still have
//! an event with the first in its queue: [`Bindings::free`] tells which can be bound without, and
//! [`Bindings::release`] is for when the clients are known to have caught up. What was bound stays
//! bound for later texts and is put back when the keyboard is dropped.

use std::cell::Cell;
use std::rc::Rc;

use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{KEY_PRESS_EVENT, KEY_RELEASE_EVENT, ModMask};
use x11rb::protocol::xtest::ConnectionExt as _;
use xkeysym::key;

use super::bindings::Bindings;
use super::chord::Modifier;
use super::display::Display;
use super::error::X11Error;
use super::keymap::Key;

/// `XkbUseCoreKbd` of the XKB protocol.
const CORE_KEYBOARD: u16 = 0x100;
/// Between the release and the next press of one key, in ms.
const REPEAT_GAP: u32 = 1;
/// All eight modifiers.
const EVERY_MODIFIER: u16 = 0xff;

/// The run's keyboard.
pub(super) struct Keyboard {
    display: Rc<Display>,
    pub(super) bindings: Bindings,
    /// The keycode that was struck last.
    last: Cell<u8>,
}

/// What was locked before a text or chord: Caps Lock, Num Lock, a layout group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Locks {
    modifiers: u16,
    group: xkb::Group,
}

/// Shows no symbols: what was bound may have been part of a secret.
impl std::fmt::Debug for Keyboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyboard").field("bound", &self.bindings.count()).finish_non_exhaustive()
    }
}

impl Keyboard {
    /// Reads the keyboard map.
    pub(super) fn open(display: &Rc<Display>) -> Result<Self, X11Error> {
        let bindings = Bindings::open(display)?;
        Ok(Self { display: Rc::clone(display), bindings, last: Cell::new(0) })
    }

    /// Turns the locks off and selects the first layout group, which the table is for; gives what
    /// was locked. Every key event carries the state of its time, so the locks can be put back as
    /// soon as the keys are sent. With `digits`, Num Lock is on: the keypad has its digits then.
    pub(super) fn unlock(&self, digits: bool) -> Result<Locks, X11Error> {
        let state = self.display.connection.xkb_get_state(CORE_KEYBOARD)?.reply()?;
        let before = Locks { modifiers: state.locked_mods.into(), group: state.locked_group };
        let num_lock = if digits { self.bindings.modifier_with(key::Num_Lock) } else { 0 };
        let wanted = Locks { modifiers: num_lock, group: xkb::Group::M1 };
        let latched = u16::from(state.latched_mods) != 0 || state.latched_group != 0;
        if before != wanted || latched {
            self.lock(wanted)?;
        }
        Ok(before)
    }

    /// Locks what was locked before.
    pub(super) fn lock_again(&self, before: Locks) -> Result<(), X11Error> {
        self.lock(before)?;
        self.display.sync()
    }

    fn lock(&self, locks: Locks) -> Result<(), X11Error> {
        let every = ModMask::from(EVERY_MODIFIER);
        self.display.connection.xkb_latch_lock_state(
            CORE_KEYBOARD,
            every,
            ModMask::from(locks.modifiers),
            true,
            locks.group,
            every,
            true,
            0,
        )?;
        Ok(())
    }

    /// Strikes keys one after the other. A key that is released and pressed in one millisecond is
    /// what a key that repeats by itself looks like, which LibreOffice and web pages tell from a key
    /// that was struck; so the same key twice takes a little longer.
    pub(super) fn strike(&self, keys: &[Key]) -> Result<(), X11Error> {
        let shift = self.modifier(Modifier::SHIFT)?;
        let mut held = Key::plain(0);
        for key in keys.iter().chain([&Key::plain(0)]) {
            self.switch(shift, held.shift, key.shift)?;
            if held.level3 != key.level3 {
                self.switch(self.modifier(Modifier::ALT_GR)?, held.level3, key.level3)?;
            }
            held = *key;
            if key.code != 0 {
                let delay = if self.last.replace(key.code) == key.code { REPEAT_GAP } else { 0 };
                self.event_after(delay, KEY_PRESS_EVENT, key.code)?;
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
                add(self.modifier(Modifier::SHIFT)?);
            }
            if key.level3 {
                add(self.modifier(Modifier::ALT_GR)?);
            }
            add(key.code);
        }
        Ok(codes)
    }

    fn modifier(&self, modifier: Modifier) -> Result<u8, X11Error> {
        let key = self.bindings.map().symbol(modifier.symbol());
        key.map(|key| key.code).ok_or(X11Error::Keymap(modifier.name()))
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
        self.event_after(0, kind, code)
    }

    /// `delay`: milliseconds for which the server waits first.
    fn event_after(&self, delay: u32, kind: u8, code: u8) -> Result<(), X11Error> {
        let connection = &self.display.connection;
        connection.xtest_fake_input(kind, code, delay, x11rb::NONE, 0, 0, 0)?;
        Ok(())
    }
}
