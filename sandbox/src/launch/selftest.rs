//! The last layer: asks the kernel whether the others hold, from inside, before anything is started.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsRawFd;

use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::Resource;

use super::account::NO_CORE;
use super::{LayerError, PROXY_FD, SOCKET_FD, STATUS_FD};
use crate::policy::Policy;
use crate::sys;

/// A point of the test; the error says what was found instead.
type Point = (&'static str, fn(&Policy) -> Result<(), LayerError>);

/// All points.
const POINTS: [Point; 10] = [
    ("no new privileges", |_| status("NoNewPrivs", "1")),
    ("no capabilities", |_| {
        ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
            .iter()
            .try_for_each(|set| status(set, "0000000000000000"))
    }),
    ("account", own_account),
    ("system call filters", |_| status("Seccomp", "2")),
    ("a forbidden system call", |_| refused(sys::unshare(true), Errno::PERM)),
    ("other processes", |_| expect("processes", &numbers("/proc")?.0, &BTreeSet::from([1]))),
    ("other descriptors", descriptors),
    ("limits", |_| {
        let core = rustix::process::getrlimit(Resource::Core);
        expect("core file size", &core.maximum, &Some(NO_CORE))
    }),
    ("the machine's files", |policy| {
        refused(rustix::fs::stat(&policy.stage).map_err(Into::into), Errno::NOENT)?;
        create("/karakuri-self-test", Errno::ROFS)
    }),
    ("landlock", |_| {
        // The mount would allow it: only Landlock has no rule for the root directory itself.
        let root = rustix::fs::open("/", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty());
        refused(root.map_err(Into::into), Errno::ACCESS)
    }),
];

/// Layer `self-test`.
pub(super) fn check(policy: &Policy) -> Result<(), LayerError> {
    for (name, holds) in POINTS {
        holds(policy).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}

fn own_account(policy: &Policy) -> Result<(), LayerError> {
    let Some(account) = policy.account else { return Ok(()) };
    let four = |id: u32| [id; 4].map(|id| id.to_string()).join("\t");
    status("Uid", &four(account.uid))?;
    status("Gid", &four(account.gid))?;
    status("Groups", "")
}

/// A field of /proc/self/status, see proc_pid_status(5).
fn status(field: &str, wanted: &str) -> Result<(), LayerError> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    expect(field, &line.map(str::trim), &Some(wanted))
}

/// Only standard input and output, the payload's socket, the status pipe and, where there is one,
/// the proxy's socket are open.
fn descriptors(policy: &Policy) -> Result<(), LayerError> {
    let (mut open, listing) = numbers("/proc/self/fd")?;
    open.remove(&listing);
    let mut wanted = BTreeSet::from([0, 1, 2, SOCKET_FD, STATUS_FD]);
    wanted.extend(policy.proxy.map(|_| PROXY_FD));
    expect("descriptors", &open, &wanted)
}

/// The entries of a directory that are numbers, and the descriptor used to list it.
fn numbers(directory: &str) -> Result<(BTreeSet<i32>, i32), LayerError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(directory, flags, Mode::empty())?;
    let listing = fd.as_raw_fd();
    let mut found = BTreeSet::new();
    for entry in Dir::new(fd)? {
        found.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok((found, listing))
}

fn create(path: &str, errno: Errno) -> Result<(), LayerError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    refused(rustix::fs::open(path, flags, Mode::RUSR).map_err(Into::into), errno)
}

fn refused<T>(result: io::Result<T>, errno: Errno) -> Result<(), LayerError> {
    match result {
        Err(e) if Errno::from_io_error(&e) == Some(errno) => Ok(()),
        Err(e) => Err(format!("answered {e}, not {errno}").into()),
        Ok(_) => Err("is possible".into()),
    }
}

fn expect<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &T,
    wanted: &T,
) -> Result<(), LayerError> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what} is {found:?}, not {wanted:?}").into())
}
