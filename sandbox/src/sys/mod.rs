//! The system calls no safe crate offers, one function each. The only `unsafe` of the sandbox.
//!
//! Callers are single-threaded programs: the monitor and the launcher start no thread, ever, so a
//! child that is a copy of them may do whatever they may.
#![expect(unsafe_code, reason = "the one place for raw system calls; see the module's header")]

mod spawn;

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

pub use spawn::{Join, Namespaces, Privilege, Spawn, Spawned};

/// Turns the result of a raw call into a `Result`.
fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Attributes for [`mount_setattr`], see mount_setattr(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MountAttributes(u64);

impl MountAttributes {
    /// No set-uid programs, no device nodes.
    pub const BASE: Self = Self(libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV);
    /// No set-uid programs; device nodes work.
    pub const DEVICES: Self = Self(libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC);
    /// Nothing can be written.
    pub const READ_ONLY: Self = Self(libc::MOUNT_ATTR_RDONLY);
    /// Nothing can be executed.
    pub const NO_EXEC: Self = Self(libc::MOUNT_ATTR_NOEXEC);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Sets attributes on the mount `mount` refers to and on all mounts below it.
///
/// # Errors
/// As mount_setattr(2).
pub fn mount_setattr(mount: BorrowedFd<'_>, set: MountAttributes) -> io::Result<()> {
    let attributes =
        libc::mount_attr { attr_set: set.0, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: the path is a NUL-terminated literal and `attributes` outlives the call, which only
    // reads `size_of::<mount_attr>()` bytes of it.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    })?;
    Ok(())
}

/// Closes every fd from `first` on.
///
/// # Errors
/// As close_range(2).
pub fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: the launcher owns no fd object above `first`: it is called before any is opened.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) })?;
    Ok(())
}

/// Gives every signal its default action and unblocks all, as a fresh program expects.
///
/// # Errors
/// As sigprocmask(2).
pub fn reset_signals() -> io::Result<()> {
    for signal in 1..=64 {
        if signal != libc::SIGKILL && signal != libc::SIGSTOP {
            // SAFETY: SIG_DFL installs no handler. Numbers the libc keeps for itself give EINVAL,
            // which leaves them as they were.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
    let mut none = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset initialises the set that sigprocmask then reads.
    let result = unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut())
    };
    check(libc::c_long::from(result))?;
    Ok(())
}

/// Sets the real, effective and saved ids of this single-threaded process and its supplementary
/// groups. It cannot be undone without capabilities.
///
/// # Errors
/// As setgroups(2), setresgid(2), setresuid(2).
pub fn become_account(uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: the calls take plain numbers; an empty list needs no pointer.
    unsafe {
        check(libc::c_long::from(libc::setgroups(0, std::ptr::null())))?;
        check(libc::c_long::from(libc::setresgid(gid, gid, gid)))?;
        check(libc::c_long::from(libc::setresuid(uid, uid, uid)))?;
    }
    Ok(())
}

/// The version of Landlock the running kernel offers; 0 when it has none. See
/// landlock_create_ruleset(2), `LANDLOCK_CREATE_RULESET_VERSION`.
#[must_use]
pub fn landlock_abi() -> u32 {
    const VERSION: u32 = 1;
    // SAFETY: with this flag the call takes no attributes and only returns a number.
    let abi = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, VERSION)
    };
    u32::try_from(abi).unwrap_or(0)
}

/// Moves this single-threaded process into new namespaces.
///
/// # Errors
/// As unshare(2).
pub fn unshare(user: bool) -> io::Result<()> {
    let flags = libc::CLONE_NEWNS | if user { libc::CLONE_NEWUSER } else { 0 };
    // SAFETY: unshare with these flags takes no memory and no fd.
    check(libc::c_long::from(unsafe { libc::unshare(flags) }))?;
    Ok(())
}

/// Gives this process a cgroup namespace whose root is the cgroup it is in.
///
/// # Errors
/// As unshare(2).
pub fn unshare_cgroups() -> io::Result<()> {
    // SAFETY: unshare with this flag takes no memory and no fd.
    check(libc::c_long::from(unsafe { libc::unshare(libc::CLONE_NEWCGROUP) }))?;
    Ok(())
}

/// Brings up the loopback interface of this process's network namespace, see netdevice(7).
///
/// # Errors
/// As ioctl(2) with `SIOCSIFFLAGS`.
pub fn loopback_up(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: a zeroed ifreq is a valid one: plain bytes.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *place = byte.cast_signed();
    }
    request.ifr_ifru.ifru_flags = IFF_UP;
    // SAFETY: the call reads the ifreq, which outlives it.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    check(libc::c_long::from(result))?;
    Ok(())
}

/// netdevice(7); the libc crate has it as a wider integer than the field.
const IFF_UP: libc::c_short = 1;

/// Sets the supplementary groups of this process.
///
/// # Errors
/// As setgroups(2).
pub fn set_groups(groups: &[u32]) -> io::Result<()> {
    // SAFETY: the pointer and the length describe `groups`, which outlives the call.
    check(libc::c_long::from(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) }))?;
    Ok(())
}

/// A child made by [`fork`], or the child itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// In the parent: the child's pid.
    Parent(i32),
    /// In the child.
    Child,
}

/// Copies this single-threaded process.
///
/// # Errors
/// As fork(2).
pub fn fork() -> io::Result<Fork> {
    // SAFETY: the process has one thread (see the module), so the copy is a whole program.
    match check(libc::c_long::from(unsafe { libc::fork() }))? {
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(i32::try_from(pid).unwrap_or(i32::MAX))),
    }
}

/// Ends the process at once, without running destructors that belong to the parent.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit(2) only ends the process.
    unsafe { libc::_exit(code) }
}

/// Makes `fd` available as number `to` in this process and across exec.
///
/// # Errors
/// As dup2(2).
pub fn place_fd(fd: impl AsFd, to: i32) -> io::Result<()> {
    let from = fd.as_fd().as_raw_fd();
    // SAFETY: `to` is one of the numbers the child's layout reserves; no Rust object owns it.
    let result = unsafe {
        if from == to { libc::fcntl(from, libc::F_SETFD, 0) } else { libc::dup2(from, to) }
    };
    check(libc::c_long::from(result))?;
    Ok(())
}

/// Replaces this process by `program`. Returns only when it fails.
#[must_use]
pub fn exec(program: &CString, arguments: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |strings: &[CString]| {
        let mut list: Vec<*const libc::c_char> = strings.iter().map(|s| s.as_ptr()).collect();
        list.push(std::ptr::null());
        list
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: the strings and the NULL-terminated lists outlive the call.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Takes ownership of an fd number that the parent placed there.
///
/// # Errors
/// When the number is not open.
pub fn inherited_fd(number: i32) -> io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: fcntl with F_SETFD touches only the flags of `number`.
    let result = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    check(libc::c_long::from(result))?;
    // SAFETY: it is open, and by the layout of the program's start nobody else owns the number;
    // callers take each number once.
    Ok(unsafe { std::os::fd::OwnedFd::from_raw_fd(number) })
}
