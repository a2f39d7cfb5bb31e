//! Texts of several words that were read in pieces: a wide gap or a rule between two words makes
//! lines of their own of them.

use karakuri_protocol::desktop::{Hit, Line};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::untrusted::Untrusted;

use super::pattern::Pattern;

/// The widest gap between two pieces of a text, in heights of a line.
const GAP: f64 = 2.5;

/// Where the pattern matches over the ends of lines that stand side by side in `lines`, which are in
/// reading order.
pub(crate) fn split_hits(pattern: &Pattern, lines: &[Line]) -> Vec<Hit> {
    if !pattern.has_words() {
        return Vec::new();
    }
    let rows = lines.chunk_by(|a, b| continues(&a.rect, &b.rect)).filter(|row| row.len() > 1);
    rows.flat_map(|row| {
        let within = |hit: &Hit| row.iter().any(|line| line.rect.union(&hit.rect) == line.rect);
        let mut hits = pattern.hits(&joined(row));
        hits.retain(|hit| !within(hit));
        hits
    })
    .collect()
}

/// Whether `b` stands right of `a`, as high and on the same row, a few characters away.
fn continues(a: &Rect, b: &Rect) -> bool {
    let (low, high) = (f64::from(a.height.min(b.height)), f64::from(a.height.max(b.height)));
    let gap = f64::from(b.left.saturating_sub(a.right()));
    let off = f64::from(a.center().y.abs_diff(b.center().y));
    high <= 1.5 * low && off <= 0.3 * low && (-0.5 * low..=GAP * low).contains(&gap)
}

fn joined(row: &[Line]) -> Line {
    let words: Vec<_> = row.iter().flat_map(|line| line.words.clone()).collect();
    let texts: Vec<&str> = row.iter().map(|line| line.text.danger_raw()).collect();
    let rect = row.iter().map(|line| line.rect).reduce(|a, b| a.union(&b));
    Line {
        rect: rect.unwrap_or(Rect::new(0, 0, 0, 0)),
        text: Untrusted::new(texts.join(" ")),
        confidence: row.iter().map(|line| line.confidence).fold(1.0, f32::min),
        words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use karakuri_protocol::desktop::Word;
    use karakuri_protocol::target::{TextMatch, TextPattern};

    fn line(text: &str, left: i32, top: i32) -> Line {
        let rect = Rect::new(left, top, 10 * u32::try_from(text.len()).unwrap(), 20);
        let word = Word { rect, text: Untrusted::new(text), confidence: 0.9 };
        Line { rect, text: Untrusted::new(text), confidence: 0.9, words: vec![word] }
    }

    fn hits(value: &str, lines: &[Line]) -> Vec<Rect> {
        let pattern = TextPattern { value: value.into(), mode: TextMatch::Exact, distance: None };
        split_hits(&Pattern::new(&pattern).unwrap(), lines).iter().map(|hit| hit.rect).collect()
    }

    #[test]
    fn a_text_is_found_over_a_gap_but_not_over_a_column() {
        let near = [line("Unit", 0, 0), line("price", 80, 2), line("Total", 300, 0)];
        assert_eq!(hits("Unit price", &near), [Rect::new(0, 0, 130, 22)]);
        assert_eq!(hits("price Total", &near), []);
        assert_eq!(hits("price", &near), []);
        let rows = [line("Unit", 0, 0), line("price", 0, 24)];
        assert_eq!(hits("Unit price", &rows), []);
    }
}
