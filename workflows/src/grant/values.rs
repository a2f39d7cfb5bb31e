//! What a call's values must be beyond their types: declared names, ranges, paths.

use karakuri_protocol::desktop::Button;
use karakuri_protocol::script::{
    Call, ErrorKind, LaunchParams, MAX_OUTPUT_DEPTH, OutputParams, depth,
};
use karakuri_protocol::untrusted::Untrusted;
use serde_json::Value;

use super::{Denied, Grant};
use crate::inputs::InputKind;
use crate::manifest::{FilesAccess, OutputKind};
use crate::needs::{Needs, Permission};

/// The longest time a chord is held, in ms.
const MAX_HOLD_MS: u32 = 10_000;
/// The most wheel clicks in one call.
const MAX_TICKS: u8 = 100;
/// The most arguments of an application, and the longest of them in bytes.
const MAX_ARGS: (usize, usize) = (64, 4096);
/// The longest name of a step, in bytes.
const MAX_NAME: usize = 200;

/// Checks the values of `call`, whose permissions are already checked.
pub(super) fn check(grant: &Grant, row: &Needs, call: &Call) -> Result<(), Denied> {
    let wall_ms = grant.limits.wall_s.saturating_mul(1000);
    let invalid = |message: String| Err(row.deny(ErrorKind::InvalidParams, message));
    match call {
        Call::Launch(p) => launch(grant, row, p),
        Call::Output(p) => output(grant, row, p),
        Call::Attach(p) => attach(grant, row, p.path.danger_raw()),
        Call::Input(p) if !grant.inputs.contains(&p.name) => {
            Err(row.deny_name("[inputs]", &p.name, grant.inputs.iter()))
        }
        Call::Scroll(p) if !(1..=MAX_TICKS).contains(&p.ticks) => {
            invalid(format!("ticks must be from 1 to {MAX_TICKS}"))
        }
        Call::Hold(p) if p.ms > MAX_HOLD_MS => invalid(format!("ms must be at most {MAX_HOLD_MS}")),
        Call::Timeout(p) if p.ms > wall_ms => {
            invalid(format!("ms must be at most the run's own limit, {wall_ms}"))
        }
        Call::ExpectAny(p) if p.targets.is_empty() => {
            invalid("targets must not be empty".to_owned())
        }
        Call::Step(p) | Call::Once(p) if p.name.is_empty() || p.name.len() > MAX_NAME => {
            invalid(format!("name must have 1 to {MAX_NAME} bytes"))
        }
        Call::Retry(p) if p.attempt < 2 => invalid("attempt must be 2 or more".to_owned()),
        _ => pointer(row, call),
    }
}

/// Checks an act with the pointer. No person can be asked for consent in this version, and no answer
/// means no.
fn pointer(row: &Needs, call: &Call) -> Result<(), Denied> {
    let (p, own_button) = match call {
        Call::Click(p) | Call::MouseDown(p) | Call::MouseUp(p) => (p, None),
        Call::DoubleClick(p) | Call::TripleClick(p) => (p, None),
        Call::RightClick(p) => (p, Some(Button::Right)),
        Call::MiddleClick(p) => (p, Some(Button::Middle)),
        Call::Hover(p) => (p, None),
        _ => return Ok(()),
    };
    let invalid = |message: &str| Err(row.deny(ErrorKind::InvalidParams, message));
    if p.approve.is_some() {
        let message = "nobody can be asked for consent in this version, and no answer means no";
        return Err(row.deny(ErrorKind::NotApproved, message));
    }
    if p.target.is_none() && matches!(call, Call::Hover(_)) {
        return invalid("target is missing");
    }
    if p.target.is_none() && p.beside.is_some() {
        return invalid("beside needs a target");
    }
    match (own_button, p.button) {
        (Some(own), Some(asked)) if own != asked => {
            invalid("has a button of its own; use click for another")
        }
        _ => Ok(()),
    }
}

