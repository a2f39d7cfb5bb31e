//! Steps, judged one by one as the broker would judge the calls they become.
//!
//! They are read by `karakuri-steps`, which this library does not link; its caller hands them over.

use std::collections::BTreeSet;

use karakuri_protocol::script::{Call, Request};
use karakuri_protocol::target::{Find, Target};
use serde_json::{Map, Value, json};

use super::{Finding, Severity, did_you_mean, finding, judge_method, mentions};
use crate::bundle::{self, Entry};
use crate::grant::Grant;
use crate::manifest::Manifest;
use crate::needs::targets_mut;
use crate::policy::Policy;
use crate::position::nearest;

/// Name of the file in a bundle.
pub const FILE_NAME: &str = "steps.yaml";

/// A step as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Counted from 1.
    pub line: usize,
    /// A method of the protocol.
    pub method: String,
    /// Its parameters.
    pub params: Map<String, Value>,
    /// Whether `${name}` stands in them.
    pub is_template: bool,
    /// The names of inputs that stand in them.
    pub inputs: BTreeSet<String>,
}

/// Why a file is not a list of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and what to write.
    pub problem: String,
}

/// The steps of a workflow, or why it has none.
pub type Steps = Result<Vec<Step>, Fault>;

/// What a run would refuse.
pub(super) fn judge(manifest: &Manifest, steps: &Steps, entries: &[Entry<'_>]) -> Vec<Finding> {
    let error = |line, rule, message| finding(FILE_NAME, line, Severity::Error, rule, message);
    let steps = match steps {
        Ok(steps) => steps,
        Err(Fault { line, problem }) => return vec![error(*line, "steps", problem.clone())],
    };
    let grant = Grant::decide(manifest, &Policy::development()).ok();
    let mut findings = Vec::new();
    for step in steps {
        for name in step.inputs.iter().filter(|name| !manifest.inputs.contains_key(*name)) {
            let meant = nearest(name, manifest.inputs.keys().map(String::as_str));
            let message = format!(
                "${{{name}}} is neither saved by an earlier step nor in [inputs]{}",
                did_you_mean(meant)
            );
            findings.push(error(step.line, "undeclared-input", message));
        }
        let refused = match (call(step), &grant) {
            (Some(call), Some(grant)) if !step.is_template => grant
                .allows(&call)
                .err()
                .map(|denied| error(step.line, "refused-step", denied.to_string()))
                .or_else(|| picture(&call, entries).map(|m| error(step.line, "missing-image", m))),
            _ => judge_template(manifest, step),
        };
        findings.extend(refused);
    }
    findings
}

/// What can be said of a step whose parameters are not known yet.
fn judge_template(manifest: &Manifest, step: &Step) -> Option<Finding> {
    let mention = |name: &str| mentions::Mention { name: name.to_owned(), line: step.line };
    let (rule, parameter, place, declared): (_, _, _, Vec<&str>) = match step.method.as_str() {
        "output" => {
            let outputs = manifest.outputs.keys().map(String::as_str).collect();
            ("undeclared-output", "key", "[outputs]", outputs)
        }
        "launch" => {
            let apps = manifest.permissions.apps.iter().map(String::as_str).collect();
            ("undeclared-app", "app", "permissions.apps", apps)
        }
        method => return judge_method(manifest, FILE_NAME, &mention(method)),
    };
    let name = step.params.get(parameter)?.as_str().filter(|name| !name.contains("${"))?;
    mentions::undeclared(FILE_NAME, rule, place, &declared, &mention(name))
}

fn call(step: &Step) -> Option<Call> {
    let Step { method, params, .. } = step;
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    Request::parse(request.to_string().as_bytes()).ok().map(|request| request.call)
}

/// A picture that a target names and the bundle lacks.
fn picture(call: &Call, entries: &[Entry<'_>]) -> Option<String> {
    let there: Vec<&str> = entries.iter().filter_map(|e| bundle::image_name(e.path)).collect();
    let mut call = call.clone();
    let targets = targets_mut(&mut call);
    let missing = targets.iter().flat_map(|t| images(t)).find(|n| !there.contains(&n.as_str()))?;
    let meant = nearest(&missing, there.iter().copied());
    Some(format!("images/ has no {missing:?}{}", did_you_mean(meant)))
}

fn images(target: &Target) -> Vec<String> {
    let mut names: Vec<String> = match &target.find {
        Find::Image(pattern) => vec![pattern.name.danger_raw().to_owned()],
        Find::AnyOf(targets) | Find::AllOf(targets) => targets.iter().flat_map(images).collect(),
        Find::Not(inner) => images(inner),
        _ => Vec::new(),
    };
    names.extend(target.relations.iter().flat_map(|relation| images(relation.other())));
    names
}
