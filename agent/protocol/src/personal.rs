//! Personal data that is masked: what is looked for, and what is told of what was masked. The detectors
//! are those of `karakuri-personal`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::ZeroizeOnDrop;

use crate::desktop::Script;
use crate::geometry::Rect;
use crate::untrusted::Untrusted;

/// A kind of personal data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A telephone number that exists in the numbering plan of its country.
    Phone,
    /// The number of a payment card (ISO/IEC 7812, Luhn's check digit).
    Card,
    /// An international bank account number (ISO 13616).
    Iban,
    /// An Individual Number of Japan (My Number), by its check digit.
    MyNumber,
    /// A person's name, by its label.
    Name,
    /// A postal address, by its label or a Japanese postal code.
    Address,
    /// What a pattern of the site matches; its name.
    Custom(String),
}

impl Kind {
    /// The kinds that need no pattern.
    pub const BUILT_IN: [Self; 7] = [
        Self::Email,
        Self::Phone,
        Self::Card,
        Self::Iban,
        Self::MyNumber,
        Self::Name,
        Self::Address,
    ];

    /// The name, as settings and masks have it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::MyNumber => "my_number",
            Self::Name => "name",
            Self::Address => "address",
            Self::Custom(name) => name,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is looked for, as site.toml has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Kinds of [`Kind::BUILT_IN`].
    pub find: Vec<Kind>,
    /// Countries (ISO 3166-1 alpha-2) whose telephone numbers are known without their country code.
    pub phone_countries: Vec<String>,
    /// More labels of names, for example `"Employee"`.
    pub name_labels: Vec<String>,
    /// More labels of addresses.
    pub address_labels: Vec<String>,
    /// Regular expressions by name.
    pub patterns: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            find: Kind::BUILT_IN.to_vec(),
            phone_countries: vec!["JP".to_owned(), "US".to_owned(), "GB".to_owned()],
            name_labels: Vec::new(),
            address_labels: Vec::new(),
            patterns: BTreeMap::new(),
        }
    }
}

/// How karakuri-desktop masks what leaves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masking {
    /// What is looked for.
    pub settings: Settings,
    /// How the screen is read for it.
    pub script: Script,
}

/// A place of a picture that was masked, with what is under the mask: to be sealed as `pii` and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskedField {
    /// What it is.
    pub kind: Kind,
    /// The text, as it was read.
    pub text: Untrusted,
    /// The mask, in pixels of the picture.
    pub rect: Rect,
    /// What is under it: lossless WebP as base64.
    pub webp: String,
}

/// A part of a text of the run that was masked: to be sealed as `pii` and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskedText {
    /// Where the text stands: `log`, `output total`.
    pub place: String,
    /// What it is.
    pub kind: Kind,
    /// The text.
    pub text: Untrusted,
}

/// A JSON document that is sealed in the class `pii`. What is personal in one is encrypted once more, under
/// the key of the person's value in that run: without the one small artifact with that key nothing opens
/// it, and all the rest of the document stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "document", rename_all = "snake_case")]
pub enum Document {
    /// The key of one value.
    Key(ValueKey),
    /// What was masked in a picture.
    Picture(PictureFields),
    /// What was masked in texts.
    Texts(TextFields),
    /// An output as it was before it was masked.
    Output(OutputFields),
    /// Which values the run has, and where.
    Index(Index),
}

/// The key of one personal value in one run. What the value is stands nowhere in it. Wiped when dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct ValueKey {
    /// [`FIELDS_VERSION`].
    pub version: u16,
    /// Token of the value, as the index has it.
    pub token: String,
    /// 32 bytes as base64.
    pub key: String,
}

/// A personal text, encrypted under the key of its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// What it is.
    pub kind: Kind,
    /// Id of the artifact with the [`ValueKey`].
    pub key: String,
    /// As base64: 12 bytes of nonce, AES-256-GCM, 16 bytes of tag. Of a picture's field JSON of
    /// [`UnderMask`], else the text.
    pub sealed: String,
}

/// What is under a mask of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnderMask {
    /// The text, as it was read.
    pub text: Untrusted,
    /// The pixels: lossless WebP as base64.
    pub webp: String,
}

/// What was masked in a picture, as it is sealed beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureFields {
    /// [`FIELDS_VERSION`].
    pub version: u16,
    /// Id of the picture's artifact.
    pub picture: String,
    /// The masks, in pixels of the picture, in the order of the lines on the screen.
    pub fields: Vec<(Rect, Field)>,
}

/// What was masked in the texts of a run, as it is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFields {
    /// [`FIELDS_VERSION`].
    pub version: u16,
    /// Where the text stood (`log`, `output total`), in the order in which they were masked.
    pub fields: Vec<(String, Field)>,
}

