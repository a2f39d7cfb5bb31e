//! From a key that was struck in the window to what it types, by the keyboard map of the person's display.
//!
//! The map is that of the core protocol, whose columns are, for two layout groups (XKB protocol, "Core
//! keysym compatibility mapping"): levels 1 and 2 of group 1, the same of group 2, levels 3 and 4 of
//! group 1, the same of group 2. A dead key is put together with the letter after it. Input methods and
//! Compose sequences are not known here.

use std::rc::Rc;

use karakuri_protocol::watch::{Held, Key};
use unicode_normalization::char::compose;
use x11rb::connection::Connection;
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{ConnectionExt as _, KeyButMask, Keycode};
use x11rb::rust_connection::RustConnection;
use xkeysym::{Keysym, key};

/// Symbols that are no keys for a program: locks, modifiers, switches between layouts.
const MODIFIERS: [std::ops::RangeInclusive<u32>; 4] = [
    key::Shift_L..=key::Hyper_R,
    0xfe01..=0xfe13,
    key::Mode_switch..=key::Num_Lock,
    key::Multi_key..=key::Multi_key,
];
/// Vendor symbols (XF86keysym.h), which are for the person's own machine.
const MEDIA: std::ops::RangeInclusive<u32> = 0x1008_fe00..=0x1008_ffff;

/// Dead keys, by what they put over or under a letter, and what they type before a space.
const DEAD: [(u32, char, char); 17] = [
    (key::dead_grave, '\u{300}', '`'),
    (key::dead_acute, '\u{301}', '\''),
    (key::dead_circumflex, '\u{302}', '^'),
    (key::dead_tilde, '\u{303}', '~'),
    (key::dead_macron, '\u{304}', '¯'),
    (key::dead_breve, '\u{306}', '˘'),
    (key::dead_abovedot, '\u{307}', '˙'),
    (key::dead_diaeresis, '\u{308}', '"'),
    (key::dead_hook, '\u{309}', '\u{309}'),
    (key::dead_abovering, '\u{30a}', '°'),
    (key::dead_doubleacute, '\u{30b}', '˝'),
    (key::dead_caron, '\u{30c}', 'ˇ'),
    (key::dead_horn, '\u{31b}', '\u{31b}'),
    (key::dead_belowdot, '\u{323}', '\u{323}'),
    (key::dead_cedilla, '\u{327}', '¸'),
    (key::dead_ogonek, '\u{328}', '˛'),
    (key::dead_iota, '\u{345}', 'ͅ'),
];

/// The keyboard of the person's display.
pub(crate) struct Keys {
    connection: Rc<RustConnection>,
    map: Map,
    /// The dead key that waits for its letter: what it puts on it, and what it types alone.
    dead: Option<(char, char)>,
}

/// Shows nothing that was typed.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// The map, and which modifiers mean AltGr and Num Lock.
#[derive(Debug, Default)]
struct Map {
    first: Keycode,
    per_key: usize,
    symbols: Vec<u32>,
    level3: u16,
    num_lock: u16,
}

impl Keys {
    /// Reads the map.
    pub(crate) fn open(connection: &Rc<RustConnection>) -> Result<Self, ReplyError> {
        let map = Map::read(connection)?;
        Ok(Self { connection: Rc::clone(connection), map, dead: None })
    }

    /// The map is another.
    pub(crate) fn reload(&mut self) -> Result<(), ReplyError> {
        self.map = Map::read(&self.connection)?;
        Ok(())
    }

    /// What striking a key types, in order; nothing for a modifier.
    pub(crate) fn strike(&mut self, code: Keycode, state: KeyButMask) -> Vec<(Key, Held)> {
        let mut held = Self::held(state);
        let is_chord = held.ctrl || held.alt || held.meta;
        // In a chord Caps Lock means nothing.
        let lock = is_down(state, KeyButMask::LOCK) && !is_chord;
        let symbol = self.map.symbol(code, u16::from(state), lock);
        if symbol == 0 || MEDIA.contains(&symbol) || MODIFIERS.iter().any(|m| m.contains(&symbol)) {
            return Vec::new();
        }
        if let Some((_, mark, alone)) = DEAD.iter().find(|(dead, ..)| *dead == symbol) {
            return match self.dead.replace((*mark, *alone)) {
                Some((_, before)) => vec![(Key::Character(before), Held::default())],
                None => Vec::new(),
            };
        }
        let Some(character) = character(symbol) else {
            self.dead = None;
            return vec![(Key::Symbol(symbol), held)];
        };
        // The character says it already.
        held.shift = false;
        self.with_dead(character).into_iter().map(|c| (Key::Character(c), held)).collect()
    }

    /// Puts the dead key that waits on a letter.
    fn with_dead(&mut self, letter: char) -> Vec<char> {
        match self.dead.take() {
            None => vec![letter],
            Some((_, alone)) if letter == ' ' => vec![alone],
            Some((mark, alone)) => match compose(letter, mark) {
                Some(both) => vec![both],
                None => vec![alone, letter],
            },
        }
    }

    /// What is held with a button.
    pub(crate) fn held(state: KeyButMask) -> Held {
        Held {
            ctrl: is_down(state, KeyButMask::CONTROL),
            shift: is_down(state, KeyButMask::SHIFT),
            alt: is_down(state, KeyButMask::MOD1),
            meta: is_down(state, KeyButMask::MOD4),
        }
    }
}

