//! What a list says, read from its JSON independently of seccompiler's code generation.

use karakuri_sandbox::seccomp::List;
use serde::Deserialize;
use serde_json::json;

/// A call: its number and its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call(pub(crate) i64, pub(crate) [u64; 6]);

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Filter {
    #[serde(rename = "filter")]
    pub(crate) rules: Vec<Rule>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Rule {
    pub(crate) syscall: String,
    #[serde(rename = "args", default)]
    pub(crate) conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Condition {
    pub(crate) index: usize,
    #[serde(rename = "type")]
    width: Width,
    op: Op,
    #[serde(rename = "val")]
    pub(crate) value: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Width {
    Dword,
    Qword,
}

/// The comparisons the lists use; another one must be added here before a list can use it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Op {
    Eq,
    MaskedEq(u64),
}

impl Condition {
    /// The bits of the argument that are looked at.
    pub(crate) fn mask(&self) -> u64 {
        let width = match self.width {
            Width::Dword => u64::from(u32::MAX),
            Width::Qword => u64::MAX,
        };
        match self.op {
            Op::Eq => width,
            Op::MaskedEq(mask) => width & mask,
        }
    }

    fn holds(&self, arguments: &[u64; 6]) -> bool {
        arguments[self.index] & self.mask() == self.value & self.mask()
    }
}

impl Filter {
    /// The filter `name` of `list`, for this machine.
    pub(crate) fn of(list: &List, name: &str) -> Self {
        let rules = list.rules_for(std::env::consts::ARCH).unwrap();
        serde_json::from_value(rules[name].clone()).unwrap()
    }

    /// Whether one of the rules matches.
    pub(crate) fn matches(&self, call: &Call) -> bool {
        let Call(number, arguments) = call;
        self.rules.iter().any(|rule| {
            number_of(&rule.syscall) == Some(*number)
                && rule.conditions.iter().all(|condition| condition.holds(arguments))
        })
    }
}

/// The number of a call on this machine, read out of a filter that knows this one call.
pub(crate) fn number_of(call: &str) -> Option<i64> {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex};
    static KNOWN: LazyLock<Mutex<HashMap<String, Option<i64>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap();
    *known.entry(call.to_owned()).or_insert_with(|| compiled_number(call))
}

fn compiled_number(call: &str) -> Option<i64> {
    // The kernel's `struct seccomp_data`: the number is its first field.
    const LOAD_NUMBER: (u16, u32) = (0x20, 0);
    const JUMP_IF_EQUAL: u16 = 0x15;
    let only = json!({"only": {
        "mismatch_action": {"errno": 1}, "match_action": "allow", "filter": [{"syscall": call}],
    }});
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let map = seccompiler::compile_from_json(only.to_string().as_bytes(), arch).ok()?;
    let program = &map["only"];
    let load = program.iter().position(|step| (step.code, step.k) == LOAD_NUMBER).unwrap();
    let compare = program[load..].iter().find(|step| step.code == JUMP_IF_EQUAL).unwrap();
    Some(i64::from(compare.k))
}

#[test]
fn the_numbers_are_those_of_the_kernel_headers() {
    for (call, number) in [
        ("add_key", libc::SYS_add_key),
        ("bpf", libc::SYS_bpf),
        ("clone", libc::SYS_clone),
        ("execve", libc::SYS_execve),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("ioctl", libc::SYS_ioctl),
        ("mount", libc::SYS_mount),
        ("openat", libc::SYS_openat),
        ("prctl", libc::SYS_prctl),
        ("ptrace", libc::SYS_ptrace),
        ("setns", libc::SYS_setns),
        ("socket", libc::SYS_socket),
        ("userfaultfd", libc::SYS_userfaultfd),
    ] {
        assert_eq!(number_of(call), Some(number), "{call}");
    }
}
