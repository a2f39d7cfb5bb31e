//! From a list's text to filters in force. A list is only ever used whole: there is no way to
//! install one of its filters without the other.

use seccompiler::{BpfProgram, TargetArch};
use serde_json::Value;

/// A list that is not compiled yet.
#[derive(Clone, Copy, Debug)]
pub struct List {
    pub(super) json: &'static str,
    /// Names of the filters in the file, in the order of installation.
    pub(super) filters: &'static [&'static str],
}

/// Why a list is not in force.
#[derive(Debug, thiserror::Error)]
pub enum SeccompError {
    /// The list itself is wrong.
    #[error("the list of system calls does not compile: {0}")]
    List(String),
    /// The kernel refused the filter.
    #[error("the kernel refused the system call filter: {0}")]
    Install(#[from] seccompiler::Error),
}

/// A list ready to be installed.
#[derive(Debug)]
pub struct Compiled(Vec<BpfProgram>);

impl List {
    /// Compiles the list for this machine.
    ///
    /// # Errors
    /// When the list names a call this architecture does not have.
    pub fn compile(&self) -> Result<Compiled, SeccompError> {
        self.compile_for(std::env::consts::ARCH)
    }

    /// Compiles the list for `arch`, as [`std::env::consts::ARCH`] names it.
    ///
    /// # Errors
    /// When the list names a call that `arch` does not have.
    pub fn compile_for(&self, arch: &str) -> Result<Compiled, SeccompError> {
        let wrong = |e: &dyn std::fmt::Display| SeccompError::List(e.to_string());
        let target = TargetArch::try_from(arch).map_err(|e| wrong(&e))?;
        let json = self.rules_for(arch)?.to_string();
        let mut map =
            seccompiler::compile_from_json(json.as_bytes(), target).map_err(|e| wrong(&e))?;
        let programs = self.filters.iter().map(|name| {
            map.remove(*name).ok_or_else(|| SeccompError::List(format!("{name} is missing")))
        });
        Ok(Compiled(programs.collect::<Result<_, _>>()?))
    }

    /// The list as seccompiler takes it: without the rules of other architectures, and without the
    /// key that marks them.
    ///
    /// # Errors
    /// When the list is not JSON.
    pub fn rules_for(&self, arch: &str) -> Result<Value, SeccompError> {
        let mut list: Value =
            serde_json::from_str(self.json).map_err(|e| SeccompError::List(e.to_string()))?;
        let filters = list.as_object_mut().into_iter().flat_map(|filters| filters.values_mut());
        for rules in filters.filter_map(|filter| filter["filter"].as_array_mut()) {
            rules.retain(|rule| rule.get("only").is_none_or(|only| only == arch));
            for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
                rule.remove("only");
            }
        }
        Ok(list)
    }

    /// Names of the filters, in the order of installation.
    #[must_use]
    pub fn filters(&self) -> &'static [&'static str] {
        self.filters
    }
}

