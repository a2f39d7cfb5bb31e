//! The keyboard map as a table: which key, with which of Shift and AltGr, gives which symbol.
//!
//! Pure data, read from the core protocol's GetKeyboardMapping. Its columns are, for one layout
//! group (XKB protocol, "Core keysym compatibility mapping"): level 1, level 2, the same again for
//! group 2, then level 3 and level 4.

use std::cmp::Reverse;
use std::collections::HashMap;

use xkeysym::{Keysym, key};

/// A key, and what must be held for it to give a certain symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// X keycode.
    pub(super) code: u8,
    /// Whether Shift is held.
    pub(super) shift: bool,
    /// Whether AltGr (ISO_Level3_Shift) is held.
    pub(super) level3: bool,
}

impl Key {
    /// The key without modifiers.
    pub(super) fn plain(code: u8) -> Self {
        Self { code, shift: false, level3: false }
    }
}

/// The map as it was found, without what is bound to its spare keycodes.
#[derive(Debug)]
pub(super) struct Keymap {
    by_symbol: HashMap<u32, Key>,
    by_character: HashMap<char, Key>,
    spare: Vec<u8>,
}

/// Column of a symbol, Shift, AltGr.
const LEVELS: [(usize, bool, bool); 4] =
    [(0, false, false), (1, true, false), (4, false, true), (5, true, true)];

/// Vendor symbols: XF86 media and laptop keys (XF86keysym.h), which no run needs.
const MEDIA: std::ops::RangeInclusive<u32> = 0x1008_fe00..=0x1008_ffff;

/// Keycodes whose place on the keyboard means something to programs that look at it, whatever symbol
/// they carry: Chromium reloads the page at 181. By evdev number plus 8 (linux/input-event-codes.h):
/// volume, power, application keys, clipboard keys, sleep, mail, bookmarks, back and forward, players,
/// home page, reload, close, new, redo, suspend, search, brightness.
const PLACED: [std::ops::RangeInclusive<u8>; 15] = [
    121..=124,
    128..=128,
    137..=146,
    150..=151,
    160..=160,
    163..=164,
    166..=167,
    171..=176,
    180..=182,
    189..=190,
    208..=209,
    213..=217,
    223..=225,
    232..=235,
    237..=238,
];

impl Keymap {
    /// Reads the reply to GetKeyboardMapping: `per_key` symbols for each keycode from `first` on.
    /// `modifiers` are the keycodes of the modifier map, which are never spare.
    pub(super) fn new(first: u8, per_key: u8, symbols: &[u32], modifiers: &[u8]) -> Self {
        let mut map =
            Self { by_symbol: HashMap::new(), by_character: HashMap::new(), spare: Vec::new() };
        let has_level3 = symbols.contains(&key::ISO_Level3_Shift);
        let rows = symbols.chunks(usize::from(per_key.max(1)));
        map.index((first..=u8::MAX).zip(rows), has_level3, modifiers);
        map
    }

    fn index<'a>(
        &mut self,
        rows: impl Iterator<Item = (u8, &'a [u32])>,
        has_level3: bool,
        modifiers: &[u8],
    ) {
        for (code, symbols) in rows {
            let unused = symbols.iter().all(|s| *s == 0 || MEDIA.contains(s));
            // Keycode 8 is 0 to evdev, which several toolkits take for no key at all.
            if unused && code > 8 && !modifiers.contains(&code) {
                if !PLACED.iter().any(|placed| placed.contains(&code)) {
                    self.spare.push(code);
                }
                continue;
            }
            for (column, shift, level3) in LEVELS {
                let symbol = symbols.get(column).copied().unwrap_or(0);
                if symbol == 0 || (level3 && !has_level3) {
                    continue;
                }
                let found = Key { code, shift, level3 };
                prefer(self.by_symbol.entry(symbol).or_insert(found), found);
                if let Some(character) = printable(symbol) {
                    prefer(self.by_character.entry(character).or_insert(found), found);
                }
            }
        }
        let mut runs: Vec<&[u8]> = runs(&self.spare).collect();
        runs.sort_by_key(|run| Reverse(run.len()));
        self.spare = runs.concat();
    }

