//! A list and its filters in force. A list is only ever used whole: there is no way to install one of
//! its filters without the other.

use seccompiler::{BpfProgram, sock_filter};
use serde_json::Value;

use super::rules;

/// A list of system calls.
#[derive(Clone, Copy, Debug)]
pub struct List {
    pub(super) json: &'static str,
    /// Names of the filters in the file, in the order of installation.
    pub(super) filters: &'static [&'static str],
    /// What the build made of them for this machine.
    pub(super) programs: &'static [&'static [u8]],
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

impl List {
    /// Puts the filters in force for this thread and all it starts, for ever.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn install(&self) -> Result<(), SeccompError> {
        for program in self.programs {
            seccompiler::apply_filter(&decode(program))?;
        }
        Ok(())
    }

    /// The list as seccompiler takes it.
    ///
    /// # Errors
    /// When the list is not JSON.
    pub fn rules_for(&self, arch: &str) -> Result<Value, SeccompError> {
        rules::for_arch(self.json, arch).map_err(|e| SeccompError::List(e.to_string()))
    }

    /// Names of the filters, in the order of installation.
    #[must_use]
    pub fn filters(&self) -> &'static [&'static str] {
        self.filters
    }
}

/// The instructions as the build script wrote them, eight bytes each.
fn decode(program: &[u8]) -> BpfProgram {
    let instruction = |&[c0, c1, jt, jf, k0, k1, k2, k3]: &[u8; 8]| sock_filter {
        code: u16::from_le_bytes([c0, c1]),
        jt,
        jf,
        k: u32::from_le_bytes([k0, k1, k2, k3]),
    };
    program.as_chunks().0.iter().map(instruction).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use seccompiler::TargetArch;

    use super::*;
    use crate::seccomp::{ALL, compile};

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
    fn every_list_compiles_for_both_architectures_and_the_build_did_so() {
        for list in ALL {
            for arch in ["x86_64", "aarch64"] {
                let target = TargetArch::try_from(arch).unwrap();
                let compiled = compile(&list.rules_for(arch).unwrap(), target).unwrap();
                for (name, program) in list.filters.iter().zip(list.programs) {
                    let expected = &compiled[*name];
                    assert!(!expected.is_empty(), "{name}");
                    assert!(
                        arch != std::env::consts::ARCH || decode(program) == *expected,
                        "{name}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_rule_of_another_architecture_is_left_out() {
        let json = r#"{"f": {"mismatch_action": {"errno": 1}, "match_action": "allow", "filter": [
            {"syscall": "poll", "only": "x86_64"}, {"syscall": "ppoll"}]}}"#;
        let list = List { json, filters: &["f"], programs: &[] };
        let left = |arch| list.rules_for(arch).unwrap()["f"]["filter"].clone();
        assert_eq!(left("aarch64"), serde_json::json!([{"syscall": "ppoll"}]));
        assert_eq!(left("x86_64"), serde_json::json!([{"syscall": "poll"}, {"syscall": "ppoll"}]));
    }

    #[test]
    fn a_filter_that_extends_another_has_its_rules_too() {
        let json = r#"{"a": {"filter": [{"syscall": "poll", "only": "x86_64"}, {"syscall": "read"}]},
            "b": {"extends": "a", "filter": [{"syscall": "write"}]}}"#;
        let list = List { json, filters: &["a", "b"], programs: &[] };
        let rules = list.rules_for("aarch64").unwrap();
        let expected = serde_json::json!({"filter": [{"syscall": "write"}, {"syscall": "read"}]});
        assert_eq!(rules["b"], expected);
        assert_eq!(rules["a"]["filter"], serde_json::json!([{"syscall": "read"}]));
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
