//! How a script names a place on the screen.
//!
//! On the wire a target is an object (`{"find": {"text": {"value": "Amount"}}, "nth": 0}`) or one of
//! the string forms `text:"…"`, `ocr:"…"` (a synonym), `image:…` and `alias:…`. Both become a
//! [`Target`] here and nowhere else.

use std::fmt;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use crate::geometry::{Point, Rect};
use crate::role::Role;
use crate::untrusted::Untrusted;

/// The deepest nesting of targets inside targets that is accepted.
pub const MAX_DEPTH: usize = 8;

/// What to look for, and how to choose among what is found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// The thing itself.
    pub find: Find,
    /// Where it must lie relative to other things; all must hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<Relation>,
    /// Which of several matches, counted from 0 in reading order. Without it several are an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u16>,
    /// Pixels to add to the point that is acted on, `[dx, dy]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<Point>,
    /// The least confidence that counts as found, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

/// The kinds of things that can be found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Find {
    /// Text that is visible on the screen.
    Text(TextPattern),
    /// A picture from the bundle.
    Image(ImagePattern),
    /// A thing by its role and name.
    Role(RolePattern),
    /// A pixel.
    Point(Point),
    /// A rectangle.
    Region(Rect),
    /// A target defined in the workflow's `[targets]` table.
    Named(String),
    /// The first of these that is found; relations and `nth` hold for each of them.
    AnyOf(Vec<Target>),
    /// The place where all of these overlap.
    AllOf(Vec<Target>),
    /// Holds while this is not found; it has no place of its own.
    Not(Box<Target>),
}

/// How text is compared. Both sides are normalised to NFKC and runs of white space count as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextMatch {
    /// A whole line, or whole words of a line, equal to the value.
    #[default]
    Exact,
    /// Any part of a line.
    Contains,
    /// A regular expression (RE2 syntax, linear time) matching part of a line.
    Regex,
    /// At most `distance` edits (optimal string alignment) away.
    Fuzzy,
}

/// Visible text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextPattern {
    /// The text, or the regular expression.
    pub value: Untrusted,
    /// How it is compared.
    #[serde(default, rename = "match")]
    pub mode: TextMatch,
    /// For [`TextMatch::Fuzzy`]: the largest number of edits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<u8>,
}

/// A picture to look for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePattern {
    /// File name inside the bundle's `images/` directory.
    pub name: Untrusted,
    /// The least likeness that counts, 0 to 1, where 1 is the same pixels; 0.97 if left out. It is
    /// told by the part that differs most, so that one changed glyph in a large picture counts.
    /// Below 0.6 it means 0.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
    /// How far the best match must lead the second best elsewhere, 0.02 if left out. What comes
    /// closer is a match too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<f32>,
}

/// A thing by its purpose: as the accessibility tree names it where the application offers one, by
/// its looks where not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolePattern {
    /// The role.
    pub role: Role,
    /// Its name, its label, the title of a window; any if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Untrusted>,
    /// How the name is compared; exact means the whole name.
    #[serde(default, rename = "match")]
    pub mode: TextMatch,
}

/// Where a thing lies relative to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Relation {
    /// The closest to the other.
    Near(Target),
    /// To the right, on the same line.
    RightOf(Target),
    /// To the left, on the same line.
    LeftOf(Target),
    /// Higher up, in the same column.
    Above(Target),
    /// Lower down, in the same column.
    Below(Target),
    /// Within the other's rectangle.
    Inside(Target),
}

impl Relation {
    /// The other thing.
    #[must_use]
    pub fn other(&self) -> &Target {
        match self {
            Self::Near(t) | Self::RightOf(t) | Self::LeftOf(t) => t,
            Self::Above(t) | Self::Below(t) | Self::Inside(t) => t,
        }
    }
}

impl Target {
    /// A target that is just `find`.
    #[must_use]
    pub fn new(find: Find) -> Self {
        Self { find, relations: Vec::new(), nth: None, offset: None, confidence: None }
    }