    /// The key that types `character`.
    pub(super) fn character(&self, character: char) -> Option<Key> {
        self.by_character.get(&character).copied()
    }

    /// The key that gives `symbol`.
    pub(super) fn symbol(&self, symbol: u32) -> Option<Key> {
        self.by_symbol.get(&symbol).copied()
    }

    /// Keycodes that carry nothing, or only media symbols, and mean nothing by their place: the longest run of neighbours first,
    /// ascending within a run.
    pub(super) fn spare(&self) -> &[u8] {
        &self.spare
    }
}

/// Cuts keycodes into runs of neighbours.
pub(super) fn runs(codes: &[u8]) -> impl Iterator<Item = &[u8]> {
    codes.chunk_by(|a, b| a.checked_add(1) == Some(*b))
}

/// Fewer modifiers are better: a symbol may be on several keys.
fn prefer(best: &mut Key, other: Key) {
    let held = |key: &Key| u8::from(key.shift) + 2 * u8::from(key.level3);
    if held(&other) < held(best) {
        *best = other;
    }
}

/// The symbol that is bound for a character: Latin-1 as it is, all others by their number (X protocol,
/// appendix A). The older symbols of other alphabets are not known to every toolkit.
pub(super) fn symbol_of(character: char) -> u32 {
    match u32::from(character) {
        number @ (0x20..=0x7e | 0xa0..=0xff) => number,
        number => 0x0100_0000 | number,
    }
}

/// The character of a symbol, keypad and control symbols left out: what they type depends on locks.
fn printable(symbol: u32) -> Option<char> {
    if (0xff00..=0xffff).contains(&symbol) {
        return None;
    }
    Keysym::new(symbol).key_char().filter(|character| !character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keycodes 8 to 13: nothing, `a A`, `1 !`, XF86AudioPlay, `e E … €`, a modifier without symbol.
    fn map() -> Keymap {
        let rows: [[u32; 6]; 6] = [
            [0; 6],
            [0x61, 0x41, 0x61, 0x41, 0, 0],
            [0x31, 0x21, 0x31, 0x21, 0, 0],
            [0x1008_ff14, 0, 0x1008_ff14, 0, 0, 0],
            [0x65, 0x45, 0x65, 0x45, 0x20ac, key::ISO_Level3_Shift],
            [0; 6],
        ];
        Keymap::new(8, 6, &rows.concat(), &[13])
    }

    #[test]
    fn all_levels_are_found() {
        let map = map();
        assert_eq!(map.character('a'), Some(Key::plain(9)));
        assert_eq!(map.character('!'), Some(Key { code: 10, shift: true, level3: false }));
        assert_eq!(map.character('€'), Some(Key { code: 12, shift: false, level3: true }));
        assert_eq!(map.character('é'), None);
    }

    #[test]
    fn media_keys_are_spare_and_modifiers_and_key_8_are_not() {
        assert_eq!(map().spare(), [11]);
    }

    #[test]
    fn keys_that_mean_something_by_their_place_are_not_spare() {
        let map = Keymap::new(179, 1, &[0, 0, 0, 0, 0], &[]);
        assert_eq!(map.spare(), [179, 183]);
    }

    #[test]
    fn the_longest_run_of_spare_keys_comes_first() {
        let map = Keymap::new(9, 1, &[0, 0x61, 0, 0, 0, 0x62, 0, 0], &[]);
        assert_eq!(map.spare(), [11, 12, 13, 15, 16, 9]);
    }

    #[test]
    fn a_symbol_on_two_keys_takes_the_one_with_fewer_modifiers() {
        let map = Keymap::new(8, 2, &[0, 0, 0x61, 0x3c, 0x3c, 0x3e], &[]);
        assert_eq!(map.character('<'), Some(Key::plain(10)));
    }
}
