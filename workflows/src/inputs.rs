//! Declared inputs, and the values a job gives them.
//!
//! On the wire every value is a string; [`InputKind::check`] says whether it is one of its type.

use std::collections::{BTreeMap, BTreeSet};

use karakuri_protocol::job::FileInput;
use karakuri_protocol::untrusted::Untrusted;
use serde::{Deserialize, Serialize};

use crate::bundle;
use crate::position::nearest;

/// A declared input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What its value must be.
    pub kind: InputKind,
    /// Whether a job must give it.
    pub required: bool,
    /// Its value when the job gives none; for a file a path in the bundle.
    pub default: Option<String>,
    /// For people.
    pub description: String,
}

/// What an input's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// Any text of at most 64 KiB.
    String,
    /// A whole number that fits 64 bits.
    Int,
    /// Digits with at most one point, `-1234.50`.
    Decimal,
    /// `true` or `false`.
    Bool,
    /// `2026-11-21`.
    Date,
    /// A file, placed below `/files`.
    File,
}

/// The longest value, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;

impl InputKind {
    /// Whether `value` is one of this type.
    ///
    /// # Errors
    /// What such a value looks like.
    pub fn check(self, value: &str) -> Result<(), String> {
        if value.len() > MAX_VALUE {
            return Err(format!("is longer than {MAX_VALUE} bytes"));
        }
        let (fits, form) = match self {
            Self::String => (true, "text"),
            Self::Int => (value.parse::<i64>().is_ok(), "a whole number such as 42"),
            Self::Decimal => (is_decimal(value), "digits with at most one point, such as -1234.50"),
            Self::Bool => (matches!(value, "true" | "false"), "true or false"),
            Self::Date => (is_date(value), "a date such as 2026-11-21"),
            Self::File => {
                return bundle::check_path(value).map_err(|e| e.to_string());
            }
        };
        if fits { Ok(()) } else { Err(format!("must be {form}")) }
    }
}

fn is_decimal(value: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let unsigned = value.strip_prefix('-').unwrap_or(value);
    match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    }
}

fn is_date(value: &str) -> bool {
    value.len() == 10 && value.parse::<toml::value::Datetime>().is_ok_and(|d| d.time.is_none())
}

/// The value of an input in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// What `input` answers.
    pub value: String,
    /// For a file: what has to be put there before the run.
    pub file: Option<FileSource>,
}

/// Where the content of a file input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileSource {
    /// The job's files, at this index.
    Job(usize),
    /// This path in the bundle.
    Bundle(String),
}

/// Why a job's inputs do not fit the manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A name the manifest does not declare.
    #[error("unknown input {name:?}; {}", known(.nearest.as_deref()))]
    Unknown {
        /// As given.
        name: String,
        /// The declared input it was most likely meant to be.
        nearest: Option<String>,
    },
    /// A required input without a value.
    #[error("input {name:?} is required: give it with --input {name}=…")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A value that is not of the input's type.
    #[error("input {name:?}: {reason}")]
    Value {
        /// Its name.
        name: String,
        /// What its value must be.
        reason: String,
    },
    /// Two files of the same name.
    #[error("input {name:?}: another input's file is called {file:?} too; rename one of them")]
    SameFile {
        /// The second of them.
        name: String,
        /// The common file name.
        file: String,
    },
}

fn known(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "[inputs] of workflow.toml lists what there is".to_owned(),
        |name| format!("did you mean {name:?}?"),
    )
}

/// Gives each declared input the value of the job, or its default.
///
/// An optional input without either is absent from the result.
///
/// # Errors
/// See [`InputError`].
pub fn bind(
    declared: &BTreeMap<String, Input>,
    values: &BTreeMap<String, String>,
    files: &[FileInput],
) -> Result<BTreeMap<String, Bound>, InputError> {
    let given = values.keys().chain(files.iter().map(|f| &f.input));
    for name in given {
        if !declared.contains_key(name) {
            let nearest = nearest(name, declared.keys().map(String::as_str)).map(str::to_owned);
            let name = Untrusted::new(name.as_str()).escaped(64);
            return Err(InputError::Unknown { name, nearest });
        }
    }
    let mut placed = BTreeSet::new();
    let mut bound = BTreeMap::new();
    for (name, input) in declared {
        let value = match input.kind {
            InputKind::File => bind_file(name, input, values, files, &mut placed)?,
            _ => bind_value(name, input, values, files)?,
        };
        match value {
            Some(value) => drop(bound.insert(name.clone(), value)),
            None if input.required => return Err(InputError::Missing { name: name.clone() }),
            None => {}
        }
    }
    Ok(bound)
}

fn bind_value(
    name: &str,
    input: &Input,
    values: &BTreeMap<String, String>,
    files: &[FileInput],
) -> Result<Option<Bound>, InputError> {
    let refuse = |reason: String| InputError::Value { name: name.to_owned(), reason };
    if files.iter().any(|f| f.input == name) {
        return Err(refuse("is not a file input".to_owned()));
    }
    let Some(value) = values.get(name).or(input.default.as_ref()) else {
        return Ok(None);
    };
    input.kind.check(value).map_err(refuse)?;
    Ok(Some(Bound { value: value.clone(), file: None }))
}

fn bind_file(
    name: &str,
    input: &Input,
    values: &BTreeMap<String, String>,
    files: &[FileInput],
    placed: &mut BTreeSet<String>,
) -> Result<Option<Bound>, InputError> {
    let refuse = |reason: String| InputError::Value { name: name.to_owned(), reason };
    if values.contains_key(name) {
        return Err(refuse("is a file input: give the path of a file".to_owned()));
    }
    let mut given = files.iter().enumerate().filter(|(_, f)| f.input == name);
    let (file_name, source) = match (given.next(), &input.default) {
        (Some((index, file)), _) => {
            let file_name = file.file_name.danger_raw();
            bundle::check_file_name(file_name).map_err(|e| refuse(e.to_string()))?;
            (file_name, FileSource::Job(index))
        }
        (None, Some(path)) => {
            let file_name = path.rsplit('/').next().unwrap_or(path);
            (file_name, FileSource::Bundle(path.clone()))
        }
        (None, None) => return Ok(None),
    };
    if given.next().is_some() {
        return Err(refuse("is given twice".to_owned()));
    }
    if !placed.insert(file_name.to_owned()) {
        let file = Untrusted::new(file_name).escaped(64);
        return Err(InputError::SameFile { name: name.to_owned(), file });
    }
    Ok(Some(Bound { value: format!("/files/{file_name}"), file: Some(source) }))
}

#[cfg(test)]
mod tests;
