//! From characters to words with boxes.
//!
//! A word ends at white space. Japanese is written without it, so a piece that holds Japanese is
//! also cut where the kind of character changes: `消費税（10％）` is `消費税`, `（`, `10％`, `）`. That
//! gives a label and the value behind it boxes of their own. And it is cut at a wide gap: a space
//! between two Japanese words is often not read.

use std::ops::Range;

use karakuri_protocol::desktop::{Line, Word};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::untrusted::Untrusted;

use super::ctc::Glyph;
use super::ink::Ink;

/// A gap of so many line heights parts two Japanese words. Between the characters of one there is at
/// most a third of a height.
const GAP: f64 = 0.5;

/// The line that `glyphs` make, its boxes relative to the line's own top left corner; nothing when
/// there is no visible character. `height` is the line's, in pixels.
pub(crate) fn line(glyphs: &[Glyph], ink: &Ink, height: u32) -> Option<Line> {
    let words: Vec<Word> = pieces(glyphs, ink, f64::from(height) * GAP)
        .into_iter()
        .map(|piece| Word {
            rect: boxed(&span(glyphs, &piece, ink), height),
            text: Untrusted::new(text(&glyphs[piece.clone()])),
            confidence: confidence(&glyphs[piece]),
        })
        .collect();
    let rect = words.iter().map(|word| word.rect).reduce(|a, b| a.union(&b))?;
    let all = text(glyphs);
    Some(Line { rect, text: Untrusted::new(all.trim()), confidence: confidence(glyphs), words })
}

/// Ranges of glyphs that are words; those of Japanese have no gap of `widest` columns.
fn pieces(glyphs: &[Glyph], ink: &Ink, widest: f64) -> Vec<Range<usize>> {
    let is_gap = |a: &Glyph, b: &Glyph| {
        let between = column(a, ink)..column(b, ink).max(column(a, ink));
        kind(a) == Kind::Japanese && ink.gaps(between).iter().any(|gap| gap.len() as f64 >= widest)
    };
    let mut pieces = Vec::new();
    let mut start = 0;
    for piece in glyphs.split(is_space) {
        let end = start + piece.len();
        if piece.iter().any(|glyph| kind(glyph) == Kind::Japanese) {
            let mut from = start;
            for same in piece.chunk_by(|a, b| kind(a) == kind(b) && !is_gap(a, b)) {
                pieces.push(from..from + same.len());
                from += same.len();
            }
        } else if !piece.is_empty() {
            pieces.push(start..end);
        }
        start = end + 1;
    }
    pieces
}

/// The columns of a word, tight around its ink.
fn span(glyphs: &[Glyph], piece: &Range<usize>, ink: &Ink) -> Range<usize> {
    let room = room(glyphs, piece, ink);
    ink.tight(room.clone()).unwrap_or(room)
}

/// The columns of a word up to the middle of the widest gap towards each neighbour.
pub(super) fn room(glyphs: &[Glyph], piece: &Range<usize>, ink: &Ink) -> Range<usize> {
    let before = glyphs[..piece.start].iter().rposition(|glyph| !is_space(glyph));
    let after = glyphs[piece.end..].iter().position(|glyph| !is_space(glyph));
    let at = |index: usize| column(&glyphs[index], ink);
    let from = before.map_or(0, |last| cut(ink, at(last), at(piece.start)));
    let to = after.map_or(ink.width(), |next| cut(ink, at(piece.end - 1), at(piece.end + next)));
    from..to.max(from + 1)
}

/// Where to part two characters that stand at these columns.
fn cut(ink: &Ink, left: usize, right: usize) -> usize {
    let (left, right) = (left.min(right), right.max(left));
    let widest = ink.gaps(left..right).into_iter().max_by_key(ExactSizeIterator::len);
    widest.map_or((left + right) / 2, |gap| (gap.start + gap.end) / 2)
}