    /// Parses a string form.
    ///
    /// # Errors
    /// The text says which forms there are.
    pub fn parse(form: &str) -> Result<Self, String> {
        let (kind, rest) = form.split_once(':').ok_or_else(|| unknown_form(form))?;
        let value = rest.strip_prefix('"').and_then(|r| r.strip_suffix('"')).unwrap_or(rest);
        if value.is_empty() {
            return Err(format!("target {form:?} names nothing after the colon"));
        }
        let find = match kind {
            "text" | "ocr" => Find::Text(TextPattern {
                value: Untrusted::new(value),
                mode: TextMatch::Exact,
                distance: None,
            }),
            "image" => Find::Image(ImagePattern {
                name: Untrusted::new(value),
                threshold: None,
                margin: None,
            }),
            "alias" => Find::Named(value.to_owned()),
            _ => return Err(unknown_form(form)),
        };
        Ok(Self::new(find))
    }

    /// How deep targets are nested in this one; a plain target has depth 1.
    #[must_use]
    pub fn depth(&self) -> usize {
        let inner = match &self.find {
            Find::AnyOf(targets) | Find::AllOf(targets) => {
                targets.iter().map(Target::depth).max().unwrap_or(0)
            }
            Find::Not(target) => target.depth(),
            _ => 0,
        };
        let related = self.relations.iter().map(|r| r.other().depth()).max().unwrap_or(0);
        1 + inner.max(related)
    }
}

fn unknown_form(form: &str) -> String {
    let shown = Untrusted::new(form).escaped(60);
    format!("{shown:?} is not a target: write text:\"…\", ocr:\"…\", image:… or alias:…")
}

/// The object form as it stands on the wire.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetObject {
    find: Find,
    #[serde(default)]
    relations: Vec<Relation>,
    nth: Option<u16>,
    offset: Option<Point>,
    confidence: Option<f32>,
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrObject;

        impl<'de> Visitor<'de> for StringOrObject {
            type Value = Target;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a target: an object with \"find\", or a string such as text:\"Save\"")
            }

            fn visit_str<E: de::Error>(self, form: &str) -> Result<Target, E> {
                Target::parse(form).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Target, A::Error> {
                let t = TargetObject::deserialize(MapAccessDeserializer::new(map))?;
                let target = Target {
                    find: t.find,
                    relations: t.relations,
                    nth: t.nth,
                    offset: t.offset,
                    confidence: t.confidence,
                };
                if target.depth() > MAX_DEPTH {
                    return Err(de::Error::custom(format!(
                        "targets are nested more than {MAX_DEPTH} deep"
                    )));
                }
                Ok(target)
            }
        }

        deserializer.deserialize_any(StringOrObject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_and_object_forms_mean_the_same() {
        let string: Target = serde_json::from_str(r#""text:\"Amount\"""#).unwrap();
        let synonym: Target = serde_json::from_str(r#""ocr:Amount""#).unwrap();
        let object: Target =
            serde_json::from_str(r#"{"find": {"text": {"value": "Amount"}}}"#).unwrap();
        assert_eq!(string, object);
        assert_eq!(synonym, object);
    }

    #[test]
    fn an_unknown_form_is_told_the_forms() {
        let error = serde_json::from_str::<Target>(r#""xpath://a""#).unwrap_err().to_string();
        assert!(error.contains("write text:"), "{error}");
    }

    #[test]
    fn unknown_fields_are_refused() {
        let error = serde_json::from_str::<Target>(r#"{"find": {"point": [1, 2]}, "ntn": 1}"#);
        assert!(error.unwrap_err().to_string().contains("unknown field `ntn`"));
    }

    #[test]
    fn nesting_is_bounded() {
        let mut json = r#"{"find": {"point": [1, 2]}}"#.to_owned();
        for _ in 0..MAX_DEPTH {
            json = format!(r#"{{"find": {{"not": {json}}}}}"#);
        }
        assert!(serde_json::from_str::<Target>(&json).is_err());
    }
}
