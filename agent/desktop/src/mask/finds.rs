//! What is personal in the lines on the screen. A line whose text was looked at before costs a look-up.

use std::num::NonZeroUsize;

use karakuri_personal::{Finder, Found, Kind, OnScreen, PatternError, Settings};
use karakuri_protocol::desktop::Line;
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::untrusted::Untrusted;
use lru::LruCache;

use super::place;

/// Texts whose finds are kept: as many as the reader keeps lines.
const TEXTS: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// Personal data on the screen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Find {
    /// What it is.
    pub(crate) kind: Kind,
    /// The text.
    pub(crate) text: Untrusted,
    /// What is to be covered, in pixels of the screen.
    pub(crate) rect: Rect,
}

/// The detectors, and what they found before.
#[derive(Debug)]
pub(crate) struct Finds {
    finder: Finder,
    known: LruCache<String, Vec<Found>>,
}

impl Finds {
    pub(crate) fn new(settings: &Settings) -> Result<Self, PatternError> {
        Ok(Self { finder: Finder::new(settings)?, known: LruCache::new(TEXTS) })
    }

    /// What is personal in all the lines of a screen: a label may be a line of its own.
    pub(crate) fn on_screen(&mut self, lines: &[Line]) -> Vec<Find> {
        let texts: Vec<(&str, Rect)> =
            lines.iter().map(|line| (line.text.danger_raw(), line.rect)).collect();
        let Self { finder, known } = self;
        let found = finder.find_on_screen_by(&texts, |text| {
            known.get_or_insert_ref(text, || finder.find(text)).clone()
        });
        found.into_iter().map(|OnScreen { line, found }| find(&lines[line], found)).collect()
    }
}

fn find(line: &Line, Found { range, kind }: Found) -> Find {
    let text = line.text.danger_raw().get(range.clone()).unwrap_or_default();
    Find { kind, text: Untrusted::new(text), rect: place::of(line, &range) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use karakuri_protocol::desktop::Word;

    fn line(text: &str, left: i32, top: i32) -> Line {
        let width = u32::try_from(text.len()).unwrap() * 10;
        let rect = Rect::new(left, top, width, 20);
        let word = Word { rect, text: text.into(), confidence: 1.0 };
        Line { rect, text: text.into(), confidence: 1.0, words: vec![word] }
    }

    #[test]
    fn a_label_beside_a_value_counts_also_when_both_are_known() {
        let mut finds = Finds::new(&Settings::default()).unwrap();
        let lines = [line("Name:", 0, 0), line("Hanako", 80, 0), line("Hanako", 80, 300)];
        for _ in 0..2 {
            let found = finds.on_screen(&lines);
            let told: Vec<_> = found.iter().map(|f| (f.kind.as_str(), f.rect.top)).collect();
            assert_eq!(told, [("name", -2)]);
            assert_eq!(found[0].text.danger_raw(), "Hanako");
        }
        assert_eq!(finds.known.len(), 2);
        assert_eq!(finds.on_screen(&lines[1..]), []);
    }
}
