//! From TOML to [`Manifest`]: the raw tables as serde sees them, then the checks of each value.

use std::collections::{BTreeMap, BTreeSet};

use karakuri_protocol::desktop::Script;
use karakuri_protocol::egress::Destination;
use karakuri_protocol::target::Target;
use karakuri_protocol::untrusted::Untrusted;
use serde::Deserialize;
use toml::Spanned;

use super::{
    FilesAccess, Manifest, ManifestError, Output, Permissions, Problem, STEPS_INTERPRETER, place,
    toml_problem,
};
use crate::bundle;
use crate::inputs::{Input, InputKind};
use crate::limits::{AskedLimits, CEILINGS, LimitTable};
use crate::position::Position;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    name: Spanned<String>,
    version: Spanned<String>,
    agent: Spanned<String>,
    entry: Spanned<String>,
    interpreter: Option<Spanned<String>>,
    #[serde(default)]
    language: Script,
    #[serde(default = "recorded")]
    recording: bool,
    #[serde(default)]
    description: String,
    #[serde(default)]
    collect: Vec<Spanned<String>>,
    #[serde(default)]
    permissions: RawPermissions,
    #[serde(default)]
    limits: LimitTable<Option<Spanned<u64>>>,
    #[serde(default)]
    inputs: BTreeMap<Spanned<String>, RawInput>,
    #[serde(default)]
    outputs: BTreeMap<Spanned<String>, Output>,
    #[serde(default)]
    targets: BTreeMap<Spanned<String>, Target>,
}

