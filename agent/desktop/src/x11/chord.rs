//! Key names: `ctrl+shift+s`, `Return`, `alt+F4`.
//!
//! Modifiers and key names are case-insensitive; other keys carry their X keysym names (X11's
//! keysymdef.h) or stand for themselves. A letter that follows a modifier is the letter's key, as
//! shortcuts are usually written (`Ctrl+S` has no shift in it); alone it is the character.

use xkeysym::{Keysym, key};

use super::error::X11Error;

/// A modifier key, by the symbol it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modifier {
    symbol: u32,
    name: &'static str,
}

impl Modifier {
    /// Control.
    pub const CTRL: Self = Self { symbol: key::Control_L, name: "Control_L" };
    /// Shift.
    pub const SHIFT: Self = Self { symbol: key::Shift_L, name: "Shift_L" };
    /// Alt (Mod1).
    pub const ALT: Self = Self { symbol: key::Alt_L, name: "Alt_L" };
    /// Super (Mod4).
    pub const SUPER: Self = Self { symbol: key::Super_L, name: "Super_L" };
    /// AltGr, the third level of the keyboard.
    pub const ALT_GR: Self = Self { symbol: key::ISO_Level3_Shift, name: "ISO_Level3_Shift" };
    const CTRL_R: Self = Self { symbol: key::Control_R, name: "Control_R" };
    const SHIFT_R: Self = Self { symbol: key::Shift_R, name: "Shift_R" };
    const ALT_R: Self = Self { symbol: key::Alt_R, name: "Alt_R" };
    const SUPER_R: Self = Self { symbol: key::Super_R, name: "Super_R" };

    /// Its X keysym.
    pub(super) fn symbol(self) -> u32 {
        self.symbol
    }

    /// The name of its keysym.
    pub(super) fn name(self) -> &'static str {
        self.name
    }
}

/// The key of a chord that is not a modifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChordKey {
    /// By keysym.
    Symbol(u32),
    /// The key that types this character.
    Character(char),
}

/// Keys that are down together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chord {
    /// Held, in the order written.
    pub modifiers: Vec<Modifier>,
    /// Struck; a chord may be modifiers alone.
    pub key: Option<ChordKey>,
}

const MODIFIERS: [(&str, Modifier); 18] = [
    ("ctrl", Modifier::CTRL),
    ("control", Modifier::CTRL),
    ("shift", Modifier::SHIFT),
    ("alt", Modifier::ALT),
    ("super", Modifier::SUPER),
    ("altgr", Modifier::ALT_GR),
    ("meta", Modifier::SUPER),
    ("win", Modifier::SUPER),
    ("cmd", Modifier::SUPER),
    ("Control_L", Modifier::CTRL),
    ("Control_R", Modifier::CTRL_R),
    ("Shift_L", Modifier::SHIFT),
    ("Shift_R", Modifier::SHIFT_R),
    ("Alt_L", Modifier::ALT),
    ("Alt_R", Modifier::ALT_R),
    ("Super_L", Modifier::SUPER),
    ("Super_R", Modifier::SUPER_R),
    ("ISO_Level3_Shift", Modifier::ALT_GR),
];