impl Compiled {
    /// Puts the filters in force for this thread and all it starts, for ever.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn install(&self) -> Result<(), SeccompError> {
        for program in &self.0 {
            seccompiler::apply_filter(program)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::seccomp::ALL;

    /// What libraries of newer architectures call where x86_64 has a call that takes no directory
    /// fd, no flags or no signal mask.
    const TWINS: &[(&str, &str)] = &[
        ("access", "faccessat"),
        ("alarm", "setitimer"),
        ("chmod", "fchmodat"),
        ("chown", "fchownat"),
        ("creat", "openat"),
        ("dup2", "dup3"),
        ("epoll_create", "epoll_create1"),
        ("epoll_wait", "epoll_pwait"),
        ("eventfd", "eventfd2"),
        ("fork", "clone"),
        ("futimesat", "utimensat"),
        ("getdents", "getdents64"),
        ("getpgrp", "getpgid"),
        ("inotify_init", "inotify_init1"),
        ("lchown", "fchownat"),
        ("link", "linkat"),
        ("lstat", "newfstatat"),
        ("mkdir", "mkdirat"),
        ("open", "openat"),
        ("pause", "ppoll"),
        ("pipe", "pipe2"),
        ("poll", "ppoll"),
        ("readlink", "readlinkat"),
        ("rename", "renameat"),
        ("rmdir", "unlinkat"),
        ("select", "pselect6"),
        ("signalfd", "signalfd4"),
        ("stat", "newfstatat"),
        ("symlink", "symlinkat"),
        ("time", "clock_gettime"),
        ("unlink", "unlinkat"),
        ("utime", "utimensat"),
        ("utimes", "utimensat"),
        ("vfork", "clone"),
    ];

    fn rules(list: &List, filter: &str) -> Vec<Value> {
        let json: Value = serde_json::from_str(list.json).unwrap();
        json[filter]["filter"].as_array().unwrap().clone()
    }

    fn calls(rules: &[Value]) -> BTreeSet<&str> {
        rules.iter().map(|rule| rule["syscall"].as_str().unwrap()).collect()
    }

    #[test]
    fn every_list_compiles_for_both_architectures() {
        for list in ALL {
            for arch in ["x86_64", "aarch64"] {
                let compiled = list.compile_for(arch).unwrap();
                assert_eq!(compiled.0.len(), list.filters.len(), "{:?}", list.filters);
            }
        }
    }

    #[test]
    fn a_rule_of_another_architecture_is_left_out() {
        let json = r#"{"f": {"mismatch_action": {"errno": 1}, "match_action": "allow", "filter": [
            {"syscall": "poll", "only": "x86_64"}, {"syscall": "ppoll"}]}}"#;
        let list = List { json, filters: &["f"] };
        let left = |arch| list.rules_for(arch).unwrap()["f"]["filter"].clone();
        assert_eq!(left("aarch64"), serde_json::json!([{"syscall": "ppoll"}]));
        assert_eq!(left("x86_64"), serde_json::json!([{"syscall": "poll"}, {"syscall": "ppoll"}]));
    }

    #[test]
    fn every_rule_says_why_and_stands_once() {
        for (list, filter) in ALL.iter().flat_map(|l| l.filters.iter().map(move |f| (l, *f))) {
            let mut seen = BTreeSet::new();
            for mut rule in rules(list, filter) {
                let comment = rule["comment"].as_str().unwrap_or_default();
                assert!(!comment.trim().is_empty(), "{filter}: {rule} has no reason");
                rule.as_object_mut().unwrap().remove("comment");
                for condition in rule["args"].as_array_mut().into_iter().flatten() {
                    condition.as_object_mut().unwrap().remove("comment");
                }
                assert!(seen.insert(rule.to_string()), "{filter}: {rule} stands twice");
            }
        }
    }

    /// seccompiler drops a rule without conditions as soon as the same call has one with some.
    #[test]
    fn a_call_is_allowed_as_a_whole_or_by_its_arguments() {
        for (list, filter) in ALL.iter().flat_map(|l| l.filters.iter().map(move |f| (l, *f))) {
            let mut conditions: BTreeMap<String, Vec<bool>> = BTreeMap::new();
            for rule in rules(list, filter) {
                let call = rule["syscall"].as_str().unwrap().to_owned();
                conditions.entry(call).or_default().push(rule.get("args").is_some());
            }
            for (call, kinds) in conditions {
                assert!(kinds.iter().all(|with| *with == kinds[0]), "{filter}: {call}");
            }
        }
    }

    #[test]
    fn a_call_that_only_x86_64_has_stands_beside_its_twin() {
        let twins: BTreeMap<_, _> = TWINS.iter().copied().collect();
        for (list, filter) in ALL.iter().flat_map(|l| l.filters.iter().map(move |f| (l, *f))) {
            let rules = rules(list, filter);
            for rule in rules.iter().filter(|rule| rule.get("only").is_some()) {
                let call = rule["syscall"].as_str().unwrap();
                // arch_prctl sets the thread pointer, which elsewhere needs no call.
                if call != "arch_prctl" {
                    let twin = twins[call];
                    assert!(calls(&rules).contains(twin), "{filter}: {call} without {twin}");
                }
            }
        }
    }
}
