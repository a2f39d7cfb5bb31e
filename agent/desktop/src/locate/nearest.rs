//! When nothing matches: what comes closest, for the error message.

use karakuri_protocol::desktop::{Hit, Line, Via};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::target::TextPattern;
use karakuri_protocol::untrusted::Untrusted;

use super::fold::fold;

/// The most candidates that are shown.
pub(crate) const SHOWN: usize = 5;
/// Similarity below which a candidate helps nobody.
const HELPFUL: f64 = 0.3;

/// Lines and words that resemble the text, best first.
pub(crate) fn texts(pattern: &TextPattern, lines: &[Line]) -> Vec<Hit> {
    let value = fold(pattern.value.danger_raw());
    let mut candidates: Vec<(f64, Hit)> = lines
        .iter()
        .filter_map(|line| {
            let words = line.words.iter().map(|word| (&word.text, word.rect, word.confidence));
            let whole = [(&line.text, line.rect, line.confidence)];
            let rated = whole.into_iter().chain(words).map(|(text, rect, confidence)| {
                let likeness =
                    strsim::normalized_damerau_levenshtein(&fold(text.danger_raw()), &value);
                (likeness, candidate(text, rect, confidence))
            });
            rated.reduce(|best, next| if next.0 > best.0 { next } else { best })
        })
        .filter(|(likeness, _)| *likeness >= HELPFUL)
        .collect();
    candidates.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    candidates.into_iter().map(|(_, hit)| hit).take(SHOWN).collect()
}

fn candidate(text: &Untrusted, rect: Rect, confidence: f32) -> Hit {
    Hit { rect, at: rect.center(), text: Some(text.clone()), confidence, via: Via::Text }
}
