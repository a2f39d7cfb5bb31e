//! Starting a program as the first process of new namespaces: clone3(2), then execveat(2).

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::thread::{CapabilitySet, CapabilitySets};

use super::check;

/// The namespaces a child gets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// Mounts, pids, network, IPC, host name: for everything that is not ours. The launcher takes a
    /// cgroup namespace of its own once it is in its cgroup.
    All,
    /// IPC only: for the one process of ours that reaches the network.
    Ipc,
    /// Network and IPC only: for our processes that need the machine's files.
    NetworkAndIpc,
    /// None: the monitor itself, in a process group of its own so that a terminal's Ctrl-C goes to
    /// whoever started it. It outlives its starter and ends the run in order.
    None,
}

impl Namespaces {
    fn flags(self) -> i32 {
        let network = libc::CLONE_NEWNET | libc::CLONE_NEWIPC;
        match self {
            Self::None => 0,
            Self::Ipc => libc::CLONE_NEWIPC,
            Self::NetworkAndIpc => network,
            Self::All => {
                let rest = libc::CLONE_NEWNS | libc::CLONE_NEWPID;
                network | rest | libc::CLONE_NEWUTS
            }
        }
    }
}

/// The cgroup a child starts in.
#[derive(Clone, Copy, Debug)]
pub enum Join<'a> {
    /// This process's own.
    Inherit,
    /// Version 2: the directory of the cgroup; the child is born in it (CLONE_INTO_CGROUP).
    Into(BorrowedFd<'a>),
    /// Version 1: the `cgroup.procs` of each hierarchy, open for writing; the child moves itself
    /// before it execs.
    Move(&'a [OwnedFd]),
}

/// A program to start.
#[derive(Debug)]
pub struct Spawn<'a> {
    /// The program, open for reading or `O_PATH`.
    pub program: BorrowedFd<'a>,
    /// Its arguments; the first is the name it goes by.
    pub arguments: &'a [CString],
    /// Its whole environment.
    pub environment: &'a [CString],
    /// What becomes fd 0, 1, 2, … in this order; all others are closed.
    pub fds: &'a [BorrowedFd<'a>],
    /// Its namespaces.
    pub namespaces: Namespaces,
    /// Whether it keeps the capabilities of this process.
    pub privilege: Privilege,
    /// Its cgroup.
    pub cgroup: Join<'a>,
}

/// What a child keeps of this process's privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// All: the launcher, which puts up the layers and then drops everything.
    Keep,
    /// None, for ever, and membership of this one group where given.
    None {
        /// The run's group.
        group: Option<u32>,
    },
}

/// A child of this process.
#[derive(Debug)]
pub struct Spawned {
    /// Refers to the child for ever, unlike its pid.
    pub pidfd: OwnedFd,
}

/// clone3(2); not in the libc crate, as it does not fit the flags of clone(2).
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// The exit code of a child that could not exec.
const EXEC_FAILED: i32 = 127;

impl Spawn<'_> {
    /// Starts the program.
    ///
    /// # Errors
    /// As clone3(2): `EPERM` where namespaces are forbidden. A program that cannot be executed
    /// shows as exit code 127.
    pub fn start(&self) -> io::Result<Spawned> {
        let arguments = null_terminated(self.arguments);
        let environment = null_terminated(self.environment);
        // Numbers above the layout, so that placing one fd never overwrites another.
        let high = 64 + i32::try_from(self.fds.len()).unwrap_or(i32::MAX - 64);
        let mut pidfd: i32 = -1;
        let flags = self.namespaces.flags() | libc::CLONE_PIDFD;
        let flags = u64::from(flags.cast_unsigned());
        let (into, cgroup) = match self.cgroup {
            Join::Into(fd) => (CLONE_INTO_CGROUP, u64::from(fd.as_raw_fd().cast_unsigned())),
            Join::Inherit | Join::Move(_) => (0, 0),
        };
        let mut request = CloneArgs {
            flags: flags | into,
            cgroup,
            pidfd: &raw mut pidfd as u64,
            exit_signal: u64::from(libc::SIGCHLD.cast_unsigned()),
            ..CloneArgs::default()
        };
        // SAFETY: without CLONE_VM this is fork(2): the child is a copy of this single-threaded
        // process and continues below. `request` and `pidfd` outlive the call.
        let pid = check(unsafe {
            libc::syscall(libc::SYS_clone3, &raw mut request, size_of::<CloneArgs>())
        })?;
        if pid == 0 {
            if let Join::Move(lists) = self.cgroup
                && lists.iter().any(|list| rustix::io::write(list, b"0").is_err())
            {
                super::exit_now(EXEC_FAILED);
            }
            if let Privilege::None { group } = self.privilege
                && drop_all(group).is_err()
            {
                super::exit_now(EXEC_FAILED);
            }
            self.become_program(high, &arguments, &environment);
        }
        // SAFETY: the kernel has stored a new fd that nobody else owns.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        Ok(Spawned { pidfd })
    }

    /// In the child: lays out the fds and execs.
    fn become_program(
        &self,
        high: i32,
        arguments: &[*const libc::c_char],
        environment: &[*const libc::c_char],
    ) -> ! {
        const EMPTY: &CStr = c"";
        // SAFETY: only calls that take numbers, and pointers into this process's own copy of the
        // parent's memory; the child ends here or becomes another program.
        unsafe {
            match self.namespaces {
                Namespaces::None => libc::setpgid(0, 0),
                _ => libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL),
            };
            let program = libc::fcntl(self.program.as_raw_fd(), libc::F_DUPFD_CLOEXEC, high);
            let mut moved = [0i32; 16];
            for (slot, fd) in moved.iter_mut().zip(self.fds) {
                *slot = libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, high);
            }
            for (number, fd) in (0i32..).zip(moved.iter().take(self.fds.len())) {
                if libc::dup2(*fd, number) < 0 {
                    libc::_exit(EXEC_FAILED);
                }
            }
            let first = self.fds.len();
            libc::syscall(libc::SYS_close_range, first, program - 1, 0);
            libc::syscall(libc::SYS_close_range, program + 1, u32::MAX, 0);
            libc::syscall(
                libc::SYS_execveat,
                program,
                EMPTY.as_ptr(),
                arguments.as_ptr(),
                environment.as_ptr(),
                libc::AT_EMPTY_PATH,
            );
            libc::_exit(EXEC_FAILED)
        }
    }
}

/// Empties the bounding set, so that the exec that follows cannot give a capability back.
fn drop_all(group: Option<u32>) -> io::Result<()> {
    if let Some(group) = group {
        super::set_groups(&[group])?;
    }
    // Who has no privilege may not touch the set either, and with no_new_privs below gets none by an exec.
    let has_some = !rustix::thread::capabilities(None)?.permitted.is_empty();
    for capability in CapabilitySet::all().iter().filter(|_| has_some) {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(e) => return Err(e.into()),
        }
    }
    rustix::thread::clear_ambient_capability_set()?;
    let nothing = CapabilitySet::empty();
    let sets = CapabilitySets { effective: nothing, permitted: nothing, inheritable: nothing };
    rustix::thread::set_capabilities(None, sets)?;
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

fn null_terminated(strings: &[CString]) -> Vec<*const libc::c_char> {
    let mut list: Vec<*const libc::c_char> = strings.iter().map(|s| s.as_ptr()).collect();
    list.push(std::ptr::null());
    list
}

/// `struct clone_args` as of Linux 5.7 (CLONE_ARGS_SIZE_VER2).
#[derive(Debug, Default)]
#[repr(C)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}
