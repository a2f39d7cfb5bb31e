//! Text from outside: read off a screen, written by a script, a model or a window title.
//!
//! It is data and nothing else. There is deliberately no `Display`: a log line, a path or an
//! argument can only be made from it by naming the danger ([`Untrusted::danger_raw`]) or by
//! escaping it ([`Untrusted::escaped`]).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Untrusted text. `Debug` shows only its length, so that it cannot leak through `{:?}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// Marks `text` as coming from outside.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for comparing, typing or sealing. Never for a log, a path or an argument.
    #[must_use]
    pub fn danger_raw(&self) -> &str {
        &self.0
    }

    /// The text for a terminal or a message: at most `limit` characters, control characters,
    /// bidirectional overrides and other invisible characters as `\u{..}` escapes.
    #[must_use]
    pub fn escaped(&self, limit: usize) -> String {
        self.visible(limit, None)
    }

    /// As [`Self::escaped`], with `⏎` for a line break: for a person who reads what was typed, not for
    /// a record, where `⏎` could also be itself.
    #[must_use]
    pub fn shown(&self, limit: usize) -> String {
        self.visible(limit, Some('⏎'))
    }

    fn visible(&self, limit: usize, line_break: Option<char>) -> String {
        let mut out = String::new();
        for (count, c) in self.0.chars().enumerate() {
            if count == limit {
                out.push('…');
                break;
            }
            match line_break {
                Some(sign) if c == '\n' => out.push(sign),
                _ if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
                _ => out.push(c),
            }
        }
        out
    }

    /// Number of characters.
    #[must_use]
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Zero-width and direction-changing characters, which make a line read as something it is not
/// (Unicode Technical Report 36, section 2.11; "Trojan Source").
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({} characters)", self.chars())
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_overrides_are_made_visible() {
        let text = Untrusted::new("a\u{1b}[2J\u{202e}b");
        assert_eq!(text.escaped(100), "a\\u{1b}[2J\\u{202e}b");
        let lines = Untrusted::new("one\ntwo\r");
        assert_eq!(lines.escaped(100), "one\\u{a}two\\u{d}");
        assert_eq!(lines.shown(100), "one⏎two\\u{d}");
    }

    #[test]
    fn debug_does_not_show_the_text() {
        assert_eq!(format!("{:?}", Untrusted::new("secret")), "Untrusted(6 characters)");
    }

    #[test]
    fn escaped_stops_at_the_limit() {
        assert_eq!(Untrusted::new("日本語").escaped(2), "日本…");
    }
}
