//! What an author should know before the first run.
//!
//! The manifest, the list of files and the steps of a `steps.yaml` are judged exactly, as a run would.
//! Scripts are only scanned for literals: a name that is put together at run time is not seen, so
//! what seems unused is a warning and never an error.

use karakuri_protocol::script::{Call, METHODS};
use karakuri_protocol::target::Target;
use serde_json::{Value, json};

use crate::bundle::{self, BundleError, Entry};
use crate::grant::Grant;
use crate::manifest::{FILE_NAME, FilesAccess, Manifest, Mistake};
use crate::needs::{Permission, needs};
use crate::policy::Policy;
use crate::position::nearest;

mod mentions;
mod scan;
mod steps;

use mentions::{Mention, undeclared};
use scan::Scan;
pub use steps::{FILE_NAME as STEPS, Fault, Step, Steps};

/// A file of the workflow.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Relative to the workflow's directory.
    pub path: &'a str,
    /// In bytes.
    pub size: u64,
    /// Its content, for a script or steps; nothing for other files.
    pub text: Option<&'a str>,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The run would be refused or fail there.
    Error,
    /// Probably a mistake.
    Warning,
}

/// Something an author should know.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The file, relative to the workflow's directory.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// How much it matters.
    pub severity: Severity,
    /// A word for each kind of finding.
    pub rule: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// Judges a workflow. `manifest` is the text of its `workflow.toml`, `files` are all its files, `steps`
