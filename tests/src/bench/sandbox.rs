//! How long it takes to start a program in the sandbox, beside plain exec and two other sandboxes, all
//! interleaved. Theirs have no limits on memory and processes, no Landlock, and the one by
//! bubblewrap no list of system calls.

use std::process::Command;
use std::time::Duration;

use super::error::BenchError;
use super::peers::{Call, call};
use super::table::Report;
use crate::programs;

/// Calls of each, interleaved.
const CALLS: u32 = 25;

/// What is started: the name of its rows, its words.
const STARTED: [(&str, &[&str]); 2] =
    [("true", &["/usr/bin/true"]), ("python3 -c pass", &["/usr/bin/python3", "-c", "pass"])];

/// A way to start it.
struct Way {
    name: &'static str,
    words: Vec<String>,
    wall: Vec<Duration>,
    cpu: Duration,
}

/// Measures all ways of starting all programs.
pub(super) fn start(report: &mut Report) -> Result<(), BenchError> {
    for (name, words) in STARTED {
        let mut ways = ways();
        for _ in 0..CALLS {
            for way in &mut ways {
                let Call { wall, cpu, .. } =
                    call(Command::new(&way.words[0]).args(&way.words[1..]).args(words))?;
                way.wall.push(wall);
                way.cpu += cpu;
            }
        }
        fill(report, name, &ways);
    }
    Ok(())
}

fn ways() -> Vec<Way> {
    let karakuri = programs().join("karakuri").to_string_lossy().into_owned();
    let ours = [karakuri.as_str(), "sandbox", "exec", "--"];
    let way = |name, words: &[&str]| Way {
        name,
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        wall: Vec::new(),
        cpu: Duration::ZERO,
    };
    let mut ways = vec![
        way("", &ours),
        way("env (plain exec)", &["/usr/bin/env"]),
        way(
            "bubblewrap",
            &[
                "bwrap",
                "--unshare-all",
                "--die-with-parent",
                "--ro-bind",
                "/usr",
                "/usr",
                "--symlink",
                "usr/bin",
                "/bin",
                "--symlink",
                "usr/lib",
                "/lib",
                "--symlink",
                "usr/lib64",
                "/lib64",
                "--proc",
                "/proc",
                "--dev",
                "/dev",
                "--tmpfs",
                "/tmp",
            ],
        ),
        way("firejail", &["firejail", "--quiet", "--noprofile", "--net=none", "--seccomp"]),
    ];
    if rustix::process::geteuid().is_root() {
        // A mount namespace without /sys/fs/cgroup: what joining the cgroups costs is the difference.
        let hidden = "umount -R /sys/fs/cgroup && exec \"$@\"";
        let words = [&["unshare", "--mount", "sh", "-c", hidden, "sh"], &ours[..]].concat();
        ways.push(way("itself without cgroups, by unshare", &words));
    }
    ways
}

fn fill(report: &mut Report, name: &str, ways: &[Way]) {
    let Some((ours, peers)) = ways.split_first() else { return };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    for peer in peers {
        let row = report.row(&format!("start {name}, {}", peer.name), "ms");
        for (ours, theirs) in ours.wall.iter().zip(&peer.wall) {
            row.ours(milliseconds(*ours)).peer(peer.name, milliseconds(*theirs));
        }
        // Single calls are shorter than the steps of the kernel's clock for processor time.
        let mean = |way: &Way| milliseconds(way.cpu) / f64::from(CALLS);
        report
            .row(&format!("processor of {name}, {}", peer.name), "ms")
            .ours(mean(ours))
            .peer(peer.name, mean(peer));
    }
}