/// Names that are not keysym names, and the keysym names that are used most; several may mean one key.
const KEYS: [(&str, u32); 75] = [
    ("Return", key::Return),
    ("Enter", key::Return),
    ("Escape", key::Escape),
    ("Esc", key::Escape),
    ("Tab", key::Tab),
    ("BackSpace", key::BackSpace),
    ("Delete", key::Delete),
    ("Del", key::Delete),
    ("Insert", key::Insert),
    ("Home", key::Home),
    ("End", key::End),
    ("Page_Up", key::Page_Up),
    ("PageUp", key::Page_Up),
    ("Prior", key::Page_Up),
    ("Page_Down", key::Page_Down),
    ("PageDown", key::Page_Down),
    ("Next", key::Page_Down),
    ("ArrowLeft", key::Left),
    ("ArrowRight", key::Right),
    ("ArrowUp", key::Up),
    ("ArrowDown", key::Down),
    ("Spacebar", key::space),
    ("ContextMenu", key::Menu),
    ("PrintScreen", key::Print),
    ("CapsLock", key::Caps_Lock),
    ("NumLock", key::Num_Lock),
    ("ScrollLock", key::Scroll_Lock),
    ("Ins", key::Insert),
    ("Left", key::Left),
    ("Right", key::Right),
    ("Up", key::Up),
    ("Down", key::Down),
    ("space", key::space),
    ("plus", key::plus),
    ("minus", key::minus),
    ("Menu", key::Menu),
    ("Print", key::Print),
    ("Pause", key::Pause),
    ("Caps_Lock", key::Caps_Lock),
    ("Num_Lock", key::Num_Lock),
    ("Scroll_Lock", key::Scroll_Lock),
    ("F1", key::F1),
    ("F2", key::F2),
    ("F3", key::F3),
    ("F4", key::F4),
    ("F5", key::F5),
    ("F6", key::F6),
    ("F7", key::F7),
    ("F8", key::F8),
    ("F9", key::F9),
    ("F10", key::F10),
    ("F11", key::F11),
    ("F12", key::F12),
    ("KP_0", key::KP_0),
    ("KP_1", key::KP_1),
    ("KP_2", key::KP_2),
    ("KP_3", key::KP_3),
    ("KP_4", key::KP_4),
    ("KP_5", key::KP_5),
    ("KP_6", key::KP_6),
    ("KP_7", key::KP_7),
    ("KP_8", key::KP_8),
    ("KP_9", key::KP_9),
    ("KP_Enter", key::KP_Enter),
    ("KP_Add", key::KP_Add),
    ("KP_Subtract", key::KP_Subtract),
    ("KP_Multiply", key::KP_Multiply),
    ("KP_Divide", key::KP_Divide),
    ("KP_Decimal", key::KP_Decimal),
    ("Henkan", key::Henkan),
    ("Muhenkan", key::Muhenkan),
    ("Zenkaku_Hankaku", key::Zenkaku_Hankaku),
    ("Hiragana_Katakana", key::Hiragana_Katakana),
    ("Hangul", key::Hangul),
    ("ISO_Left_Tab", key::ISO_Left_Tab),
];

impl Chord {
    /// Whether it is about the locks themselves, or about modifiers alone: then they are left as
    /// they are.
    pub(super) fn locks(&self) -> bool {
        match self.key {
            None | Some(ChordKey::Symbol(key::Num_Lock | key::Scroll_Lock | key::Mode_switch)) => {
                true
            }
            // Shift_L to Hyper_R with the locks among them, and the ISO locks and layout switches.
            Some(ChordKey::Symbol(symbol)) => {
                matches!(symbol, key::Shift_L..=key::Hyper_R | 0xfe01..=0xfe13)
            }
            Some(ChordKey::Character(_)) => false,
        }
    }

    /// Whether its key is one that the keypad has while Num Lock is on.
    pub(super) fn is_keypad_digit(&self) -> bool {
        let digits = [key::KP_Separator, key::KP_Decimal];
        let is_digit =
            |symbol| (key::KP_0..=key::KP_9).contains(&symbol) || digits.contains(&symbol);
        matches!(self.key, Some(ChordKey::Symbol(symbol)) if is_digit(symbol))
    }

    /// Parses names joined by `+`; the plus key itself is `plus`, or a `+` at the end.
    ///
    /// # Errors
    /// [`X11Error::Request`] listing the names there are.
    pub fn parse(text: &str) -> Result<Self, X11Error> {
        let mut names: Vec<&str> = text.split('+').collect();
        if let [.., "", ""] = names[..] {
            names.truncate(names.len() - 2);
            names.push("plus");
        }
        let mut chord = Self { modifiers: Vec::new(), key: None };
        for name in names {
            if let Some(modifier) = find(&MODIFIERS, name) {
                chord.modifiers.push(modifier);
            } else if chord.key.is_some() {
                return Err(X11Error::Request(
                    "a chord has one key beside its modifiers: press keys one after the other"
                        .into(),
                ));
            } else {
                chord.key = Some(key_named(name, !chord.modifiers.is_empty())?);
            }
        }
        Ok(chord)
    }

    /// Parses modifiers joined by `+`, as held during a click.
    ///
    /// # Errors
    /// [`X11Error::Request`] when another key is named.
    pub fn parse_modifiers(text: &str) -> Result<Vec<Modifier>, X11Error> {
        match Self::parse(text)? {
            Self { modifiers, key: None } => Ok(modifiers),
            _ => Err(X11Error::Request(format!(
                "only modifiers can be held during a pointer act: {}",
                names(&MODIFIERS)
            ))),
        }
    }
}

