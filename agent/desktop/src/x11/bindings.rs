//! The keyboard map as it is now, and which of its spare keycodes carry symbols of ours.
//!
//! The map is read anew before each text and chord: another program may have loaded another layout
//! meanwhile (setxkbmap), and reading costs less than telling whose change an event is about. A
//! keycode that no longer carries what was bound to it is no longer ours.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use x11rb::connection::Connection;
use x11rb::protocol::xproto::ConnectionExt as _;

use super::chord::ChordKey;
use super::display::Display;
use super::error::X11Error;
use super::keymap::{self, Key, Keymap, symbol_of};

/// A keycode that was bound.
struct Ours {
    /// What it carries now.
    symbol: u32,
    /// What it carried before, to be put back.
    before: Vec<u32>,
}

/// The map and our part in it.
pub(super) struct Bindings {
    display: Rc<Display>,
    map: Keymap,
    /// What the map was made from.
    rows: Rows,
    bound: HashMap<u32, u8>,
    ours: BTreeMap<u8, Ours>,
}

/// The answers to GetKeyboardMapping and GetModifierMapping.
#[derive(Clone, PartialEq, Eq)]
struct Rows {
    per_key: u8,
    symbols: Vec<u32>,
    modifiers: Vec<u8>,
}

impl Bindings {
    /// Reads the map.
    pub(super) fn open(display: &Rc<Display>) -> Result<Self, X11Error> {
        let rows = read(display)?;
        Ok(Self {
            display: Rc::clone(display),
            map: rows.map(first_code(display)),
            rows,
            bound: HashMap::new(),
            ours: BTreeMap::new(),
        })
    }

    /// Reads the map again.
    pub(super) fn refresh(&mut self) -> Result<(), X11Error> {
        let rows = read(&self.display)?;
        if rows == self.rows {
            return Ok(());
        }
        self.rows = rows.clone();
        let (first, mut without_ours) = (first_code(&self.display), rows);
        self.ours.retain(|code, ours| {
            let kept = without_ours.row(first, *code).is_some_and(|row| {
                row.first() == Some(&ours.symbol)
                    && row.iter().all(|s| [0, ours.symbol].contains(s))
            });
            if kept {
                without_ours.put(first, *code, &ours.before);
            }
            kept
        });
        let ours = &self.ours;
        self.bound.retain(|symbol, code| ours.get(code).is_some_and(|o| o.symbol == *symbol));
        self.map = without_ours.map(first);
        Ok(())
    }

    /// The map without what is bound.
    pub(super) fn map(&self) -> &Keymap {
        &self.map
    }

    /// The mask of the modifier that a key with `symbol` works, 0 if none.
    pub(super) fn modifier_with(&self, symbol: u32) -> u16 {
        let Some(key) = self.map.symbol(symbol) else { return 0 };
        let per_modifier = (self.rows.modifiers.len() / 8).max(1);
        let mut codes = self.rows.modifiers.chunks(per_modifier);
        codes.position(|codes| codes.contains(&key.code)).map_or(0, |place| 1 << place)
    }

    /// The key for a symbol or character: of the map, else one bound earlier.
    pub(super) fn key(&self, wanted: ChordKey) -> Option<Key> {
        let (known, symbol) = match wanted {
            ChordKey::Symbol(symbol) => (self.map.symbol(symbol), symbol),
            ChordKey::Character(c) => (self.map.character(c), symbol_of(c)),
        };
        known.or_else(|| self.bound.get(&symbol).copied().map(Key::plain))
    }

    /// The spare keycodes that carry nothing that may still be needed.
    pub(super) fn free(&self) -> Vec<u8> {
        let used: Vec<u8> = self.bound.values().copied().collect();
        self.map.spare().iter().copied().filter(|code| !used.contains(code)).collect()
    }

    /// Forgets the bindings, so that their keycodes can carry other symbols. Only when every client
    /// that was typed into has handled its key events.
    pub(super) fn release(&mut self) {
        self.bound.clear();
    }

    /// How many symbols are bound.
    pub(super) fn count(&self) -> usize {
        self.bound.len()
    }

