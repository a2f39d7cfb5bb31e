//! From TOML to [`Manifest`]: the checks of each value of the raw tables, none of which ends the others.

use std::collections::BTreeSet;
use std::convert::Infallible;

use karakuri_protocol::egress::Destination;
use karakuri_protocol::untrusted::Untrusted;
use toml::Spanned;

use super::names::{KEY_NAME, NameRule, PROGRAM_NAME, WORKFLOW_NAME};
use super::raw::{self, RawInput, RawManifest, RawPermissions, Reading};
use super::{
    MAX_MISTAKES, Manifest, ManifestError, Mistake, Permissions, Problem, STEPS_INTERPRETER, place,
    toml_problem,
};
use crate::bundle;
use crate::inputs::Input;
use crate::limits::{AskedLimits, CEILINGS, LimitTable};
use crate::position::Position;

/// One text being parsed.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) file: &'a str,
}

/// What is wrong so far.
struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// What is right, or nothing once the mistake is noted.
    fn keep<T>(&mut self, checked: Result<T, Mistake>) -> Option<T> {
        checked.map_err(|mistake| self.0.push(mistake)).ok()
    }

    /// The right ones of several.
    fn keep_all<T, C: FromIterator<T>>(
        &mut self,
        checked: impl IntoIterator<Item = Result<T, Mistake>>,
    ) -> C {
        checked.into_iter().filter_map(|one| self.keep(one)).collect()
    }
}

