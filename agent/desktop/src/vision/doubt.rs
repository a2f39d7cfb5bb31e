//! Second opinion: which words of a line the tiny model may have misread, and putting in their place
//! what the small model reads there. Reading only those words again is far cheaper than all again.
//!
//! Doubted is what has a low confidence, and a zero, one, O or l that stands between characters of
//! the other kind (`0ctober`), which the tiny model gets wrong with full confidence.

use std::ops::Range;

use super::ctc::Glyph;
use super::ink::Ink;
use super::words;

/// Confidence of a character below which its word is doubted, and from which the small model's
/// reading of a word is taken.
const CERTAIN: f32 = 0.9;

/// A part of a line to read again.
#[derive(Debug, PartialEq)]
pub(crate) struct Doubt {
    glyphs: Range<usize>,
    /// Columns of the line that hold it.
    pub(crate) columns: Range<usize>,
}

/// The doubted words of a line, from left to right; words joined by a doubted space are one.
pub(crate) fn doubts(glyphs: &[Glyph], ink: &Ink) -> Vec<Doubt> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for at in (0..glyphs.len()).filter(|at| is_doubted(glyphs, *at)) {
        let part = words_around(glyphs, at);
        match parts.last_mut() {
            Some(last) if part.start < last.end => last.end = last.end.max(part.end),
            _ => parts.push(part),
        }
    }
    parts
        .into_iter()
        .map(|glyphs_of| Doubt { columns: words::room(glyphs, &glyphs_of, ink), glyphs: glyphs_of })
        .collect()
}

/// Puts `again`, which was read in the doubted columns alone, into the line if it is sure or surer.
/// Replace from the right, so that other doubts keep their places.
pub(crate) fn settle(glyphs: &mut Vec<Glyph>, doubt: Doubt, mut again: Vec<Glyph>, ink: &Ink) {
    let (before, after) =
        (words::confidence(&glyphs[doubt.glyphs.clone()]), words::confidence(&again));
    if after < CERTAIN && after <= before {
        return;
    }
    let width = ink.width() as f32;
    for glyph in &mut again {
        glyph.at = (doubt.columns.start as f32 + glyph.at * doubt.columns.len() as f32) / width;
    }
    glyphs.splice(doubt.glyphs, again);
}

fn is_doubted(glyphs: &[Glyph], at: usize) -> bool {
    let character = |at: usize| glyphs.get(at).and_then(|glyph| glyph.text.chars().next());
    let neighbours = [at.checked_sub(1).and_then(character), character(at + 1)];
    let beside = |kind: fn(char) -> bool| neighbours.into_iter().flatten().any(kind);
    let mistakable = match character(at) {
        Some('0' | '1') => beside(char::is_alphabetic),
        Some('O' | 'o' | 'l' | 'I') => beside(char::is_numeric),
        _ => false,
    };
    mistakable || glyphs[at].confidence < CERTAIN
}

/// The word that holds the glyph, or the words on both sides of a space.
fn words_around(glyphs: &[Glyph], at: usize) -> Range<usize> {
    let before = glyphs[..at].iter().rposition(words::is_space).map_or(0, |space| space + 1);
    let after = glyphs[at + 1..].iter().position(words::is_space);
    before..after.map_or(glyphs.len(), |space| at + 1 + space)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use image::{Rgb, RgbImage};

    /// Each character is 10 columns wide; those in `unsure` have a low confidence.
    fn line(text: &str, unsure: &[usize]) -> (Vec<Glyph>, Ink) {
        let count = text.chars().count();
        let glyphs = text.chars().enumerate().map(|(i, c)| Glyph {
            text: c.to_string(),
            at: (i as f32 + 0.5) / count as f32,
            confidence: if unsure.contains(&i) { 0.4 } else { 1.0 },
        });
        let width = 10 * u32::try_from(count).unwrap();
        let image = RgbImage::from_fn(width, 20, |x, y| {
            let stroke = text.as_bytes()[(x / 10) as usize] != b' ' && x % 10 != 9;
            Rgb([if stroke && y == 10 { 0 } else { 255 }; 3])
        });
        (glyphs.collect(), Ink::of(&Frame::from_rgb(&image).unwrap()))
    }

    fn text(glyphs: &[Glyph]) -> String {
        glyphs.iter().map(|g| g.text.as_str()).collect()
    }

    #[test]
    fn a_doubted_word_is_replaced_in_place() {
        let (mut glyphs, ink) = line("on 0ct 14", &[3]);
        let mut doubts = doubts(&glyphs, &ink);
        assert_eq!(doubts, [Doubt { glyphs: 3..6, columns: 24..64 }]);
        let (again, _) = line("Oct", &[]);
        settle(&mut glyphs, doubts.remove(0), again, &ink);
        assert_eq!(text(&glyphs), "on Oct 14");
        assert!((glyphs[3].at - 0.341).abs() < 0.001, "{}", glyphs[3].at);
    }

    #[test]
    fn a_zero_beside_a_letter_is_doubted() {
        let doubted = |text| doubts(&line(text, &[]).0, &line(text, &[]).1).len();
        assert_eq!((doubted("0ctober"), doubted("2O26"), doubted("A1")), (1, 1, 1));
        assert_eq!((doubted("PT-1006"), doubted("Oil 10"), doubted("2026")), (0, 0, 0));
    }

    #[test]
    fn a_doubted_space_takes_both_words() {
        let (glyphs, ink) = line("a b c", &[1, 4]);
        let ranges: Vec<_> = doubts(&glyphs, &ink).into_iter().map(|d| d.glyphs).collect();
        assert_eq!(ranges, [0..3, 4..5]);
    }

    #[test]
    fn a_less_sure_reading_changes_nothing() {
        let (mut glyphs, ink) = line("0ct", &[0]);
        let doubt = doubts(&glyphs, &ink).remove(0);
        let (again, _) = line("Xct", &[0, 1]);
        settle(&mut glyphs, doubt, again, &ink);
        assert_eq!(text(&glyphs), "0ct");
    }
}
