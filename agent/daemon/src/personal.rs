//! Personal data in the texts of a run: what is looked for, what is written instead, and what was there,
//! which is sealed as `pii` when the run ends. Pixels are masked by karakuri-desktop.
//!
//! Invariant: what was masked once stays as it is when it is masked again.

use std::collections::BTreeSet;

use karakuri_personal::{Finder, Found, Kind, PatternError, Settings};
use karakuri_protocol::personal::{MaskedText, object};
use karakuri_protocol::untrusted::Untrusted;
use karakuri_site::Site;
use serde_json::Value;

/// What is looked for in the runs of a site, in pixels and in texts: `[personal]` of site.toml.
///
/// # Errors
/// What of it does not fit.
pub fn settings(site: &Site) -> Result<Settings, String> {
    let table = toml::Value::Table(site.personal.clone());
    let settings: Settings = table.try_into().map_err(|e: toml::de::Error| e.to_string())?;
    Finder::new(&settings).map_err(|e| e.to_string())?;
    Ok(settings)
}

/// The detectors, and what was masked so far.
#[derive(Debug)]
pub struct Personal {
    finder: Finder,
    masked: Vec<MaskedText>,
}

impl Personal {
    /// Nothing is masked yet.
    ///
    /// # Errors
    /// When the settings make no sense.
    pub fn new(settings: &Settings) -> Result<Self, PatternError> {
        Ok(Self { finder: Finder::new(settings)?, masked: Vec::new() })
    }

    /// A text as it may be written; `place` says where.
    pub fn text(&mut self, place: &str, text: &str) -> String {
        self.mask(place, text).0
    }

    /// As [`Self::text`].
    pub fn untrusted(&mut self, place: &str, text: &Untrusted) -> Untrusted {
        Untrusted::new(self.text(place, text.danger_raw()))
    }

    /// A value as it may be written, and the kinds that were in it: in texts, numbers and names of fields.
    pub fn value(&mut self, place: &str, value: &Value) -> (Value, BTreeSet<Kind>) {
        let mut kinds = BTreeSet::new();
        let value = self.part(place, value, &mut kinds);
        (value, kinds)
    }

    fn part(&mut self, place: &str, value: &Value, kinds: &mut BTreeSet<Kind>) -> Value {
        let mut text = |text: &str| {
            let (masked, found) = self.mask(place, text);
            kinds.extend(found.iter().cloned());
            (masked, !found.is_empty())
        };
        match value {
            Value::String(plain) => Value::String(text(plain).0),
            Value::Number(number) => match text(&number.to_string()) {
                (masked, true) => Value::String(masked),
                (_, false) => value.clone(),
            },
            Value::Array(parts) => {
                parts.iter().map(|value| self.part(place, value, kinds)).collect()
            }
            Value::Object(fields) => {
                let field = |(name, value): (&String, &Value)| {
                    let (name, found) = self.mask(place, name);
                    let masked = !found.is_empty();
                    kinds.extend(found);
                    (name, masked, self.part(place, value, kinds))
                };
                Value::Object(object(fields.iter().map(field).collect()))
            }
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    /// A text in pieces: those that are personal with their kind.
    #[must_use]
    pub fn pieces(&self, text: &str) -> Vec<(Option<Kind>, String)> {
        let (_, found) = self.finder.masked(text);
        let (mut pieces, mut end) = (Vec::new(), 0);
        for Found { range, kind } in found {
            pieces.push((None, text[end..range.start].to_owned()));
            end = range.end;
            pieces.push((Some(kind), text[range].to_owned()));
        }
        pieces.push((None, text[end..].to_owned()));
        pieces.retain(|(_, piece)| !piece.is_empty());
        pieces
    }

    fn mask(&mut self, place: &str, text: &str) -> (String, Vec<Kind>) {
        let (masked, found) = self.finder.masked(text);
        let field = |Found { range, kind }: &Found| MaskedText {
            place: place.to_owned(),
            kind: kind.clone(),
            text: text[range.clone()].into(),
        };
        self.masked.extend(found.iter().map(field));
        (masked, found.into_iter().map(|found| found.kind).collect())
    }

    /// What was masked so far.
    #[must_use]
    pub fn masked(&self) -> &[MaskedText] {
        &self.masked
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_masked_in_all_its_parts_and_keeps_its_shape() {
        let mut personal = Personal::new(&Settings::default()).unwrap();
        let value = json!({
            "total": 1_200_000, "paid": true, "card": 4_111_111_111_111_111_u64,
            "rows": [["taro@example.com", null], ["Post"]],
        });
        let (masked, kinds) = personal.value("output result", &value);
        let expected = json!({
            "total": 1_200_000, "paid": true, "card": "[card]", "rows": [["[email]", null], ["Post"]],
        });
        assert_eq!(masked, expected);
        assert_eq!(kinds, BTreeSet::from([Kind::Card, Kind::Email]));
        let texts: Vec<_> = personal.masked().iter().map(|m| m.text.danger_raw()).collect();
        assert_eq!(texts, ["4111111111111111", "taro@example.com"]);
        assert_eq!(personal.value("output result", &masked), (masked, BTreeSet::new()));
    }

    #[test]
    fn no_field_is_lost_when_names_are_masked_alike() {
        let mut personal = Personal::new(&Settings::default()).unwrap();
        let value = json!({
            "taro@example.com": 1, "hanako@example.com": 2, "Name: Ada Lovelace": 3, "Name: Alan Turing": 4,
            "[email] 2": 5,
        });
        let (masked, _) = personal.value("output result", &value);
        let expected = json!({
            "[email]": 2, "[email] 3": 1, "[email] 2": 5, "Name: [name]": 3, "Name: [name] 2": 4,
        });
        assert_eq!(masked, expected);
        assert_eq!(personal.value("output result", &masked), (masked, BTreeSet::new()));
    }
}
