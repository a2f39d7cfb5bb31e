//! The tables of a manifest as serde sees them, before the checks of each value.
//!
//! serde ends at the first key or value that does not fit. What it refuses is told, taken out of the
//! table, and the rest is read again, so that an author learns of every such mistake at once.

use std::collections::{BTreeMap, BTreeSet};

use karakuri_protocol::desktop::Script;
use karakuri_protocol::target::Target;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::{FilesAccess, MAX_MISTAKES, Output};
use crate::inputs::InputKind;
use crate::limits::LimitTable;

/// Keys that every manifest has.
const REQUIRED: [&str; 4] = ["name", "version", "agent", "entry"];

/// A whole manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawManifest {
    pub(super) name: Option<Spanned<String>>,
    pub(super) version: Option<Spanned<String>>,
    pub(super) agent: Option<Spanned<String>>,
    pub(super) entry: Option<Spanned<String>>,
    pub(super) interpreter: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) language: Script,
    #[serde(default = "recorded")]
    pub(super) recording: bool,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) collect: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) permissions: RawPermissions,
    #[serde(default)]
    pub(super) limits: LimitTable<Option<Spanned<u64>>>,
    #[serde(default)]
    pub(super) inputs: BTreeMap<Spanned<String>, RawInput>,
    #[serde(default)]
    pub(super) outputs: BTreeMap<Spanned<String>, Output>,
    #[serde(default)]
    pub(super) targets: BTreeMap<Spanned<String>, Target>,
}

/// A run is recorded unless its workflow says otherwise.
fn recorded() -> bool {
    true
}

/// `[permissions]`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawPermissions {
    pub(super) apps: Vec<Spanned<String>>,
    pub(super) nested_sandbox: Vec<Spanned<String>>,
    pub(super) screen: bool,
    pub(super) input: bool,
    pub(super) clipboard: bool,
    pub(super) disclose_screen: bool,
    pub(super) files: FilesAccess,
    pub(super) network: Vec<Spanned<String>>,
    pub(super) secrets: BTreeSet<String>,
}

/// An entry of `[inputs]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInput {
    #[serde(rename = "type")]
    pub(super) kind: InputKind,
    pub(super) required: Option<bool>,
    pub(super) default: Option<Spanned<toml::Value>>,
    #[serde(default)]
    pub(super) description: String,
}

/// What can be read of a text, and what cannot.
pub(super) struct Reading {
    /// The manifest without what was refused; none where nothing can be read of it.
    pub(super) raw: Option<RawManifest>,
    /// What serde says, in the order in which it came upon it.
    pub(super) refused: Vec<Error>,
    /// The dotted names of what was taken out.
    pub(super) taken_out: BTreeSet<String>,
    /// Required keys that are not there.
    pub(super) missing: Vec<&'static str>,
}

/// Reads a manifest's text. A text that is no TOML is refused at its first mistake, for what comes
/// after that would be guessed.
pub(super) fn read(text: &str) -> Reading {
    let mut reading =
        Reading { raw: None, refused: Vec::new(), taken_out: BTreeSet::new(), missing: Vec::new() };
    let mut table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(e) => {
            reading.refused.push(e);
            return reading;
        }
    };
    reading.missing.extend(REQUIRED.iter().filter(|key| !table.get_ref().contains_key(**key)));
    while reading.refused.len() < MAX_MISTAKES {
        let error = match RawManifest::deserialize(Deserializer::from(table.clone())) {
            Ok(raw) => {
                reading.raw = Some(raw);
                break;
            }
            Err(e) => e,
        };
        let at = error.span().map(|span| span.start);
        reading.refused.push(error);
        let Some(name) = at.and_then(|at| take_out(table.get_mut(), at)) else { break };
        reading.taken_out.insert(name);
    }
    reading
}

/// Takes out the entry that stands at byte `at` of the text: a key of the manifest, or of one of its
/// tables; its dotted name. What is below that goes with it, for `type` is not missing in an input
/// where it is misspelt.
fn take_out(table: &mut DeTable<'_>, at: usize) -> Option<String> {
    for (key, value) in table.iter_mut() {
        if let DeValue::Table(inner) = value.get_mut()
            && let Some(name) = take_from(inner, at)
        {
            return Some(format!("{}.{name}", key.get_ref()));
        }
    }
    take_from(table, at)
}

fn take_from(table: &mut DeTable<'_>, at: usize) -> Option<String> {
    let (key, _) = table.iter().find(|(key, value)| key.span().contains(&at) || has(value, at))?;
    let name = key.get_ref().to_string();
    table.remove(name.as_str());
    Some(name)
}

/// Whether byte `at` is part of a value. The span of a table with a header is that of the header.
fn has(value: &Spanned<DeValue<'_>>, at: usize) -> bool {
    value.span().contains(&at)
        || match value.get_ref() {
            DeValue::Table(table) => {
                table.iter().any(|(key, value)| key.span().contains(&at) || has(value, at))
            }
            DeValue::Array(values) => values.iter().any(|value| has(value, at)),
            _ => false,
        }
}
