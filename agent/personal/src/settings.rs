//! Why settings cannot be used.

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
