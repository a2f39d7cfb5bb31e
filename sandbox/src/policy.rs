//! What the launcher is told to put up: a sealed document written by the monitor, read once.
//!
//! It is complete: the launcher adds nothing to it and leaves nothing out. It comes from the
//! monitor's own templates (see [`crate::monitor`]); no part of it is text from a script.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The largest policy document, in bytes.
pub const MAX_POLICY: usize = 256 * 1024;

/// Whose list of system calls applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The customer's script: no sockets of its own, no device, nothing but computing and files.
    Script,
    /// Applications, X server, window manager: unix sockets within the run's own display.
    Application,
    /// karakuri-desktop, which restricts itself further.
    Desktop,
}

/// The sandbox of one process tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Whose list of system calls applies.
    pub profile: Profile,
    /// An empty directory to build the root in; visible to nobody afterwards.
    pub stage: PathBuf,
    /// The account the tree runs under; none where one user is all there is (a user namespace).
    pub account: Option<Account>,
    /// The whole file tree, in order.
    pub tree: Vec<Node>,
    /// Resource limits.
    pub limits: Limits,
    /// What enforces them.
    pub control: Control,
    /// Port on the loopback interface where the tree finds a proxy: the launcher makes its socket
    /// and hands it out as [`crate::child::Report::Proxy`]. None: there is no interface at all.
    pub proxy: Option<u16>,
    /// Whether programs that bring a sandbox of their own, as browsers do, are started here: those
    /// that an [`crate::child::Order`] marks may make user, pid and network namespaces.
    pub nested: bool,
    /// What runs.
    pub payload: Payload,
}

/// An account made for one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// User id from the reserved range.
    pub uid: u32,
    /// Group id from the reserved range.
    pub gid: u32,
}

/// A piece of the file tree; targets are absolute paths in the new root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Node {
    /// A directory or file of the machine.
    Bind {
        /// Where it is on the machine.
        source: PathBuf,
        /// Where it appears.
        target: PathBuf,
        /// What may be done with it.
        access: Access,
    },
    /// An empty file system in memory, not executable.
    Tmpfs {
        /// Where.
        target: PathBuf,
        /// Its capacity in bytes.
        bytes: u64,
        /// The most files it can hold.
        files: u64,
    },
    /// A small generated file.
    File {
        /// Where.
        target: PathBuf,
        /// Its content.
        content: String,
    },
    /// A symbolic link.
    Link {
        /// Where.
        target: PathBuf,
        /// What it says.
        to: PathBuf,
    },
    /// `/dev` with null, zero, full, random, urandom, shm and the fd links; with ptys if asked for.
    Dev {
        /// Whether terminals can be opened.
        ptys: bool,
    },
    /// `/proc` that shows only the processes of the tree.
    Proc,
}

impl Node {
    /// Where it appears.
    #[must_use]
    pub fn target(&self) -> &Path {
        match self {
            Self::Bind { target, .. }
            | Self::Tmpfs { target, .. }
            | Self::File { target, .. }
            | Self::Link { target, .. } => target,
            Self::Dev { .. } => Path::new("/dev"),
            Self::Proc => Path::new("/proc"),
        }
    }
}

/// What may be done with a bound tree; Landlock and the mount say the same twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Reading.
    Read,
    /// Reading and executing.
    ReadExecute,
    /// Reading and writing, never executing.
    ReadWrite,
}

/// Resource limits of the tree, and of every process of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// CPU seconds per process.
    pub cpu_s: u64,
    /// Share of the processors in percent of one, by cgroup.
    pub cpu_percent: u64,
    /// Memory of the tree by cgroup, bytes, the files it writes included; where there is no cgroup,
    /// private memory per process.
    pub memory_bytes: u64,
    /// Largest file, bytes.
    pub file_bytes: u64,
    /// Open files per process.
    pub open_files: u64,
    /// Processes and threads of the tree by cgroup, and of the account.
    pub processes: u64,
}

impl Limits {
    /// From limits by their names in a manifest, in its units.
    #[must_use]
    pub fn of(named: impl Fn(&str) -> u64) -> Self {
        const MIB: u64 = 1024 * 1024;
        const OPEN_FILES: u64 = 256;
        Self {
            cpu_s: named("cpu_s"),
            cpu_percent: named("cpu_percent"),
            memory_bytes: named("memory_mb") * MIB,
            file_bytes: named("file_mb") * MIB,
            open_files: OPEN_FILES,
            processes: named("processes"),
        }
    }
}

/// Which of the kernel's means bound the memory and the processes of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Control {
    /// A cgroup of this version bounds the tree as a whole.
    Cgroup {
        /// 1 or 2.
        version: u8,
        /// Whether it bounds their share of the processors too.
        processors: bool,
    },
    /// Each process has a limit of its own, and the account a number of processes.
    ProcessLimits {
        /// Why there is no cgroup.
        reason: String,
    },
}

/// What runs in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Payload {
    /// One program; the tree ends with it.
    Run {
        /// Which.
        command: Command,
        /// Whether it gets the socket on fd 3.
        socket: bool,
    },
    /// A process that starts programs when asked on fd 3 ([`crate::child::Order`]).
    Serve,
}

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Absolute path in the new root.
    pub program: String,
    /// Arguments after the name.
    pub arguments: Vec<String>,
    /// The whole environment.
    pub environment: Vec<(String, String)>,
    /// Working directory in the new root.
    pub directory: String,
}