impl Parser<'_> {
    pub(super) fn manifest(&self) -> Result<Manifest, ManifestError> {
        let reading = raw::read(self.text);
        let mut mistakes = Mistakes(self.unread(&reading));
        let manifest = reading
            .raw
            .and_then(|raw| self.checked_manifest(raw, &reading.taken_out, &mut mistakes));
        let Mistakes(mut mistakes) = mistakes;
        match manifest {
            Some(manifest) if mistakes.is_empty() => Ok(manifest),
            _ => {
                mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
                mistakes.truncate(MAX_MISTAKES);
                Err(ManifestError { mistakes })
            }
        }
    }

    /// What serde refused, and the keys that are missing for no other mistake.
    fn unread(&self, reading: &Reading) -> Vec<Mistake> {
        let mut mistakes: Vec<_> = reading.refused.iter().map(|e| self.toml_error(e)).collect();
        let is_misspelt = |key: &str| {
            mistakes.iter().any(|mistake| {
                matches!(&mistake.problem, Problem::UnknownKey { nearest: Some(word), .. } if word == key)
            })
        };
        let missing = reading.missing.iter().filter(|key| !is_misspelt(key));
        let missing: Vec<_> = missing
            .map(|key| {
                let problem = Problem::Toml(format!("`{key}` is missing"));
                self.mistake(Position::at(self.text, 0), problem)
            })
            .collect();
        mistakes.extend(missing);
        mistakes
    }

    /// Checks each value; nothing if one that every manifest has is missing or wrong.
    fn checked_manifest(
        &self,
        raw: RawManifest,
        taken_out: &BTreeSet<String>,
        mistakes: &mut Mistakes,
    ) -> Option<Manifest> {
        let name = raw.name.map(|name| self.checked("name", &name, WORKFLOW_NAME));
        let name = name.and_then(|name| mistakes.keep(name));
        let version = raw.version.and_then(|version| {
            let form = "three numbers, such as 1.2.0";
            mistakes.keep(self.parsed("version", &version, semver::Version::parse, form))
        });
        let agent = raw.agent.and_then(|agent| {
            let form = "a range of versions, such as >=0.1, <0.2";
            mistakes.keep(self.parsed("agent", &agent, semver::VersionReq::parse, form))
        });
        let command = raw.entry.and_then(|entry| self.command(&entry, raw.interpreter, mistakes));
        let collect = mistakes.keep_all(raw.collect.iter().map(|path| self.collected(path)));
        let permissions = self.permissions(raw.permissions, taken_out, mistakes);
        let limits = self.limits(raw.limits, mistakes);
        let inputs = mistakes.keep_all(
            raw.inputs.into_iter().map(|(name, raw)| self.input(self.key("inputs", &name)?, raw)),
        );
        let outputs = raw.outputs.into_iter();
        let outputs = mistakes
            .keep_all(outputs.map(|(name, output)| Ok((self.key("outputs", &name)?, output))));
        let targets = raw.targets.into_iter();
        let targets = mistakes
            .keep_all(targets.map(|(name, target)| Ok((self.key("targets", &name)?, target))));
        let (entry, interpreter) = command?;
        Some(Manifest {
            name: name?,
            version: version?,
            agent: agent?,
            entry,
            interpreter,
            language: raw.language,
            recording: raw.recording,
            description: raw.description,
            collect,
            permissions,
            limits,
            inputs,
            outputs,
            targets,
        })
    }

    fn collected(&self, path: &Spanned<String>) -> Result<String, Mistake> {
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

    fn mistake(&self, position: Position, problem: Problem) -> Mistake {
        Mistake {
            file: self.file.to_owned(),
            line: position.line,
            column: position.column,
            problem,
        }
    }

    fn toml_error(&self, error: &toml::de::Error) -> Mistake {
        let offset = error.span().map_or(0, |span| span.start);
        self.mistake(Position::at(self.text, offset), toml_problem(error.message()))
    }

    fn value_error<T>(
        &self,
        key: &str,
        at: &Spanned<T>,
        value: &str,
        reason: impl Into<String>,
    ) -> Mistake {
        let problem = Problem::Value {
            key: key.to_owned(),
            value: Untrusted::new(value).escaped(60),
            reason: reason.into(),
        };
        self.mistake(place(self.text, at), problem)
    }

    fn checked(
        &self,
        key: &str,
        value: &Spanned<String>,
        rule: NameRule,
    ) -> Result<String, Mistake> {
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
    ) -> Result<T, Mistake> {
        parse(value.get_ref())
            .map_err(|_| self.value_error(key, value, value.get_ref(), format!("must be {form}")))
    }

    fn entry(&self, entry: &Spanned<String>) -> Result<String, Mistake> {
        bundle::check_path(entry.get_ref())
            .map_err(|e| self.value_error("entry", entry, entry.get_ref(), e.to_string()))?;
        Ok(entry.get_ref().clone())
    }

    /// The entry and what runs it.
    fn command(
        &self,
        entry: &Spanned<String>,
        named: Option<Spanned<String>>,
        mistakes: &mut Mistakes,
    ) -> Option<(String, String)> {
        let named = named.map(|named| self.checked("interpreter", &named, PROGRAM_NAME));
        let named = named.map(|named| mistakes.keep(named));
        let path = mistakes.keep(self.entry(entry))?;
        let interpreter = match named {
            Some(named) => named,
            None => mistakes.keep(self.default_interpreter(entry)),
        };
        Some((path, interpreter?))
    }

    fn default_interpreter(&self, entry: &Spanned<String>) -> Result<String, Mistake> {
        let path = entry.get_ref();
        match path.rsplit_once('.') {
            Some((_, "py")) => Ok("python3".to_owned()),
            _ if path == "steps.yaml" => Ok(STEPS_INTERPRETER.to_owned()),
            _ => {
                let reason = "only .py and steps.yaml have an interpreter by default; name one with interpreter = \"…\"";
                Err(self.value_error("entry", entry, path, reason))
            }
        }
    }

    fn permissions(
        &self,
        raw: RawPermissions,
        taken_out: &BTreeSet<String>,
        mistakes: &mut Mistakes,
    ) -> Permissions {
        let listed = |name: &Spanned<String>| {
            let is_listed = raw.apps.iter().any(|app| app.get_ref() == name.get_ref());
            if is_listed || taken_out.contains("permissions.apps") {
                return Ok(name.get_ref().clone());
            }
            let reason = "must be one of permissions.apps";
            Err(self.value_error("permissions.nested_sandbox", name, name.get_ref(), reason))
        };
        let app = |name| self.checked("permissions.apps", name, PROGRAM_NAME);
        let destination = |text: &Spanned<String>| {
            let parsed = text.get_ref().parse::<Destination>();
            parsed.map_err(|e| {
                self.value_error("permissions.network", text, text.get_ref(), e.to_string())
            })
        };
        Permissions {
            apps: mistakes.keep_all(raw.apps.iter().map(app)),
            nested_sandbox: mistakes.keep_all(raw.nested_sandbox.iter().map(listed)),
            screen: raw.screen,
            input: raw.input,
            clipboard: raw.clipboard,
            disclose_screen: raw.disclose_screen,
            files: raw.files,
            network: mistakes.keep_all(raw.network.iter().map(destination)),
            secrets: raw.secrets,
        }
    }

    fn limits(
        &self,
        raw: LimitTable<Option<Spanned<u64>>>,
        mistakes: &mut Mistakes,
    ) -> AskedLimits {
        let Ok(limits) = raw.try_map(|key, value| {
            let limit = value.map(|value| self.limit(key, &value));
            Ok::<_, Infallible>(limit.and_then(|limit| mistakes.keep(limit)))
        });
        limits
    }

    fn limit(&self, key: &'static str, value: &Spanned<u64>) -> Result<u32, Mistake> {
        let ceiling = CEILINGS.get(key).copied().unwrap_or_default();
        let asked = u32::try_from(*value.get_ref()).unwrap_or(u32::MAX);
        if (1..=ceiling).contains(&asked) {
            return Ok(asked);
        }
        let problem = Problem::Limit { key, value: *value.get_ref(), ceiling };
        Err(self.mistake(place(self.text, value), problem))
    }

    /// The name of an entry of a table.
    fn key(&self, table: &str, name: &Spanned<String>) -> Result<String, Mistake> {
        self.checked(table, name, KEY_NAME)
    }

    fn input(&self, name: String, raw: RawInput) -> Result<(String, Input), Mistake> {
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
        let required = raw.required.unwrap_or(default.is_none());
        let input = Input { kind: raw.kind, required, default, description: raw.description };
        Ok((name, input))
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
