//! Names that a script mentions, and whether the manifest declares them.

use super::{Finding, Severity, did_you_mean, finding};
use crate::position::nearest;

/// A name, and the line where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) name: String,
    pub(super) line: usize,
}

/// The finding for a name that is not among those `declared` in `place`.
pub(super) fn undeclared(
    path: &str,
    rule: &'static str,
    place: &str,
    declared: &[&str],
    mention: &Mention,
) -> Option<Finding> {
    if declared.contains(&mention.name.as_str()) {
        return None;
    }
    let meant = nearest(&mention.name, declared.iter().copied());
    let message = format!("{place} has no {:?}{}", mention.name, did_you_mean(meant));
    Some(finding(path, mention.line, Severity::Error, rule, message))
}