/// what its `steps.yaml` says if it has one.
#[must_use]
pub fn lint(manifest: &str, files: &[Source<'_>], steps: Option<&Steps>) -> Vec<Finding> {
    let entries: Vec<Entry<'_>> =
        files.iter().map(|f| Entry { path: f.path, size: f.size }).collect();
    let mut findings = Vec::new();
    if let Err(e) = bundle::check_files(&entries) {
        findings.push(in_manifest(1, Severity::Error, "bundle", e.to_string()));
    }
    let parsed = match Manifest::parse(manifest, FILE_NAME) {
        Ok(parsed) => parsed,
        Err(e) => {
            let told = |m: Mistake| {
                in_manifest(m.line, Severity::Error, "manifest", m.problem.to_string())
            };
            findings.extend(e.mistakes.into_iter().map(told));
            return findings;
        }
    };
    findings.extend(judge_manifest(&parsed, manifest, &entries));
    let scans: Vec<(&str, Scan)> =
        files.iter().filter_map(|f| Some((f.path, Scan::of(f.path, f.text?)?))).collect();
    for (path, scan) in scans.iter().filter(|(path, _)| *path != STEPS) {
        findings.extend(judge_script(&parsed, path, scan, &entries));
    }
    findings.extend(steps.map(|steps| steps::judge(&parsed, steps, &entries)).unwrap_or_default());
    if !scans.is_empty() {
        findings.extend(unused(&parsed, manifest, &scans));
    }
    findings
}

fn judge_manifest(parsed: &Manifest, text: &str, entries: &[Entry<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(e) = bundle::check_manifest(entries, parsed) {
        let (rule, key) = match &e {
            BundleError::MissingEntry(_) => ("missing-entry", "entry"),
            _ => ("missing-default", "default"),
        };
        findings.push(in_manifest(line_of(text, key), Severity::Error, rule, e.to_string()));
    }
    if let Err(refusal) = Grant::decide(parsed, &Policy::development()) {
        let line = line_of(text, refusal.key());
        findings.push(in_manifest(line, Severity::Error, "refused", refusal.to_string()));
    }
    findings
}

/// What a script names that the manifest does not.
fn judge_script(
    manifest: &Manifest,
    path: &str,
    scan: &Scan,
    entries: &[Entry<'_>],
) -> Vec<Finding> {
    let pictures: Vec<&str> = entries.iter().filter_map(|e| bundle::image_name(e.path)).collect();
    let outputs = manifest.outputs.keys().map(String::as_str).collect();
    let inputs = manifest.inputs.keys().map(String::as_str).collect();
    let apps = manifest.permissions.apps.iter().map(String::as_str).collect();
    let targets = manifest.targets.keys().map(String::as_str).collect();
    let checks: [(&str, &[Mention], &str, Vec<&str>); 5] = [
        ("undeclared-output", &scan.outputs, "[outputs]", outputs),
        ("undeclared-input", &scan.inputs, "[inputs]", inputs),
        ("undeclared-app", &scan.apps, "permissions.apps", apps),
        ("undeclared-target", &scan.aliases, "[targets]", targets),
        ("missing-image", &scan.images, "images/", pictures),
    ];
    let mut findings = Vec::new();
    for (rule, mentions, place, declared) in checks {
        let found = mentions.iter().filter_map(|m| undeclared(path, rule, place, &declared, m));
        findings.extend(found);
    }
    for (method, form) in &scan.forms {
        let refused = takes_target(method).then(|| Target::parse(&form.name).err()).flatten();
        let bad = |message| finding(path, form.line, Severity::Error, "bad-target", message);
        findings.extend(refused.map(bad));
    }
    for method in &scan.methods {
        findings.extend(judge_method(manifest, path, method));
    }
    findings
}

fn judge_method(manifest: &Manifest, path: &str, method: &Mention) -> Option<Finding> {
    let Some(call) = example(&method.name) else {
        let meant = nearest(&method.name, METHODS.iter().copied());
        let message = format!("there is no method {:?}{}", method.name, did_you_mean(meant));
        return Some(finding(path, method.line, Severity::Error, "unknown-method", message));
    };
    let missing = needs(&call).permissions.iter().find(|p| !asked(manifest, **p))?;
    let message = format!("{} needs {} in {FILE_NAME}", method.name, missing.key());
    Some(finding(path, method.line, Severity::Error, "missing-permission", message))
}

/// The programs a workflow needs and this machine lacks: a run would fail here, and perhaps not there
/// where it will be used.
#[must_use]
pub fn not_installed(
    manifest: &Manifest,
    text: &str,
    is_installed: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let interpreter = [(&manifest.interpreter, "interpreter")];
    let apps = manifest.permissions.apps.iter().map(|app| (app, "permissions.apps"));
    let missing = interpreter.into_iter().chain(apps).filter(|(name, _)| !is_installed(name));
    missing
        .map(|(name, key)| {
            let message = format!("{key}: /usr/bin/{name} is not on this machine");
            in_manifest(line_of(text, name), Severity::Warning, "not-installed", message)
        })
        .collect()
}

/// What the manifest declares and no script mentions.
fn unused(manifest: &Manifest, text: &str, scans: &[(&str, Scan)]) -> Vec<Finding> {
    let literal = |name: &str| scans.iter().any(|(_, s)| s.literals.contains(name));
    let mut findings = Vec::new();
    let mut warn = |key: &str, rule, message: String| {
        findings.push(in_manifest(line_of(text, key), Severity::Warning, rule, message));
    };
    for name in manifest.inputs.keys().filter(|n| !literal(n)) {
        warn(name, "unused-input", format!("no script asks for input {name:?}"));
    }
    for name in manifest.outputs.keys().filter(|n| !literal(n)) {
        warn(name, "unused-output", format!("no script sets output {name:?}"));
    }
    for name in manifest.permissions.apps.iter().filter(|n| !literal(n)) {
        warn(name, "unused-permission", format!("no script launches {name:?}"));
    }
    for (permission, key) in [
        (Permission::Screen, "screen"),
        (Permission::Input, "input"),
        (Permission::Clipboard, "clipboard"),
    ] {
        if asked(manifest, permission) && !scans.iter().any(|(_, s)| uses(s, permission)) {
            warn(key, "unused-permission", format!("no script needs {}", permission.key()));
        }
    }
    if manifest.permissions.files == FilesAccess::Read
        && !scans.iter().any(|(_, s)| s.mentions_files)
    {
        warn("files", "unused-permission", "no script mentions /files".to_owned());
    }
    findings
}

fn uses(scan: &Scan, permission: Permission) -> bool {
    let needs_it = |m: &Mention| {
        example(&m.name).is_some_and(|call| {
            let row = needs(&call);
            // A pointer act looks at the screen to find its target.
            row.permissions.contains(&permission)
                || (permission == Permission::Screen && row.permissions == [Permission::Input])
        })
    };
    scan.methods.iter().any(needs_it)
}

fn asked(manifest: &Manifest, permission: Permission) -> bool {
    let permissions = &manifest.permissions;
    match permission {
        Permission::Screen => permissions.screen,
        Permission::Input => permissions.input,
        Permission::Clipboard => permissions.clipboard,
        Permission::Apps => !permissions.apps.is_empty(),
        Permission::DiscloseScreen => permissions.disclose_screen,
    }
}

/// What is published of a method; none if there is no such method.
fn documented(method: &str) -> Option<Value> {
    let document: Value = serde_json::from_str(include_str!("../openrpc.json")).ok()?;
    document["methods"].as_array()?.iter().find(|m| m["name"] == method).cloned()
}

/// Whether the first parameter of a method is a target.
fn takes_target(method: &str) -> bool {
    documented(method).is_some_and(|found| found["params"][0]["name"] == "target")
}

/// The documented example of a method; none if there is no such method.
fn example(method: &str) -> Option<Call> {
    let found = documented(method)?;
    let params: serde_json::Map<String, Value> = found["examples"][0]["params"]
        .as_array()?
        .iter()
        .filter_map(|p| Some((p["name"].as_str()?.to_owned(), p["value"].clone())))
        .collect();
    serde_json::from_value(json!({ "method": method, "params": params })).ok()
}

fn did_you_mean(meant: Option<&str>) -> String {
    meant.map_or(String::new(), |word| format!("; did you mean {word:?}?"))
}

/// The first line of a manifest that has `word` as a word of its own.
fn line_of(text: &str, word: &str) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let has = |line: &str| line.split(|c| !is_part(c)).any(|part| part == word);
    text.lines().position(has).map_or(1, |index| index + 1)
}

fn in_manifest(line: usize, severity: Severity, rule: &'static str, message: String) -> Finding {
    finding(FILE_NAME, line, severity, rule, message)
}

fn finding(
    file: &str,
    line: usize,
    severity: Severity,
    rule: &'static str,
    message: String,
) -> Finding {
    Finding { file: file.to_owned(), line, severity, rule, message }
}

#[cfg(test)]
mod tests;
