//! Matching text in lines.

use std::ops::Range;

use karakuri_protocol::desktop::{Hit, Line, Via};
use karakuri_protocol::target::{TextMatch, TextPattern};
use karakuri_protocol::untrusted::Untrusted;
use regex::{Regex, RegexBuilder};

use super::error::LocateError;
use super::fold::{Folded, fold};

/// Memory a compiled expression may take, in bytes.
const EXPRESSION_LIMIT: usize = 1 << 20;

/// A text to look for, made ready.
pub(crate) enum Pattern {
    Exact(Vec<char>),
    Contains(Vec<char>),
    Regex(Regex),
    Fuzzy { value: String, distance: usize },
}

impl Pattern {
    /// # Errors
    /// [`LocateError::EmptyText`] or [`LocateError::Expression`].
    pub(crate) fn new(pattern: &TextPattern) -> Result<Self, LocateError> {
        let value = pattern.value.danger_raw();
        let folded = fold(value);
        if folded.is_empty() {
            return Err(LocateError::EmptyText);
        }
        Ok(match pattern.mode {
            TextMatch::Exact => Self::Exact(folded.chars().collect()),
            TextMatch::Contains => Self::Contains(folded.chars().collect()),
            TextMatch::Regex => Self::Regex(expression(value)?),
            TextMatch::Fuzzy => {
                // One character in five is what recognition gets wrong on poor text.
                let usual = (folded.chars().count() / 5).max(1);
                let distance = pattern.distance.map_or(usual, usize::from);
                Self::Fuzzy { value: folded, distance }
            }
        })
    }

    /// Whether it is a text of several words, which may have been read in pieces.
    pub(crate) fn has_words(&self) -> bool {
        match self {
            Self::Exact(value) | Self::Contains(value) => value.contains(&' '),
            Self::Fuzzy { value, .. } => value.contains(' '),
            Self::Regex(_) => false,
        }
    }

    /// Whether it matches a name: exactly means all of it.
    pub(crate) fn is_name(&self, name: &Untrusted) -> bool {
        let name = fold(name.danger_raw());
        let chars: Vec<char> = name.chars().collect();
        match self {
            Self::Exact(value) => chars == *value,
            Self::Contains(value) => occurrences(&chars, value).next().is_some(),
            Self::Regex(expression) => expression_matches(expression, &chars).next().is_some(),
            Self::Fuzzy { value, distance } => strsim::osa_distance(&name, value) <= *distance,
        }
    }

    /// Where the pattern matches in the line, from left to right.
    pub(crate) fn hits(&self, line: &Line) -> Vec<Hit> {
        let folded = Folded::new(line);
        let found: Vec<(Range<usize>, f32)> = match self {
            Self::Exact(value) => sure(
                occurrences(&folded.chars, value)
                    .filter(|at| begins(&folded, at.start) && ends(&folded, at.end)),
            ),
            Self::Contains(value) => sure(occurrences(&folded.chars, value)),
            Self::Regex(expression) => sure(expression_matches(expression, &folded.chars)),
            Self::Fuzzy { value, distance } => similar(&folded, value, *distance),
        };
        found.into_iter().filter_map(|(at, similarity)| hit(&folded, at, similarity)).collect()
    }
}

fn hit(folded: &Folded<'_>, at: Range<usize>, similarity: f32) -> Option<Hit> {
    let rect = folded.rect(at.start, at.end)?;
    let confidence = folded.confidence(at.start, at.end) * similarity;
    let text = folded.text(at.start, at.end);
    Some(Hit {
        rect,
        at: rect.center(),
        text: Some(Untrusted::new(text)),
        confidence,
        via: Via::Text,
    })
}

fn sure(found: impl Iterator<Item = Range<usize>>) -> Vec<(Range<usize>, f32)> {
    found.map(|at| (at, 1.0)).collect()
}

/// Non-overlapping occurrences.
fn occurrences<'a>(
    text: &'a [char],
    value: &'a [char],
) -> impl Iterator<Item = Range<usize>> + use<'a> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = text.get(from..)?.windows(value.len()).position(|part| part == value)? + from;
        from = at + value.len();
        Some(at..from)
    })
}

/// A run of words begins here, not counting an opening bracket or quotation mark.
fn begins(folded: &Folded<'_>, at: usize) -> bool {
    let opening = |c: &char| "([{<\"'“‘«「『【".contains(*c);
    let marks = folded.chars[..at].iter().rev().take_while(|c| opening(c)).count();
    (0..=marks).any(|back| folded.parts(at - back))
}

/// A run of words ends here, not counting closing brackets, stops and colons.
fn ends(folded: &Folded<'_>, at: usize) -> bool {
    let closing = |c: &char| ")]}>\"'”’»」』】:;,.!?、。…".contains(*c);
    let marks = folded.chars[at..].iter().take_while(|c| closing(c)).count();
    (0..=marks).any(|on| folded.parts(at + on))
}

/// The expression, its characters folded as the screen's are. What folding changes is meant
/// literally: a full-width bracket is no group.
fn expression(value: &str) -> Result<Regex, LocateError> {
    let mut folded = String::new();
    for c in value.chars() {
        let plain = fold(c.encode_utf8(&mut [0; 4]));
        if c.is_whitespace() || plain.chars().eq([c]) {
            folded.push(c);
        } else {
            folded.push_str(&regex::escape(&plain));
        }
    }
    RegexBuilder::new(&folded)
        .size_limit(EXPRESSION_LIMIT)
        .dfa_size_limit(EXPRESSION_LIMIT)
        .build()
        .map_err(|error| LocateError::Expression(Untrusted::new(error.to_string()).escaped(300)))
}