/// A run is recorded unless its workflow says otherwise.
fn recorded() -> bool {
    true
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawPermissions {
    apps: Vec<Spanned<String>>,
    nested_sandbox: Vec<Spanned<String>>,
    screen: bool,
    input: bool,
    clipboard: bool,
    disclose_screen: bool,
    files: FilesAccess,
    network: Vec<Spanned<String>>,
    secrets: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInput {
    #[serde(rename = "type")]
    kind: InputKind,
    required: Option<bool>,
    default: Option<Spanned<toml::Value>>,
    #[serde(default)]
    description: String,
}

/// One text being parsed.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) file: &'a str,
}

impl Parser<'_> {
    pub(super) fn manifest(&self) -> Result<Manifest, ManifestError> {
        let raw: RawManifest = toml::from_str(self.text).map_err(|e| self.toml_error(&e))?;
        let entry = self.entry(&raw.entry)?;
        let interpreter = self.interpreter(&entry, &raw.entry, raw.interpreter.as_ref())?;
        Ok(Manifest {
            name: self.checked("name", &raw.name, WORKFLOW_NAME)?,
            version: self.parsed(
                "version",
                &raw.version,
                semver::Version::parse,
                "three numbers, such as 1.2.0",
            )?,
            agent: self.parsed(
                "agent",
                &raw.agent,
                semver::VersionReq::parse,
                "a range of versions, such as >=0.1, <0.2",
            )?,
            entry,
            interpreter,
            language: raw.language,
            recording: raw.recording,
            description: raw.description,
            collect: raw.collect.iter().map(|p| self.collected(p)).collect::<Result<_, _>>()?,
            permissions: self.permissions(raw.permissions)?,
            limits: self.limits(raw.limits)?,
            inputs: self.keyed("inputs", raw.inputs, |name, raw| self.input(name, raw))?,
            outputs: self.keyed("outputs", raw.outputs, |_, output| Ok(output))?,
            targets: self.keyed("targets", raw.targets, |_, target| Ok(target))?,
        })
    }

    fn collected(&self, path: &Spanned<String>) -> Result<String, ManifestError> {
        let text = path.get_ref();
        let mut names = text.split('/').skip(1);
        let area = names.next().is_some_and(|area| area == "work" || area == "files");
        let plain =
            |name: &str| !matches!(name, "" | "." | "..") && !name.contains(char::is_control);
        if text.starts_with('/') && area && names.all(plain) {
            return Ok(text.clone());
        }
        Err(self.value_error(
            "collect",
            path,
            text,
            "a path below /work or /files, such as /work/out",
        ))
    }

    fn error(&self, position: Position, problem: Problem) -> ManifestError {
        ManifestError {
            file: self.file.to_owned(),
            line: position.line,
            column: position.column,
            problem,
        }
    }

    fn toml_error(&self, error: &toml::de::Error) -> ManifestError {
        let offset = error.span().map_or(0, |span| span.start);
        self.error(Position::at(self.text, offset), toml_problem(error.message()))
    }

    fn value_error<T>(
        &self,
        key: &str,
        at: &Spanned<T>,
        value: &str,
        reason: impl Into<String>,
    ) -> ManifestError {
        let problem = Problem::Value {
            key: key.to_owned(),
            value: Untrusted::new(value).escaped(60),
            reason: reason.into(),
        };
        self.error(place(self.text, at), problem)
    }

    fn checked(
        &self,
        key: &str,
        value: &Spanned<String>,
        rule: NameRule,
    ) -> Result<String, ManifestError> {
        if rule.holds(value.get_ref()) {
            return Ok(value.get_ref().clone());
        }
        Err(self.value_error(key, value, value.get_ref(), rule.text))
    }

    fn parsed<T>(
        &self,
        key: &str,
        value: &Spanned<String>,
        parse: fn(&str) -> Result<T, semver::Error>,
        form: &str,
    ) -> Result<T, ManifestError> {
        parse(value.get_ref())
            .map_err(|_| self.value_error(key, value, value.get_ref(), format!("must be {form}")))
    }

    fn entry(&self, entry: &Spanned<String>) -> Result<String, ManifestError> {
        bundle::check_path(entry.get_ref())
            .map_err(|e| self.value_error("entry", entry, entry.get_ref(), e.to_string()))?;
        Ok(entry.get_ref().clone())
    }

    fn interpreter(
        &self,
        entry: &str,
        entry_at: &Spanned<String>,
        named: Option<&Spanned<String>>,
    ) -> Result<String, ManifestError> {
        if let Some(named) = named {
            return self.checked("interpreter", named, PROGRAM_NAME);
        }
        match entry.rsplit_once('.') {
            Some((_, "py")) => Ok("python3".to_owned()),
            _ if entry == "steps.yaml" => Ok(STEPS_INTERPRETER.to_owned()),
            _ => {
                let reason = "only .py and steps.yaml have an interpreter by default; name one with interpreter = \"…\"";
                Err(self.value_error("entry", entry_at, entry, reason))
            }
        }
    }

    fn permissions(&self, raw: RawPermissions) -> Result<Permissions, ManifestError> {
        let destination = |text: &Spanned<String>| {
            let parsed = text.get_ref().parse::<Destination>();
            parsed.map_err(|e| {
                self.value_error("permissions.network", text, text.get_ref(), e.to_string())
            })
        };
        let app = |name: &Spanned<String>| self.checked("permissions.apps", name, PROGRAM_NAME);
        let apps = raw.apps.iter().map(app).collect::<Result<BTreeSet<_>, _>>()?;
        let nested = |name: &Spanned<String>| {
            let reason = "must be one of permissions.apps";
            apps.get(name.get_ref()).cloned().ok_or_else(|| {
                self.value_error("permissions.nested_sandbox", name, name.get_ref(), reason)
            })
        };
        Ok(Permissions {
            nested_sandbox: raw.nested_sandbox.iter().map(nested).collect::<Result<_, _>>()?,
            apps,
            screen: raw.screen,
            input: raw.input,
            clipboard: raw.clipboard,
            disclose_screen: raw.disclose_screen,
            files: raw.files,
            network: raw.network.iter().map(destination).collect::<Result<_, _>>()?,
            secrets: raw.secrets,
        })
    }

    fn limits(&self, raw: LimitTable<Option<Spanned<u64>>>) -> Result<AskedLimits, ManifestError> {
        raw.try_map(|key, value| {
            let Some(value) = value else { return Ok(None) };
            let ceiling = CEILINGS.get(key).copied().unwrap_or_default();
            let asked = u32::try_from(*value.get_ref()).unwrap_or(u32::MAX);
            if (1..=ceiling).contains(&asked) {
                return Ok(Some(asked));
            }
            let problem = Problem::Limit { key, value: *value.get_ref(), ceiling };
            Err(self.error(place(self.text, &value), problem))
        })
    }

    /// Checks the names of a table's entries and turns each content into its type.
    fn keyed<R, T>(
        &self,
        table: &str,
        raw: BTreeMap<Spanned<String>, R>,
        mut content: impl FnMut(&str, R) -> Result<T, ManifestError>,
    ) -> Result<BTreeMap<String, T>, ManifestError> {
        raw.into_iter()
            .map(|(name, value)| {
                let key = self.checked(table, &name, KEY_NAME)?;
                let value = content(&key, value)?;
                Ok((key, value))
            })
            .collect()
    }

    fn input(&self, name: &str, raw: RawInput) -> Result<Input, ManifestError> {
        let key = format!("inputs.{name}.default");
        let default = raw.default.map(|value| {
            let refuse =
                |shown: &str, reason: String| self.value_error(&key, &value, shown, reason);
            let text = scalar(value.get_ref())
                .ok_or_else(|| refuse(&value.get_ref().to_string(), NOT_SCALAR.to_owned()))?;
            raw.kind.check(&text).map_err(|reason| refuse(&text, reason))?;
            if raw.required == Some(true) {
                let reason = "a required input has no default; drop one of the two".to_owned();
                return Err(refuse(&text, reason));
            }
            Ok(text)
        });
        let default = default.transpose()?;
        Ok(Input {
            kind: raw.kind,
            required: raw.required.unwrap_or(default.is_none()),
            default,
            description: raw.description,
        })
    }
}

const NOT_SCALAR: &str = "must be a string, a number or true/false";

/// A default as the text a job would give.
fn scalar(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Datetime(date) => Some(date.to_string()),
        toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}

/// Which characters a name may have.
#[derive(Clone, Copy)]
struct NameRule {
    first: fn(char) -> bool,
    rest: fn(char) -> bool,
    text: &'static str,
}

impl NameRule {
    fn holds(self, name: &str) -> bool {
        name.len() <= 64
            && name.starts_with(self.first)
            && name.chars().all(|c| (self.first)(c) || (self.rest)(c))
    }
}

const WORKFLOW_NAME: NameRule = NameRule {
    first: |c| c.is_ascii_lowercase(),
    rest: |c| c.is_ascii_digit() || c == '-',
    text: "must be lower-case letters, digits and `-`, start with a letter, at most 64 characters",
};
const KEY_NAME: NameRule = NameRule {
    first: |c| c.is_ascii_lowercase(),
    rest: |c| c.is_ascii_digit() || matches!(c, '_' | '.'),
    text: "must be lower-case letters, digits, `_` and `.`, start with a letter, at most 64 characters",
};
const PROGRAM_NAME: NameRule = NameRule {
    first: |c| c.is_ascii_alphanumeric(),
    rest: |c| matches!(c, '-' | '_' | '.' | '+'),
    text: "must be the name of a program in /usr/bin, without a directory or arguments",
};
