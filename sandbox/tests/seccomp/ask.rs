//! Puts calls to a filter without letting one of them happen.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use karakuri_sandbox::seccomp::{self, List};
use seccompiler::BpfProgram;
use serde::Deserialize;
use serde_json::json;

use crate::rules::{Call, Filter};
use crate::{cases, walls};

/// The answer to a call that a rule matches; no kernel gives it.
const MATCHED: u16 = 778;
/// The answer to any other call.
const UNMATCHED: u16 = 777;
/// How the asked process ends, which cannot even exit: it reads address 0.
const SEGV: i32 = 11;

/// What the filters of all lists answered, all to the same calls.
pub(crate) static ANSWERS: LazyLock<Answers> = LazyLock::new(Answers::collect);

#[derive(Debug)]
pub(crate) struct Answers {
    calls: Vec<Call>,
    matched: BTreeMap<&'static str, BTreeMap<Call, bool>>,
}

impl Answers {
    fn collect() -> Self {
        let filters: Vec<(&List, &str, Filter)> = seccomp::ALL
            .iter()
            .flat_map(|list| list.filters().iter().map(move |name| (list, *name)))
            .map(|(list, name)| (list, name, Filter::of(list, name)))
            .collect();
        let mut calls: BTreeSet<Call> = cases::of(filters.iter().map(|(.., filter)| filter));
        calls.extend(walls::calls());
        let calls: Vec<Call> = calls.into_iter().collect();
        let matched = filters
            .iter()
            .map(|(list, name, _)| {
                let ended = Question { program: &verdicts(list, name), calls: &calls }.ask();
                assert_eq!(ended.signal, SEGV, "{name}");
                let matched = ended.answers.iter().map(|answer| match *answer {
                    MATCHED => true,
                    UNMATCHED => false,
                    other => panic!("{name} answered {other}"),
                });
                (*name, calls.iter().copied().zip(matched).collect())
            })
            .collect();
        Self { calls, matched }
    }

    pub(crate) fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Whether a rule of the filter matches, as the kernel sees it.
    pub(crate) fn matched(&self, filter: &str, call: &Call) -> bool {
        self.matched[filter][call]
    }

    /// Whether `list` with all its filters lets the call through.
    pub(crate) fn allowed(&self, list: &List, call: &Call) -> bool {
        let (allow, enosys) = list.filters().split_first().unwrap();
        self.matched(allow, call) && !enosys.iter().any(|filter| self.matched(filter, call))
    }
}

/// The filter `name` of `list` with both its actions replaced by answers.
pub(crate) fn verdicts(list: &List, name: &str) -> BpfProgram {
    let mut rules = list.rules_for(std::env::consts::ARCH).unwrap();
    rules[name]["match_action"] = json!({"errno": MATCHED});
    rules[name]["mismatch_action"] = json!({"errno": UNMATCHED});
    let arch = std::env::consts::ARCH.try_into().unwrap();
    seccomp::compile(&rules, arch).unwrap().remove(name).unwrap()
}

/// Calls for a process under `program`.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) program: &'a BpfProgram,
    pub(crate) calls: &'a [Call],
}

/// How the asked process ended, and what it was answered.
#[derive(Debug, Deserialize)]
pub(crate) struct Ended {
    pub(crate) signal: i32,
    pub(crate) answers: Vec<u16>,
}

impl Question<'_> {
    pub(crate) fn ask(&self) -> Ended {
        let calls: Vec<_> = self.calls.iter().map(|Call(number, a)| json!([number, a])).collect();
        python("ask.py", &[], &json!({"program": hex(self.program), "calls": calls}))
    }
}

/// Runs a Python program of this directory with a JSON question on stdin and one answer on stdout.
pub(crate) fn python<T: for<'de> Deserialize<'de>>(
    name: &str,
    arguments: &[&str],
    question: &serde_json::Value,
) -> T {
    let program = format!("{}/tests/seccomp/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new("/usr/bin/python3")
        .arg(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{name}: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `struct sock_filter` of linux/filter.h, one after the other.
pub(crate) fn hex(program: &BpfProgram) -> String {
    let steps = program.iter().flat_map(|step| {
        let [low, high] = step.code.to_ne_bytes();
        let [a, b, c, d] = step.k.to_ne_bytes();
        [low, high, step.jt, step.jf, a, b, c, d]
    });
    steps.map(|byte| format!("{byte:02x}")).collect()
}