/// An output as it was before it was masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputFields {
    /// [`FIELDS_VERSION`].
    pub version: u16,
    /// Id of the masked output's artifact.
    pub output: String,
    /// Its value.
    pub value: Part,
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Nothing personal was found in it.
    Plain(Value),
    /// A string.
    Text(Vec<Piece>),
    /// A number.
    Number(Vec<Piece>),
    /// An array.
    Array(Vec<Part>),
    /// Names and values of an object.
    Object(Vec<(Vec<Piece>, Part)>),
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// Nothing personal.
    Plain(String),
    /// A personal value.
    Field(Field),
}

/// The blind index of a run: what is personal in it, by tokens that only the holder of the key of its class
/// `pii` can make from a value. (HMAC-SHA-256 of the value's normal form.)
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// [`FIELDS_VERSION`].
    pub version: u16,
    /// In the order in which the values were first met.
    pub values: Vec<Indexed>,
}

/// A value in an [`Index`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Indexed {
    /// 64 hexadecimal digits.
    pub token: String,
    /// Id of the artifact with its [`ValueKey`]; none when it is only in outputs that are sealed whole.
    pub key: Option<String>,
    /// Where it stands.
    pub places: Vec<Place>,
}

/// Where a personal value stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// `picture`, `log`, `output total`: as [`TextFields`] has it.
    pub place: String,
    /// The kind it was found as; none of a part of an output that is sealed whole.
    pub kind: Option<Kind>,
    /// Id of the picture, or of the output that is sealed whole.
    pub artifact: Option<String>,
}

/// Version of all [`Document`]s.
pub const FIELDS_VERSION: u16 = 2;
/// The artifact with the fields of another is called as that one's with this behind it.
pub const PERSONAL: &str = "-personal";
/// Name of the artifact with the [`Index`].
pub const INDEX: &str = "values";
/// Name of the artifacts with a [`ValueKey`].
pub const VALUE_KEY: &str = "value-key";

/// An object of fields with their names as they may be shown, and whether something is masked in the name. No
/// field gets lost: a name without a mask stays as it is, and of the others those that are alike are counted,
/// in the order given: `[email]`, `[email] 2`, `[email] 3`.
#[must_use]
pub fn object(fields: Vec<(String, bool, Value)>) -> Map<String, Value> {
    let as_is = fields.iter().filter(|(_, masked, _)| !masked);
    let mut taken: BTreeSet<String> = as_is.map(|(name, ..)| name.clone()).collect();
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    let mut object = Map::new();
    for (mut name, masked, value) in fields {
        let alike = name.clone();
        while masked && !taken.insert(name.clone()) {
            let count = counted.entry(alike.clone()).or_insert(1);
            *count += 1;
            name = format!("{alike} {count}");
        }
        object.insert(name, value);
    }
    object
}

/// Whether a text is what stands in the place of a value of the kind, also as [`object`] counts it.
#[must_use]
pub fn is_mask(text: &str, kind: &Kind) -> bool {
    let count = text.strip_prefix(&format!("[{kind}]"));
    count.is_some_and(|count| {
        count.is_empty() || count.strip_prefix(' ').is_some_and(|n| n.parse::<usize>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::script::MAX_OUTPUT_DEPTH;

    #[test]
    fn names_that_are_alike_are_counted_around_those_that_were_so_before() {
        let field = |(value, (name, masked)): (usize, (&str, bool))| {
            (name.to_owned(), masked, json!(value))
        };
        let names = [
            ("[email]", true),
            ("[email]", true),
            ("[email] 2", false),
            ("[email]", true),
            ("[card]", false),
            ("[card]", true),
            ("total", false),
        ];
        let expected = json!({
            "[email]": 0, "[email] 3": 1, "[email] 2": 2, "[email] 4": 3, "[card]": 4, "[card] 2": 5,
            "total": 6,
        });
        assert_eq!(
            Value::Object(object(names.into_iter().enumerate().map(field).collect())),
            expected
        );
    }

    #[test]
    fn the_deepest_output_can_be_read_again() {
        let piece = || {
            let sealed = String::new();
            Piece::Field(Field { kind: Kind::Email, key: "0001-pii".to_owned(), sealed })
        };
        let value = (0..MAX_OUTPUT_DEPTH)
            .fold(Part::Text(vec![piece()]), |part, _| Part::Object(vec![(vec![piece()], part)]));
        let output = "0002-output".to_owned();
        let document = Document::Output(OutputFields { version: FIELDS_VERSION, output, value });
        let json = serde_json::to_vec(&document).unwrap();
        assert_eq!(serde_json::from_slice::<Document>(&json).unwrap(), document);
    }
}
