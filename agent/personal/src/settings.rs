//! What is looked for.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

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

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// A name of a pattern.
    #[error("{0:?} cannot name a pattern: use 1 to 32 of a-z, 0-9 and _")]
    Name(String),
    /// A pattern.
    #[error("pattern {name}: {source}")]
    Pattern {
        /// Its name.
        name: String,
        /// What is wrong.
        source: Box<regex::Error>,
    },
    /// A country.
    #[error(
        "{0:?} is not a country with a numbering plan: use two capital letters, for example JP"
    )]
    Country(String),
    /// A label.
    #[error(
        "{0:?} cannot be a label: give 1 to 64 characters that are not white space at the ends"
    )]
    Label(String),
    /// A custom kind among the built-in ones.
    #[error("{0:?} is not found without a pattern: name it under patterns")]
    NotBuiltIn(String),
}
