//! The launcher: puts up every layer in the order of [`LAYERS`], then becomes the payload's parent.
//!
//! It starts as the first process of its own namespaces (the monitor's clone3), with an empty
//! environment and exactly these fds: 0 to 2 the payload's, 3 its socket or `/dev/null` where it has
//! none, 4 the sealed policy, 5 the status pipe. A layer that cannot be put up ends it with exit
//! code 126 and the layer's name; nothing is best effort.

mod account;
mod confine;
mod network;
mod payload;
mod program;
mod selftest;
mod tree;

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use crate::child::{LayerFailure, Status};
use crate::policy::{MAX_POLICY, Policy};
use crate::{memfd, sys};

/// The fd of the payload's socket.
pub const SOCKET_FD: i32 = 3;
/// The fd of the sealed policy.
pub const POLICY_FD: i32 = 4;
/// The fd of the status pipe.
pub const STATUS_FD: i32 = 5;
/// The fd of the proxy's listening socket, where the policy names one.
const PROXY_FD: i32 = 6;

/// Why a layer could not be put up.
pub(crate) type LayerError = Box<dyn std::error::Error>;

/// One layer of the sandbox.
#[derive(Debug)]
pub struct Layer {
    /// Its name, as errors show it.
    pub name: &'static str,
    /// What it keeps out.
    pub purpose: &'static str,
    /// What to do when it cannot be put up.
    pub mend: &'static str,
    put_up: fn(&Policy) -> Result<(), LayerError>,
}

/// Every layer, in the order they are put up. `sandbox/README.md` is checked against this table.
pub const LAYERS: &[Layer] = &[
    Layer {
        name: "process",
        purpose: "own session, death with the monitor, no dump, default signals",
        mend: "this is a defect of Karakuri; please report it",
        put_up: account::detach,
    },
    Layer {
        name: "network",
        purpose: "no interface; with granted hosts, loopback and the socket of the proxy",
        mend: "use a kernel with CONFIG_NET_NS and IPv4",
        put_up: network::prepare,
    },
    Layer {
        name: "mounts",
        purpose: "a new read-only root with nothing in it but what the policy names",
        mend: "allow mounting in user namespaces (no masked /proc, no AppArmor restriction), or run as root",
        put_up: tree::build,
    },
    Layer {
        name: "limits",
        purpose: "CPU time, memory, file size, open files, processes, no core dumps",
        mend: "raise the hard limits of the calling shell (ulimit -H) or lower the workflow's",
        put_up: account::limit,
    },
    Layer {
        name: "account",
        purpose: "a user of its own, no capabilities, no way to gain any",
        mend: "this is a defect of Karakuri; please report it",
        put_up: account::drop_privileges,
    },
    Layer {
        name: "landlock",
        purpose: "the kernel's second opinion on every file, port and signal",
        mend: "use a kernel with Landlock ABI 6 or later (Linux 6.12) and lsm=landlock enabled",
        put_up: confine::landlock,
    },
    Layer {
        name: "seccomp",
        purpose: "an allow-list of system calls and of their arguments",
        mend: "use a kernel with CONFIG_SECCOMP_FILTER",
        put_up: confine::seccomp,
    },
    Layer {
        name: "self-test",
        purpose: "ten questions to the kernel, from inside, whether the others hold",
        mend: "this kernel does not do what it says; please report it with its version",
        put_up: selftest::check,
    },
];

#[cfg(test)]
#[test]
fn the_readme_lists_every_layer_in_order() {
    let readme = include_str!("../../README.md");
    let rows = LAYERS.iter().map(|layer| readme.find(&format!("\n| {} |", layer.name)));
    let rows: Vec<usize> = rows.map(|row| row.unwrap()).collect();
    assert!(rows.is_sorted(), "{rows:?}");
}

/// Runs the launcher to its end and returns the exit code.
#[must_use]
pub fn run() -> u8 {
    let mut status = match sys::inherited_fd(STATUS_FD) {
        Ok(fd) => File::from(fd),
        Err(_) => return crate::child::EXIT_LAYER,
    };
    match seal() {
        // The kernel tells of the monitor's death only what happens after the last layer asked for
        // it; what happened before shows in the pipe that nobody reads.
        Ok(_) if has_no_reader(&status) => crate::child::EXIT_LAYER,
        Ok(policy) => payload::run(&policy, &mut status),
        Err(failure) => {
            report(&mut status, &Status::Refused(failure));
            crate::child::EXIT_LAYER
        }
    }
}

/// Reads the policy and puts up all layers.
fn seal() -> Result<Policy, LayerFailure> {
    let policy = read_policy().map_err(|e| LayerFailure {
        layer: "policy".to_owned(),
        reason: e.to_string(),
        mend: "start workflows with `karakuri run`, not with karakuri-sandbox".to_owned(),
    })?;
    for layer in LAYERS {
        (layer.put_up)(&policy).map_err(|e| LayerFailure {
            layer: layer.name.to_owned(),
            reason: e.to_string(),
            mend: layer.mend.to_owned(),
        })?;
    }
    Ok(policy)
}

fn read_policy() -> Result<Policy, LayerError> {
    let fd: OwnedFd = sys::inherited_fd(POLICY_FD)?;
    sys::close_from(u32::try_from(STATUS_FD + 1)?)?;
    Ok(serde_json::from_slice(&memfd::read_sealed(fd, MAX_POLICY)?)?)
}

fn has_no_reader(pipe: &File) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::new(pipe, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_err() || fds[0].revents().contains(PollFlags::ERR)
}

/// Writes the one line the monitor waits for. Nothing can be done when the monitor is gone.
pub(crate) fn report(status: &mut File, what: &Status) {
    let mut line = serde_json::to_vec(what).unwrap_or_default();
    line.push(b'\n');
    drop(status.write_all(&line));
}

/// A string for the kernel.
pub(crate) fn c_string(text: &str) -> Result<CString, LayerError> {
    CString::new(text).map_err(|_| format!("{text:?} contains a NUL byte").into())
}

/// Says in the error which path an operation was about.
pub(crate) fn at<T, E: std::fmt::Display>(
    what: &str,
    path: &std::path::Path,
    result: Result<T, E>,
) -> Result<T, LayerError> {
    result.map_err(|e| format!("{what} {}: {e}", path.display()).into())
}
