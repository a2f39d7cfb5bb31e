//! Personal data that is masked: what is looked for, and what is told of what was masked. The detectors
//! are those of `karakuri-personal`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

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

/// What was masked in a picture, as it is sealed beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureFields {
    /// [`FIELDS_VERSION`].
    pub version: u16,
    /// Id of the picture's artifact.
    pub picture: String,
    /// In the order of the lines on the screen.
    pub fields: Vec<MaskedField>,
}

/// A part of a text of the run that was masked.
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

/// What was masked in the texts of a run, as it is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFields {
    /// [`FIELDS_VERSION`].
    pub version: u16,
    /// In the order in which they were masked.
    pub fields: Vec<MaskedText>,
}

/// Version of [`PictureFields`] and [`TextFields`].
pub const FIELDS_VERSION: u16 = 1;
/// The artifact with the [`PictureFields`] of a picture is called as the picture's with this behind it.
pub const PERSONAL: &str = "-personal";