    /// Binds symbols to free keycodes.
    pub(super) fn bind(&mut self, symbols: &[u32]) -> Result<(), X11Error> {
        let codes: Vec<u8> = self.free().into_iter().take(symbols.len()).collect();
        if codes.len() < symbols.len() {
            return Err(X11Error::Keymap("spare keycodes for these characters"));
        }
        let first = first_code(&self.display);
        let mut rest = symbols;
        // One request for a run of neighbours: every request makes every client, the window manager
        // first, read the whole map again.
        for run in keymap::runs(&codes) {
            let (now, later) = rest.split_at(run.len());
            rest = later;
            for (symbol, code) in now.iter().copied().zip(run.iter().copied()) {
                let row = self.rows.row(first, code).unwrap_or_default();
                let ours = self.ours.entry(code);
                ours.or_insert_with(|| Ours { symbol, before: row.to_vec() }).symbol = symbol;
                self.bound.insert(symbol, code);
            }
            // Two columns: with one, the server fills in the symbol's upper-case form.
            let columns: Vec<u32> = now.iter().flat_map(|symbol| [*symbol, *symbol]).collect();
            self.change(run, 2, &columns)?;
        }
        self.display.sync()
    }

    /// Leaves one keycode without symbols while `act` runs.
    pub(super) fn with_empty_key<T>(&self, act: impl FnOnce() -> T) -> Result<T, X11Error> {
        let Some(code) = self.map.spare().last().copied() else { return Ok(act()) };
        let row = self.rows.row(first_code(&self.display), code).unwrap_or_default();
        self.change(&[code], 1, &[0])?;
        self.display.sync()?;
        let done = act();
        self.change(&[code], self.rows.per_key, row)?;
        self.display.sync()?;
        Ok(done)
    }

    fn change(&self, run: &[u8], columns: u8, symbols: &[u32]) -> Result<(), X11Error> {
        let (Some(first), Ok(count)) = (run.first(), u8::try_from(run.len())) else {
            return Ok(());
        };
        self.display.connection.change_keyboard_mapping(count, *first, columns, symbols)?;
        Ok(())
    }

    /// Puts back what is still ours.
    fn give_back(&mut self) -> Result<(), X11Error> {
        self.refresh()?;
        let codes: Vec<u8> = self.ours.keys().copied().collect();
        for run in keymap::runs(&codes) {
            let rows: Vec<&[u32]> =
                run.iter().filter_map(|code| self.ours.get(code)).map(|o| &o.before[..]).collect();
            let columns = rows.iter().map(|row| row.len()).max().unwrap_or_default();
            let padded = rows
                .iter()
                .flat_map(|row| row.iter().copied().chain(std::iter::repeat(0)).take(columns));
            let symbols: Vec<u32> = padded.collect();
            self.change(run, u8::try_from(columns).unwrap_or(u8::MAX), &symbols)?;
        }
        self.display.sync()
    }
}

impl Drop for Bindings {
    fn drop(&mut self) {
        // The display may already be gone; then nothing is left to restore.
        let _ = self.give_back();
    }
}

impl Rows {
    fn map(&self, first: u8) -> Keymap {
        Keymap::new(first, self.per_key, &self.symbols, &self.modifiers)
    }

    fn place(&self, first: u8, code: u8) -> std::ops::Range<usize> {
        let (at, width) = (usize::from(code.saturating_sub(first)), usize::from(self.per_key));
        at * width..(at + 1) * width
    }

    fn row(&self, first: u8, code: u8) -> Option<&[u32]> {
        self.symbols.get(self.place(first, code))
    }

    fn put(&mut self, first: u8, code: u8, row: &[u32]) {
        let place = self.place(first, code);
        let filled = row.iter().copied().chain(std::iter::repeat(0));
        if let Some(old) = self.symbols.get_mut(place) {
            old.iter_mut().zip(filled).for_each(|(old, new)| *old = new);
        }
    }
}

fn first_code(display: &Display) -> u8 {
    display.connection.setup().min_keycode
}

fn read(display: &Display) -> Result<Rows, X11Error> {
    let connection = &display.connection;
    let (first, last) = (connection.setup().min_keycode, connection.setup().max_keycode);
    let mapping = connection.get_keyboard_mapping(first, last - first + 1)?;
    let modifiers = connection.get_modifier_mapping()?.reply()?.keycodes;
    let mapping = mapping.reply()?;
    Ok(Rows { per_key: mapping.keysyms_per_keycode, symbols: mapping.keysyms, modifiers })
}