fn launch(grant: &Grant, row: &Needs, params: &LaunchParams) -> Result<(), Denied> {
    if !grant.apps.contains(&params.app) {
        return Err(Denied {
            permission: Some(Permission::Apps),
            ..row.deny_name(Permission::Apps.key(), &params.app, grant.apps.iter())
        });
    }
    let (count, length) = MAX_ARGS;
    if params.args.len() > count {
        return Err(row.deny(ErrorKind::InvalidParams, format!("at most {count} args")));
    }
    let bad = |arg: &String| arg.len() > length || arg.contains('\0');
    if params.args.iter().any(bad) {
        let message = format!("each of args must have at most {length} bytes and no NUL");
        return Err(row.deny(ErrorKind::InvalidParams, message));
    }
    if let Some(name) = params.args.iter().find_map(|arg| sandbox_switch(arg)) {
        let (name, app) = (Untrusted::new(name).escaped(64), &params.app);
        let message = format!(
            "args must not have {name:?}: an application's own sandbox is never weakened; list {app:?} \
             in permissions.nested_sandbox in workflow.toml and it works"
        );
        return Err(row.deny(ErrorKind::Denied, message));
    }
    Ok(())
}

/// The switch in `arg` that concerns an application's own sandbox, or leaves processes outside of it,
/// read as Chromium reads it (base/command_line.cc: blanks, one or two dashes, a value after `=`).
fn sandbox_switch(arg: &str) -> Option<&str> {
    /// In one process with the pages; without the process that puts the sandbox up; by a command
    /// that puts none up.
    const OTHERS: [&str; 6] = [
        "single-process",
        "no-zygote",
        "renderer-cmd-prefix",
        "utility-cmd-prefix",
        "gpu-launcher",
        "in-process-gpu",
    ];
    let arg = arg.trim();
    let switch = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'))?;
    let name = switch.split('=').next().unwrap_or_default().to_ascii_lowercase();
    (name.contains("sandbox") || OTHERS.contains(&name.as_str())).then_some(arg)
}

fn output(grant: &Grant, row: &Needs, params: &OutputParams) -> Result<(), Denied> {
    let Some(declared) = grant.outputs.get(&params.key) else {
        return Err(row.deny_name("[outputs]", &params.key, grant.outputs.keys()));
    };
    let (fits, form) = match declared.kind {
        OutputKind::Json => (true, "JSON"),
        OutputKind::String => (params.value.is_string(), "a string"),
        OutputKind::Int => (params.value.is_i64(), "a whole number"),
        OutputKind::Decimal => (is_decimal(&params.value), "a string such as \"1234.50\""),
    };
    let depth = depth(&params.value);
    let what = match (fits, depth > MAX_OUTPUT_DEPTH) {
        (true, false) => return Ok(()),
        (false, _) => format!("value must be {form}"),
        (true, true) => format!(
            "arrays and objects of value stand in each other {depth} deep, at most {MAX_OUTPUT_DEPTH} are allowed"
        ),
    };
    let message = format!("outputs.{}: {what}", params.key);
    Err(row.deny(ErrorKind::InvalidParams, message))
}

fn is_decimal(value: &Value) -> bool {
    value.as_str().is_some_and(|text| InputKind::Decimal.check(text).is_ok())
}

/// Only the text of the path is judged here; it is opened beneath its root without following links.
fn attach(grant: &Grant, row: &Needs, path: &str) -> Result<(), Denied> {
    let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| !rest.is_empty());
    let dots = path.split('/').any(|part| matches!(part, "." | ".."));
    if dots || path.contains('\0') || !(below("/files/") || below("/work/")) {
        let message = "path must be absolute, below /files or /work, without . and ..";
        return Err(row.deny(ErrorKind::InvalidParams, message));
    }
    if below("/files/") && grant.files == FilesAccess::None {
        let message = "a file in /files needs permissions.files = \"read\" in workflow.toml";
        return Err(row.deny(ErrorKind::Denied, message));
    }
    Ok(())
}