fn expression_matches<'a>(
    expression: &'a Regex,
    chars: &'a [char],
) -> impl Iterator<Item = Range<usize>> + use<'a> {
    let text: String = chars.iter().collect();
    let found: Vec<Range<usize>> = expression.find_iter(&text).map(|found| found.range()).collect();
    found.into_iter().filter(|range| !range.is_empty()).map(move |range| {
        let before = text[..range.start].chars().count();
        before..before + text[range].chars().count()
    })
}

/// Runs of whole words at most `distance` edits away, the best of those that overlap.
fn similar(folded: &Folded<'_>, value: &str, distance: usize) -> Vec<(Range<usize>, f32)> {
    let length = value.chars().count();
    let bounds: Vec<usize> = (0..=folded.chars.len()).filter(|at| folded.parts(*at)).collect();
    let mut candidates = Vec::new();
    for (i, from) in bounds.iter().enumerate() {
        for to in &bounds[i + 1..] {
            let run = &folded.chars[*from..*to];
            if run.len() > length + distance {
                break;
            }
            if run.first() == Some(&' ') || run.last() == Some(&' ') {
                continue;
            }
            let edits = strsim::osa_distance(&run.iter().collect::<String>(), value);
            if edits <= distance && edits < length {
                candidates.push((edits, *from..*to));
            }
        }
    }
    candidates.sort_by_key(|(edits, run)| (*edits, run.start));
    let mut chosen: Vec<(Range<usize>, f32)> = Vec::new();
    for (edits, run) in candidates {
        if chosen.iter().all(|(other, _)| run.end <= other.start || other.end <= run.start) {
            chosen.push((run, 1.0 - edits as f32 / length as f32));
        }
    }
    chosen.sort_by_key(|(run, _)| run.start);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use karakuri_protocol::desktop::Word;
    use karakuri_protocol::geometry::Rect;

    /// A line whose characters are 10 pixels wide; words are parted by spaces and, as Japanese is,
    /// by `|`, which is not part of the text.
    fn line(marked: &str) -> Line {
        let mut words = Vec::new();
        let mut x = 0;
        for part in marked.split_inclusive([' ', '|']) {
            let text = part.trim_end_matches([' ', '|']);
            let width = 10 * u32::try_from(text.chars().count()).unwrap();
            let rect = Rect::new(x, 0, width, 20);
            words.push(Word { rect, text: Untrusted::new(text), confidence: 0.9 });
            x += i32::try_from(width).unwrap() + if part.ends_with(' ') { 10 } else { 0 };
        }
        let text = marked.replace('|', "");
        Line {
            rect: Rect::new(0, 0, x.unsigned_abs(), 20),
            text: text.into(),
            confidence: 0.9,
            words,
        }
    }

    fn search(mode: TextMatch, value: &str, marked: &str) -> Vec<(i32, u32)> {
        let pattern = TextPattern { value: value.into(), mode, distance: None };
        let hits = Pattern::new(&pattern).unwrap().hits(&line(marked));
        hits.iter().map(|hit| (hit.rect.left, hit.rect.width)).collect()
    }

    #[test]
    fn exact_means_whole_words() {
        let exact = |value, text| search(TextMatch::Exact, value, text);
        assert_eq!(exact("Unit price", "The Unit  price: 198,000"), [(40, 110)]);
        assert_eq!(exact("Qty", "(Qty) Qty."), [(10, 30), (60, 30)]);
        assert_eq!(exact("198", "198,000 ¥198 -198 198x"), []);
        assert_eq!(exact("unit", "Unit"), []);
    }

    #[test]
    fn exact_finds_a_piece_of_japanese_in_any_width() {
        let text = "請求番号|：|ＡＢ－００８１";
        assert_eq!(search(TextMatch::Exact, "請求番号", text), [(0, 40)]);
        assert_eq!(search(TextMatch::Exact, "AB-0081", text), [(50, 70)]);
        assert_eq!(search(TextMatch::Exact, "請求", text), []);
        assert_eq!(search(TextMatch::Contains, "番号:ＡＢ", text), [(20, 50)]);
    }

    #[test]
    fn expressions_match_parts_and_folded_characters_are_literal() {
        let find = |value, text| search(TextMatch::Regex, value, text);
        assert_eq!(find(r"\d+[.,]\d{2}", "Total 1.50 and 20,00"), [(60, 40), (150, 50)]);
        assert_eq!(find("（税込）", "98 (税込)"), [(30, 40)]);
        assert_eq!(find("x*", "abc"), []);
    }

    #[test]
    fn an_expression_that_needs_too_much_is_refused() {
        let pattern =
            TextPattern { value: r"(\w{500}){500}".into(), mode: TextMatch::Regex, distance: None };
        let error = Pattern::new(&pattern).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.starts_with("the regular expression is not usable"), "{error}");
    }

    #[test]
    fn fuzzy_takes_the_closest_words() {
        assert_eq!(search(TextMatch::Fuzzy, "Amount", "Arnount Amaunt due"), [(80, 60)]);
        let pattern =
            TextPattern { value: "Amount".into(), mode: TextMatch::Fuzzy, distance: Some(2) };
        let hits = Pattern::new(&pattern).unwrap().hits(&line("Arnount"));
        assert_eq!(hits.len(), 1);
        assert!((hits[0].confidence - 0.9 * 4.0 / 6.0).abs() < 1e-6);
    }

    #[test]
    fn an_empty_text_is_refused() {
        let pattern = TextPattern { value: " ".into(), mode: TextMatch::Contains, distance: None };
        assert!(matches!(Pattern::new(&pattern), Err(LocateError::EmptyText)));
    }
}