fn boxed(columns: &Range<usize>, height: u32) -> Rect {
    let left = i32::try_from(columns.start).unwrap_or(i32::MAX);
    let width = u32::try_from(columns.len()).unwrap_or(u32::MAX);
    Rect::new(left, 0, width, height)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a width between 0 and 1 is a column"
)]
fn column(glyph: &Glyph, ink: &Ink) -> usize {
    (glyph.at * ink.width() as f32) as usize
}

pub(super) fn text(glyphs: &[Glyph]) -> String {
    glyphs.iter().map(|glyph| glyph.text.as_str()).collect()
}

/// Mean over what is visible; 0 when nothing is.
pub(super) fn confidence(glyphs: &[Glyph]) -> f32 {
    let visible: Vec<f32> =
        glyphs.iter().filter(|glyph| !is_space(glyph)).map(|glyph| glyph.confidence).collect();
    visible.iter().sum::<f32>() / visible.len().max(1) as f32
}

pub(super) fn is_space(glyph: &Glyph) -> bool {
    glyph.text.chars().all(char::is_whitespace)
}

#[derive(PartialEq)]
enum Kind {
    Japanese,
    /// Brackets and stops of full width, which part a label from its value.
    Punctuation,
    Other,
}

fn kind(glyph: &Glyph) -> Kind {
    match glyph.text.chars().next() {
        // Hiragana, katakana with its marks, unified ideographs and their iteration mark.
        Some('\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '々' | '〆') => Kind::Japanese,
        Some('\u{ff66}'..='\u{ff9f}') => Kind::Japanese,
        Some(
            '、' | '。' | '：' | '；' | '（' | '）' | '「'..='】' | '〔'..='〟' | ':' | '(' | ')',
        ) => Kind::Punctuation,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;
    use image::{Rgb, RgbImage};

    /// One character in each 10 pixels, its stroke 6 pixels wide in the middle of them; `_` is a space
    /// that is not read.
    fn read(text: &str) -> Line {
        let count = text.chars().count();
        let glyphs: Vec<Glyph> = text
            .chars()
            .enumerate()
            .map(|(i, c)| Glyph {
                text: c.to_string(),
                at: (i as f32 + 0.5) / count as f32,
                confidence: 0.5,
            })
            .collect();
        let width = 10 * u32::try_from(count).unwrap();
        let image = RgbImage::from_fn(width, 20, |x, y| {
            let stroke = !["", "_"].contains(&glyphs[(x / 10) as usize].text.trim());
            let dark = stroke && (2..8).contains(&(x % 10)) && y == 10;
            Rgb([if dark { 0 } else { 255 }; 3])
        });
        let read: Vec<Glyph> = glyphs.into_iter().filter(|glyph| glyph.text != "_").collect();
        line(&read, &Ink::of(&Frame::from_rgb(&image).unwrap()), 20).unwrap()
    }

    fn words(line: &Line) -> Vec<(&str, Rect)> {
        line.words.iter().map(|w| (w.text.danger_raw(), w.rect)).collect()
    }

    #[test]
    fn words_are_tight_around_their_ink() {
        let line = read("Unit  no.");
        let boxes = [("Unit", Rect::new(2, 0, 36, 20)), ("no.", Rect::new(62, 0, 26, 20))];
        assert_eq!(words(&line), boxes);
        assert_eq!(line.rect, Rect::new(2, 0, 86, 20));
        assert_eq!(line.confidence, 0.5);
    }

    #[test]
    fn japanese_is_cut_where_the_kind_changes() {
        let line = read("合計：¥98(税)");
        let texts: Vec<&str> = words(&line).into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["合計", "：", "¥98", "(", "税", ")"]);
        assert_eq!(line.words[2].rect, Rect::new(32, 0, 26, 20));
    }
    #[test]
    fn japanese_is_cut_at_a_wide_gap() {
        let line = read("氏名_住所_98");
        let texts: Vec<&str> = words(&line).into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["氏名", "住所", "98"]);
        assert_eq!(line.words[1].rect, Rect::new(32, 0, 16, 20));
        assert_eq!(line.text.danger_raw(), "氏名住所98");
    }
}
