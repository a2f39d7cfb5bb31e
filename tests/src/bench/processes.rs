//! Processes of a run as proc(5) shows them: found by descent, never by a name on the machine.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

/// Ticks of proc(5)'s times in a second: `USER_HZ`, part of the x86-64 and AArch64 ABI.
const TICKS: u64 = 100;

/// A living process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Process {
    pid: u32,
    /// Last component of its first argument, and its role if it was given one.
    pub(super) name: String,
}

/// Memory of a process, in KiB; `pss` is missing where this user may not read it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Memory {
    pub(super) rss: u64,
    pub(super) pss: Option<u64>,
}

/// All living processes below `root`, and itself, parents first.
pub(super) fn tree(root: u32) -> Vec<Process> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if let Some(parent) = status(&directory(pid).join("status"), "PPid:") {
            children.entry(u32::try_from(parent).unwrap_or_default()).or_default().push(pid);
        }
    }
    let mut pids = vec![root];
    let mut next = 0;
    while let Some(pid) = pids.get(next) {
        pids.extend(children.remove(pid).into_iter().flatten());
        next += 1;
    }
    pids.into_iter().filter_map(|pid| Some(Process { pid, name: name(pid)? })).collect()
}

impl Process {
    /// Processor time of its living threads.
    pub(super) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(directory(self.pid).join("task")).into_iter().flatten().flatten();
        let nanos = tasks.filter_map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    pub(super) fn memory(&self) -> Memory {
        let directory = directory(self.pid);
        Memory {
            rss: status(&directory.join("status"), "VmRSS:").unwrap_or_default(),
            pss: status(&directory.join("smaps_rollup"), "Pss:"),
        }
    }
}

/// Processor time of all descendants of this program that have ended and were waited for.
pub(super) fn ended_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // proc(5): the name in parentheses is field 2; cutime and cstime are fields 16 and 17.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(13).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

fn directory(pid: u32) -> PathBuf {
    Path::new("/proc").join(pid.to_string())
}

/// The most memory that the process of this pidfd has held, in KiB: `VmHWM` of proc(5).
pub(super) fn peak(pidfd: &OwnedFd) -> Option<u64> {
    let info = PathBuf::from(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()));
    let pid = u32::try_from(status(&info, "Pid:")?).ok()?;
    status(&directory(pid).join("status"), "VmHWM:")
}

/// The number after `key` in a file of lines `Key: number unit`.
fn status(file: &Path, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    value.split_whitespace().next()?.parse().ok()
}

/// None for a process that has ended or has no command line.
fn name(pid: u32) -> Option<String> {
    let line = fs::read(directory(pid).join("cmdline")).ok()?;
    let line = String::from_utf8_lossy(&line).into_owned();
    let mut words = line.split('\0');
    let program = Path::new(words.next()?).file_name()?.to_string_lossy().into_owned();
    let role = words.skip_while(|word| *word != "--role").nth(1);
    Some(role.map_or_else(|| program.clone(), |role| format!("{program} {role}")))
}
