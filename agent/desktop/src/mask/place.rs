//! Which pixels a part of a line takes.

use std::ops::Range;

use karakuri_protocol::desktop::{Line, Word};
use karakuri_protocol::geometry::Rect;

use crate::vision::around;

/// Pixels around a text that may still show some of it: the edges of smoothed glyphs.
const EDGE: u32 = 2;

/// The box around the bytes `range` of the text of `line`: whole words, and of a word that is personal in
/// part the share of its characters with one more at each end, as characters differ in width. The whole line
/// where the text and its words do not fit together.
pub(super) fn of(line: &Line, range: &Range<usize>) -> Rect {
    let text = line.text.danger_raw();
    let mut from = 0;
    let mut place: Option<Rect> = None;
    for word in &line.words {
        let Some(at) = text.get(from..).and_then(|rest| rest.find(word.text.danger_raw())) else {
            return around(&line.rect, EDGE);
        };
        let (start, end) = (from + at, from + at + word.text.danger_raw().len());
        from = end;
        let within = range.start.max(start)..range.end.min(end);
        if within.start < within.end {
            let part = share(word, within.start - start..within.end - start);
            place = Some(place.map_or(part, |place| place.union(&part)));
        }
    }
    around(&place.unwrap_or(line.rect), EDGE)
}

/// The box around the bytes `range` of the text of a word.
fn share(word: &Word, range: Range<usize>) -> Rect {
    let text = word.text.danger_raw();
    let columns = |text: &str| text.chars().map(columns).sum::<u32>();
    let whole = columns(text).max(1);
    let (Some(before), Some(after)) = (text.get(..range.start), text.get(range.end..)) else {
        return word.rect;
    };
    // A mask that covers too much hides a character; one that covers too little shows one.
    let pixels = |count: u32| u64::from(word.rect.width) * u64::from(count) / u64::from(whole);
    let skipped = |text: &str| pixels(columns(text).saturating_sub(1));
    let (left, right) = (skipped(before), skipped(after));
    let (left, right) = (u32::try_from(left).unwrap_or(0), u32::try_from(right).unwrap_or(0));
    Rect {
        left: word.rect.left.saturating_add_unsigned(left),
        width: word.rect.width.saturating_sub(left + right).max(1),
        ..word.rect
    }
}

/// How many columns a character takes: those of Japanese are twice as wide as a Latin letter.
fn columns(c: char) -> u32 {
    match c {
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => 2,
        '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, words: &[(&str, i32, u32)]) -> Line {
        let words = words.iter().map(|(text, left, width)| Word {
            rect: Rect::new(*left, 100, *width, 20),
            text: (*text).into(),
            confidence: 1.0,
        });
        let words: Vec<Word> = words.collect();
        let rect = words.iter().map(|w| w.rect).reduce(|a, b| a.union(&b)).unwrap();
        Line { rect, text: text.into(), confidence: 1.0, words }
    }

    #[test]
    fn whole_words_and_what_is_between_them() {
        let line = line(
            "Card 4111 1111 due",
            &[("Card", 0, 40), ("4111", 50, 40), ("1111", 100, 40), ("due", 150, 30)],
        );
        assert_eq!(of(&line, &(5..14)), Rect::new(48, 98, 94, 24));
    }

    #[test]
    fn a_share_of_a_word_and_a_character_more_at_each_end() {
        let latin = line("mailto:a@b.example,x", &[("mailto:a@b.example,x", 0, 200)]);
        assert_eq!(of(&latin, &(7..18)), Rect::new(58, 98, 134, 24));
        let mixed = line("連絡先a@b.example", &[("連絡先a@b.example", 0, 170)]);
        assert_eq!(of(&mixed, &(9..20)), Rect::new(48, 98, 124, 24));
    }

    #[test]
    fn a_line_whose_words_do_not_fit_is_covered_whole() {
        let line = line("something else", &[("other", 10, 50)]);
        assert_eq!(of(&line, &(0..9)), Rect::new(8, 98, 54, 24));
    }
}