fn is_down(state: KeyButMask, modifier: KeyButMask) -> bool {
    u16::from(state) & u16::from(modifier) != 0
}

impl Map {
    fn read(connection: &RustConnection) -> Result<Self, ReplyError> {
        let setup = connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let told = connection.get_keyboard_mapping(first, last - first + 1)?;
        let modifiers = connection.get_modifier_mapping()?.reply()?;
        let told = told.reply()?;
        let per_key = usize::from(told.keysyms_per_keycode).max(1);
        let mut map = Self { first, per_key, symbols: told.keysyms, ..Self::default() };
        let per_modifier = (modifiers.keycodes.len() / 8).max(1);
        let mask = |symbol: u32| {
            let mut rows = modifiers.keycodes.chunks(per_modifier);
            let carries = |code: &Keycode| *code != 0 && map.row(*code).contains(&symbol);
            rows.position(|codes| codes.iter().any(carries)).map_or(0, |place| 1u16 << place)
        };
        (map.level3, map.num_lock) = (mask(key::ISO_Level3_Shift), mask(key::Num_Lock));
        Ok(map)
    }

    fn row(&self, code: Keycode) -> &[u32] {
        let place = usize::from(code.saturating_sub(self.first)) * self.per_key;
        self.symbols.get(place..place + self.per_key).unwrap_or_default()
    }

    /// The symbol of a key, given the modifiers and the layout group of an event's state.
    fn symbol(&self, code: Keycode, state: u16, lock: bool) -> u32 {
        let row = self.row(code);
        let column = |place: usize| row.get(place).copied().filter(|symbol| *symbol != 0);
        // XKB puts the group into bits 13 and 14 of the state.
        let group = usize::from((state >> 13) & 3).min(1);
        let group = if column(2 * group).is_some() { group } else { 0 };
        let mut shift = state & u16::from(KeyButMask::SHIFT) != 0;
        let keypad = column(2 * group + 1).is_some_and(is_keypad);
        shift ^= keypad && state & self.num_lock != 0;
        let level3 = state & self.level3 != 0 && column(4 + 2 * group).is_some();
        let base = if level3 { 4 + 2 * group } else { 2 * group };
        let plain = column(base).unwrap_or(0);
        let symbol = if shift { column(base + 1).unwrap_or(plain) } else { plain };
        if lock { other_case(symbol) } else { symbol }
    }
}

/// Caps Lock makes a letter what Shift would make of it, and leaves all else.
fn other_case(symbol: u32) -> u32 {
    let Some(letter) = character(symbol) else { return symbol };
    let mut other = String::new();
    if letter.is_lowercase() {
        other.extend(letter.to_uppercase());
    } else {
        other.extend(letter.to_lowercase());
    }
    let mut letters = other.chars();
    match (letters.next(), letters.next()) {
        (Some(other), None) => Keysym::from_char(other).raw(),
        _ => symbol,
    }
}

fn is_keypad(symbol: u32) -> bool {
    (key::KP_Space..=key::KP_9).contains(&symbol)
}

/// The character a symbol types; none of the keypad, whose keys programs tell apart.
fn character(symbol: u32) -> Option<char> {
    if (0xff00..=0xffff).contains(&symbol) {
        return None;
    }
    Keysym::new(symbol).key_char().filter(|character| !character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keycodes 10 to 13: `e E é É € ¢` in two groups, the keypad's 1, a dead acute, Alt.
    fn map() -> Map {
        let rows: [[u32; 6]; 4] = [
            [0x65, 0x45, 0xe9, 0xc9, 0x20ac, 0xa2],
            [key::KP_End, key::KP_1, 0, 0, 0, 0],
            [key::dead_acute, key::dead_diaeresis, 0, 0, 0, 0],
            [key::Alt_L, 0, 0, 0, 0, 0],
        ];
        Map { first: 10, per_key: 6, symbols: rows.concat(), level3: 0x80, num_lock: 0x10 }
    }

    #[test]
    fn groups_levels_and_locks() {
        let symbol = |code, state, lock| map().symbol(code, state, lock);
        assert_eq!([symbol(10, 0, false), symbol(10, 1, false)], [0x65, 0x45]);
        assert_eq!([symbol(10, 0, true), symbol(10, 1, true)], [0x45, 0x65]);
        assert_eq!([symbol(10, 0x80, false), symbol(10, 0x81, false)], [0x20ac, 0xa2]);
        assert_eq!([symbol(10, 1 << 13, false), symbol(10, 1 | 1 << 13, false)], [0xe9, 0xc9]);
        assert_eq!([symbol(11, 0, false), symbol(11, 0x10, false)], [key::KP_End, key::KP_1]);
        assert_eq!(symbol(11, 0x11, false), key::KP_End);
        assert_eq!(symbol(99, 0, false), 0);
    }

    #[test]
    fn what_is_dead_and_what_types() {
        assert_eq!(
            (character(0xe9), character(key::Return), character(key::KP_1)),
            (Some('é'), None, None)
        );
        assert_eq!((compose('e', '\u{301}'), compose('x', '\u{301}')), (Some('é'), None));
    }
}
