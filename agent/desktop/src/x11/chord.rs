//! Key names: `ctrl+shift+s`, `Return`, `alt+F4`.
//!
//! Modifiers and key names are case-insensitive; other keys carry their X keysym names (X11's
//! keysymdef.h) or stand for themselves. A letter that follows a modifier is the letter's key, as
//! shortcuts are usually written (`Ctrl+S` has no shift in it); alone it is the character.

use xkeysym::key;

use super::error::X11Error;

/// A modifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// Control.
    Ctrl,
    /// Shift.
    Shift,
    /// Alt (Mod1).
    Alt,
    /// Super (Mod4).
    Super,
    /// AltGr, the third level of the keyboard.
    AltGr,
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

const MODIFIERS: [(&str, Modifier); 7] = [
    ("ctrl", Modifier::Ctrl),
    ("control", Modifier::Ctrl),
    ("shift", Modifier::Shift),
    ("alt", Modifier::Alt),
    ("super", Modifier::Super),
    ("altgr", Modifier::AltGr),
    ("meta", Modifier::Super),
];

/// Names and keysyms; several names may mean one key.
const KEYS: [(&str, u32); 64] = [
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
    find(&KEYS, name).map(ChordKey::Symbol).ok_or_else(|| {
        X11Error::Request(format!(
            "unknown key: a key is one character, a modifier ({}) or one of {}",
            names(&MODIFIERS),
            names(&KEYS)
        ))
    })
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
        let expected = chord(&[Modifier::Ctrl, Modifier::Shift], ChordKey::Symbol(key::Page_Down));
        assert_eq!(Chord::parse("ctrl+shift+Page_Down").unwrap(), expected);
        assert_eq!(Chord::parse("Control+SHIFT+page_down").unwrap(), expected);
    }

    #[test]
    fn a_letter_after_a_modifier_is_a_key_and_alone_a_character() {
        let save = chord(&[Modifier::Ctrl], ChordKey::Character('s'));
        assert_eq!(Chord::parse("Ctrl+S").unwrap(), save);
        assert_eq!(Chord::parse("S").unwrap(), chord(&[], ChordKey::Character('S')));
    }

    #[test]
    fn the_plus_key_can_be_written() {
        let zoom = chord(&[Modifier::Ctrl], ChordKey::Symbol(key::plus));
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
    fn a_click_takes_modifiers_only() {
        let held = Chord::parse_modifiers("ctrl+shift").unwrap();
        assert_eq!(held, [Modifier::Ctrl, Modifier::Shift]);
        assert!(Chord::parse_modifiers("ctrl+a").is_err());
    }
}
