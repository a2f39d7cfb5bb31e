//! The detectors together.

use std::ops::Range;

use karakuri_protocol::geometry::Rect;
use karakuri_protocol::personal::{Kind, Settings, is_mask};
use phonenumber::country;
use regex::Regex;

use crate::detect;
use crate::fold::Folded;
use crate::label;
use crate::settings::PatternError;

/// Personal data in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The bytes of the text that it takes; whole characters.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// Personal data on a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnScreen {
    /// Which of the lines.
    pub line: usize,
    /// Where in its text.
    pub found: Found,
}

/// Finds personal data.
#[derive(Debug)]
pub struct Finder {
    kinds: Vec<Kind>,
    countries: Vec<country::Id>,
    patterns: Vec<(Kind, Regex)>,
    names: Vec<String>,
    addresses: Vec<String>,
}

impl Default for Finder {
    fn default() -> Self {
        // The default settings have no pattern and name countries that exist; a test proves it.
        Self::new(&Settings::default()).unwrap_or(Self {
            kinds: Kind::BUILT_IN.to_vec(),
            countries: Vec::new(),
            patterns: Vec::new(),
            names: Vec::new(),
            addresses: Vec::new(),
        })
    }
}

impl Finder {
    /// Prepares to find what `settings` say.
    ///
    /// # Errors
    /// See [`PatternError`].
    pub fn new(settings: &Settings) -> Result<Self, PatternError> {
        if let Some(Kind::Custom(name)) =
            settings.find.iter().find(|k| matches!(k, Kind::Custom(_)))
        {
            return Err(PatternError::NotBuiltIn(name.clone()));
        }
        let pattern = |(name, pattern): (&String, &String)| {
            let usable = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_');
            if !(1..=32).contains(&name.len()) || !name.bytes().all(usable) {
                return Err(PatternError::Name(name.escape_debug().to_string()));
            }
            let regex = Regex::new(pattern).map_err(|source| PatternError::Pattern {
                name: name.clone(),
                source: Box::new(source),
            })?;
            Ok((Kind::Custom(name.clone()), regex))
        };
        Ok(Self {
            kinds: settings.find.clone(),
            countries: countries(settings)?,
            patterns: settings.patterns.iter().map(pattern).collect::<Result<_, _>>()?,
            names: labels(label::NAMES, &settings.name_labels)?,
            addresses: labels(label::ADDRESSES, &settings.address_labels)?,
        })
    }

    /// What is personal in a text, in order, nothing twice.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Found> {
        let folded = Folded::new(text);
        let read = folded.text.as_str();
        let mut all: Vec<Found> = Vec::new();
        for kind in &self.kinds {
            let ranges = match kind {
                Kind::Email => detect::emails(read),
                Kind::Phone => detect::phones(read, &self.countries),
                Kind::Card => detect::cards(read),
                Kind::Iban => detect::ibans(read),
                Kind::MyNumber => detect::my_numbers(read),
                Kind::Name => label::values(read, |label| self.names.iter().any(|n| n == label)),
                Kind::Address => {
                    let mut found = detect::japanese_addresses(read);
                    let named = |label: &str| self.addresses.iter().any(|a| a == label);
                    found.extend(label::values(read, named));
                    found
                }
                Kind::Custom(_) => Vec::new(),
            };
            let found = |range| Found { range: folded.back(range), kind: kind.clone() };
            all.extend(ranges.into_iter().map(found));
        }
        for (kind, pattern) in &self.patterns {
            let matches = pattern.find_iter(read).filter(|found| !found.is_empty());
            let found =
                |m: regex::Match<'_>| Found { range: folded.back(m.range()), kind: kind.clone() };
            all.extend(matches.map(found));
        }
        once(text, all)
    }

    /// What is personal in the lines of a screen: in each of them, and what a label that is a line of its
    /// own stands beside or above. In the order of the lines.
    #[must_use]
    pub fn find_on_screen(&self, lines: &[(&str, Rect)]) -> Vec<OnScreen> {
        self.find_on_screen_by(lines, |text| self.find(text))
    }

    /// As [`Self::find_on_screen`], where `find` may know what [`Self::find`] found in a text before.
    #[must_use]
    pub fn find_on_screen_by(
        &self,
        lines: &[(&str, Rect)],
        mut find: impl FnMut(&str) -> Vec<Found>,
    ) -> Vec<OnScreen> {
        let boxes: Vec<Rect> = lines.iter().map(|(_, rect)| *rect).collect();
        let mut found: Vec<Vec<Found>> = lines.iter().map(|(text, _)| find(text)).collect();
        for (index, (text, _)) in lines.iter().enumerate() {
            let Some(kind) = self.label(text) else { continue };
            let Some(value) = label::beside(&boxes, index) else { continue };
            let text = lines[value].0;
            if !text.is_empty() && self.label(text).is_none() {
                found[value].push(Found { range: 0..text.len(), kind });
            }
        }
        let texts = lines.iter().map(|(text, _)| *text);
        let lines = found.into_iter().zip(texts).map(|(all, text)| once(text, all)).enumerate();
        lines
            .flat_map(|(line, all)| all.into_iter().map(move |found| OnScreen { line, found }))
            .collect()
    }

    /// `text` with every personal part replaced by its kind in brackets, and what was there. What is masked
    /// already stays as it is.
    #[must_use]
    pub fn masked(&self, text: &str) -> (String, Vec<Found>) {
        let mut found = self.find(text);
        found.retain(|Found { range, kind }| !is_mask(&text[range.clone()], kind));
        let mut masked = String::with_capacity(text.len());
        let mut end = 0;
        for Found { range, kind } in &found {
            masked.push_str(&text[end..range.start]);
            masked.push_str(&format!("[{kind}]"));
            end = range.end;
        }
        masked.push_str(&text[end..]);
        (masked, found)
    }

    /// What a text that is nothing but a label stands for.
    fn label(&self, text: &str) -> Option<Kind> {
        let label = label::label(&Folded::new(text).text);
        let of = |kind: Kind, labels: &[String]| {
            (self.kinds.contains(&kind) && labels.contains(&label)).then_some(kind)
        };
        of(Kind::Name, &self.names).or_else(|| of(Kind::Address, &self.addresses))
    }
}