fn key_named(name: &str, after_modifier: bool) -> Result<ChordKey, X11Error> {
    let mut characters = name.chars();
    if let (Some(character), None) = (characters.next(), characters.next())
        && !character.is_control()
    {
        let character = if after_modifier { character.to_ascii_lowercase() } else { character };
        return Ok(ChordKey::Character(character));
    }
    find(&KEYS, name).or_else(|| symbol_named(name)).map(ChordKey::Symbol).ok_or_else(|| {
        X11Error::Request(format!(
            "unknown key: a key is one character, a modifier ({}), an X keysym name, or one of {}",
            names(&MODIFIERS),
            names(&KEYS)
        ))
    })
}

/// The symbol with an X keysym name (keysymdef.h, XF86keysym.h); the case counts only where two names
/// differ in nothing else.
fn symbol_named(name: &str) -> Option<u32> {
    let ranges = [0x20..=0xff, 0xfe00..=0xffff, 0x1008_fe00..=0x1008_ffff];
    let known = ranges
        .into_iter()
        .flatten()
        .filter_map(|symbol| Some((Keysym::new(symbol).name()?.replacen("XK_", "", 1), symbol)));
    let alike: Vec<_> = known.filter(|(known, _)| known.eq_ignore_ascii_case(name)).collect();
    alike.iter().find(|(known, _)| known == name).or(alike.first()).map(|(_, symbol)| *symbol)
}

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

fn names<T>(table: &[(&str, T)]) -> String {
    table.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chord(modifiers: &[Modifier], key: ChordKey) -> Chord {
        Chord { modifiers: modifiers.to_vec(), key: Some(key) }
    }

    #[test]
    fn modifiers_and_names_are_case_insensitive() {
        let expected = chord(&[Modifier::CTRL, Modifier::SHIFT], ChordKey::Symbol(key::Page_Down));
        assert_eq!(Chord::parse("ctrl+shift+Page_Down").unwrap(), expected);
        assert_eq!(Chord::parse("Control+SHIFT+page_down").unwrap(), expected);
    }

    #[test]
    fn a_letter_after_a_modifier_is_a_key_and_alone_a_character() {
        let save = chord(&[Modifier::CTRL], ChordKey::Character('s'));
        assert_eq!(Chord::parse("Ctrl+S").unwrap(), save);
        assert_eq!(Chord::parse("S").unwrap(), chord(&[], ChordKey::Character('S')));
    }

    #[test]
    fn the_plus_key_can_be_written() {
        let zoom = chord(&[Modifier::CTRL], ChordKey::Symbol(key::plus));
        assert_eq!(Chord::parse("ctrl++").unwrap(), zoom);
        assert_eq!(Chord::parse("ctrl+plus").unwrap(), zoom);
        assert_eq!(Chord::parse("+").unwrap(), chord(&[], ChordKey::Symbol(key::plus)));
    }

    #[test]
    fn an_unknown_name_is_told_the_names() {
        for text in ["ctrl+Foo", "", "ctrl+", "+a", "ctrl\n+a"] {
            let error = Chord::parse(text).unwrap_err().to_string();
            assert!(error.contains("altgr") && error.contains("Page_Down"), "{text}: {error}");
        }
        let error = Chord::parse("a+b").unwrap_err().to_string();
        assert!(error.contains("one key"), "{error}");
    }

    #[test]
    fn keysym_names_are_known() {
        for (name, symbol) in [
            ("comma", 0x2c),
            ("eacute", 0xe9),
            ("Eacute", 0xc9),
            ("F13", key::F13),
            ("KP_Home", key::KP_Home),
            ("XF86AudioMute", 0x1008_ff12),
        ] {
            assert_eq!(Chord::parse(name).unwrap(), chord(&[], ChordKey::Symbol(symbol)), "{name}");
        }
        assert_eq!(Chord::parse("Shift_R").unwrap().modifiers, [Modifier::SHIFT_R]);
    }

    #[test]
    fn a_click_takes_modifiers_only() {
        let held = Chord::parse_modifiers("ctrl+shift").unwrap();
        assert_eq!(held, [Modifier::CTRL, Modifier::SHIFT]);
        assert!(Chord::parse_modifiers("ctrl+a").is_err());
    }
}