/// The countries whose telephone numbers are known without their code.
pub(crate) fn countries(settings: &Settings) -> Result<Vec<country::Id>, PatternError> {
    let country = |text: &String| {
        let country = text.parse::<country::Id>();
        country.map_err(|_| PatternError::Country(text.escape_debug().to_string()))
    };
    settings.phone_countries.iter().map(country).collect()
}

/// In order; where two meet they are one, of the kind that begins first, or that is longer. What stands behind
/// a label is all that follows it: another kind in it is a value of its own, as somebody will look for it.
fn once(text: &str, mut all: Vec<Found>) -> Vec<Found> {
    all.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
    let mut kept: Vec<Found> = Vec::new();
    for found in all {
        match kept.last_mut() {
            Some(last) if is_apart(last, &found) => {
                let whole = last.range.end;
                let (kind, inner) = (last.kind.clone(), found.range.clone());
                last.range = trimmed(text, last.range.start..inner.start);
                if last.range.is_empty() {
                    kept.pop();
                }
                kept.push(found);
                let range = trimmed(text, inner.end..whole);
                if !range.is_empty() {
                    kept.push(Found { range, kind });
                }
            }
            Some(last) if found.range.start < last.range.end => {
                last.range.end = last.range.end.max(found.range.end);
            }
            _ => kept.push(found),
        }
    }
    kept
}

/// Whether a value lies wholly behind a label of another kind.
fn is_apart(labelled: &Found, found: &Found) -> bool {
    matches!(labelled.kind, Kind::Name | Kind::Address)
        && !matches!(found.kind, Kind::Name | Kind::Address)
        && found.range.start >= labelled.range.start
        && found.range.end <= labelled.range.end
        && found.range != labelled.range
}

/// Without what separates values.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let separates = |c: char| c.is_whitespace() || ",;|/()<>、，；（）".contains(c);
    let part = &text[range.clone()];
    let start = range.end - part.trim_start_matches(separates).len();
    let end = start + text[start..range.end].trim_end_matches(separates).len();
    start..end
}

fn labels(known: &[&str], more: &[String]) -> Result<Vec<String>, PatternError> {
    let own = more.iter().map(|text| {
        let label = label::label(&Folded::new(text).text);
        let usable = (1..=64).contains(&label.chars().count()) && text.trim() == text;
        if usable { Ok(label) } else { Err(PatternError::Label(text.escape_debug().to_string())) }
    });
    known.iter().map(|label| Ok((*label).to_owned())).chain(own).collect()
}
