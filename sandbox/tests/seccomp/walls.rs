//! What must be refused and what must work, written out by hand: a list that is changed for the
//! worse fails here even though it agrees with itself.

use karakuri_sandbox::seccomp::{
    self, APPLICATION, APPLICATION_ONLINE, COURIER, COURIER_ONLINE, DAEMON, DESKTOP, EGRESS, List,
    MONITOR, NESTED, NESTED_ONLINE, SCRIPT, START,
};

use crate::ask::ANSWERS;
use crate::rules::{Call, Filter, number_of};

/// In no list at all, and why.
const NEVER: &[(&str, &str)] = &[
    ("acct", "writes about all processes of the machine"),
    ("add_key", "keys outlive the process and are shared with its session"),
    ("adjtimex", "sets the clock"),
    ("bpf", "programs for the kernel"),
    ("clock_adjtime", "sets the clock"),
    ("clock_settime", "sets the clock"),
    ("delete_module", "code of the kernel"),
    ("fanotify_init", "watches a whole file system"),
    ("finit_module", "code of the kernel"),
    ("init_module", "code of the kernel"),
    ("io_uring_enter", "calls that no filter sees"),
    ("io_uring_register", "calls that no filter sees"),
    ("io_uring_setup", "calls that no filter sees"),
    ("ioperm", "ports of the machine"),
    ("iopl", "ports of the machine"),
    ("kcmp", "looks into other processes"),
    ("kexec_file_load", "another kernel"),
    ("kexec_load", "another kernel"),
    ("keyctl", "could leave a Landlock domain by the parent's session (CVE-2024-42318)"),
    ("lookup_dcookie", "paths outside of the sandbox"),
    ("memfd_secret", "memory that the machine cannot see"),
    ("mknod", "devices"),
    ("mknodat", "devices"),
    ("modify_ldt", "segments of the processor"),
    ("move_pages", "looks into other processes"),
    ("name_to_handle_at", "goes with open_by_handle_at"),
    ("nfsservctl", "code of the kernel"),
    ("open_by_handle_at", "opens files past the mount namespace"),
    ("perf_event_open", "watches the machine"),
    ("pidfd_getfd", "takes fds of other processes"),
    ("process_madvise", "changes other processes"),
    ("process_vm_readv", "reads other processes"),
    ("process_vm_writev", "writes to other processes"),
    ("ptrace", "controls other processes"),
    ("quotactl", "file systems of the machine"),
    ("reboot", "the machine"),
    ("request_key", "keys outlive the process and are shared with its session"),
    ("setns", "other namespaces"),
    ("settimeofday", "sets the clock"),
    ("swapoff", "memory of the machine"),
    ("swapon", "memory of the machine"),
    ("syslog", "the kernel's log, with addresses"),
    ("userfaultfd", "stops the kernel in the middle of a copy"),
    ("vhangup", "the terminal of others"),
];

/// Only the monitor, and with it a launcher before its own list, makes these.
const MONITOR_ONLY: &[&str] = &[
    "capset",
    "chroot",
    "clone3",
    "execveat",
    "fsopen",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "pidfd_open",
    "pidfd_send_signal",
    "pivot_root",
    "setdomainname",
    "setgroups",
    "sethostname",
    "umount2",
    "unshare",
];

/// Of these, what an application makes that brings a sandbox of its own.
const FOR_A_NESTED_SANDBOX: &[&str] = &["capset", "chroot", "unshare"];

/// Not in the lists of our own processes: no new process, no network, no other account.
const NOT_OURS: &[&str] = &[
    "accept",
    "accept4",
    "bind",
    "chown",
    "execve",
    "fork",
    "kill",
    "listen",
    "setuid",
    "setresuid",
    "shmget",
    "symlinkat",
    "linkat",
    "tkill",
    "vfork",
    "wait4",
];

const RUN: &[List] = &[SCRIPT, APPLICATION, START];
const NESTS: &[List] = &[NESTED, NESTED_ONLINE];
const OURS: &[List] = &[DAEMON, DESKTOP, COURIER, COURIER_ONLINE];
const OFFLINE: &[List] = &[DAEMON, DESKTOP, COURIER];
/// `O_CREAT`.
const CREATE: u64 = 0o100;

/// The lists, the call, its first arguments, what it is for.
type Row = (&'static [&'static [List]], &'static str, [u64; 5], &'static str);

/// Arguments that turn an allowed call into a refused one.
const REFUSED: &[Row] = &[
    (&[RUN, OURS, &[MONITOR]], "ioctl", [0, 0x5412, 0, 0, 0], "TIOCSTI"),
    (&[RUN, OURS, &[MONITOR]], "ioctl", [0, 0x541c, 0, 0, 0], "TIOCLINUX"),
    (&[RUN, OURS, &[MONITOR]], "ioctl", [0, 0x1_0000_5412, 0, 0, 0], "TIOCSTI, CVE-2019-10063"),
    (&[RUN, OURS, &[MONITOR]], "ioctl", [0, 0x8912, 0, 0, 0], "SIOCGIFCONF"),
    (&[RUN, OURS, &[MONITOR]], "clone", [0x0002_0000, 0, 0, 0, 0], "CLONE_NEWNS"),
    (&[RUN, OURS, &[MONITOR]], "clone", [0x0200_0000, 0, 0, 0, 0], "CLONE_NEWCGROUP"),
    (&[RUN, OURS, &[MONITOR]], "clone", [0x0400_0000, 0, 0, 0, 0], "CLONE_NEWUTS"),
    (&[RUN, OURS, &[MONITOR]], "clone", [0x0800_0000, 0, 0, 0, 0], "CLONE_NEWIPC"),
    (&[RUN, OURS], "clone", [0x1000_0000, 0, 0, 0, 0], "CLONE_NEWUSER"),
    (&[RUN, OURS], "clone", [0x2000_0000, 0, 0, 0, 0], "CLONE_NEWPID"),
    (&[RUN, OURS], "clone", [0x4000_0000, 0, 0, 0, 0], "CLONE_NEWNET"),
    (&[NESTS], "clone", [0x1002_0000, 0, 0, 0, 0], "CLONE_NEWUSER|CLONE_NEWNS"),
    (&[NESTS], "clone", [0x1200_0000, 0, 0, 0, 0], "CLONE_NEWUSER|CLONE_NEWCGROUP"),
    (&[NESTS], "clone", [0x1400_0000, 0, 0, 0, 0], "CLONE_NEWUSER|CLONE_NEWUTS"),
    (&[NESTS], "clone", [0x1800_0000, 0, 0, 0, 0], "CLONE_NEWUSER|CLONE_NEWIPC"),
    (&[NESTS], "unshare", [0x1002_0000, 0, 0, 0, 0], "CLONE_NEWUSER|CLONE_NEWNS"),
    (&[NESTS], "unshare", [0x0002_0000, 0, 0, 0, 0], "CLONE_NEWNS"),
    (&[NESTS], "unshare", [0x4000_0000, 0, 0, 0, 0], "CLONE_NEWNET"),
    (&[NESTS, &[MONITOR]], "prctl", [22, 1, 0, 0, 0], "PR_SET_SECCOMP, SECCOMP_MODE_STRICT"),
    (&[NESTS], "socket", [16, 3, 0, 0, 0], "AF_NETLINK"),
    (&[NESTS], "socket", [17, 3, 0, 0, 0], "AF_PACKET"),
    (&[NESTS], "socket", [10, 1, 0, 0, 0], "AF_INET6"),
    (&[NESTS], "ioctl", [0, 0x8914, 0, 0, 0], "SIOCSIFFLAGS"),
    (&[NESTS], "ioctl", [0, 0x5412, 0, 0, 0], "TIOCSTI"),
    (&[&[NESTED]], "socket", [2, 1, 0, 0, 0], "AF_INET"),
    (&[&[NESTED_ONLINE]], "setsockopt", [3, 0, 64, 0, 0], "IPT_SO_SET_REPLACE"),
    (&[&[NESTED_ONLINE]], "getsockopt", [3, 0, 64, 0, 0], "IPT_SO_GET_INFO"),
    (&[&[NESTED_ONLINE]], "setsockopt", [3, 6, 19, 0, 0], "TCP_REPAIR"),
    (&[OURS], "clone", [17, 0, 0, 0, 0], "a process, as fork(2) makes it"),
    (&[OURS], "clone", [0x4111, 0, 0, 0, 0], "a process, as posix_spawn(3) makes it"),
    (&[RUN, OFFLINE], "socket", [2, 1, 0, 0, 0], "AF_INET"),
    (&[RUN, OFFLINE], "socket", [10, 1, 0, 0, 0], "AF_INET6"),
    (&[&[APPLICATION_ONLINE]], "socket", [2, 2, 0, 0, 0], "AF_INET SOCK_DGRAM"),
    (&[&[APPLICATION_ONLINE]], "socket", [10, 1, 0, 0, 0], "AF_INET6"),
    (
        &[&[APPLICATION_ONLINE, EGRESS, COURIER_ONLINE, MONITOR]],
        "socket",
        [2, 3, 0, 0, 0],
        "AF_INET SOCK_RAW",
    ),
    (&[&[EGRESS]], "socket", [1, 1, 0, 0, 0], "AF_UNIX"),
    (&[&[EGRESS]], "socket", [16, 3, 0, 0, 0], "AF_NETLINK"),
    (&[&[EGRESS]], "bind", [3, 0, 0, 0, 0], "any socket"),
    (&[&[EGRESS]], "listen", [3, 0, 0, 0, 0], "any socket"),
    (&[&[EGRESS]], "openat", [3, 0, CREATE, 0o600, 0], "any new file"),
    (&[&[EGRESS]], "clone", [17, 0, 0, 0, 0], "a process"),
    (&[RUN, OURS, &[MONITOR]], "socket", [16, 3, 0, 0, 0], "AF_NETLINK"),
    (&[RUN, OURS, &[MONITOR]], "socket", [17, 3, 0, 0, 0], "AF_PACKET"),
    (&[RUN, OURS, &[MONITOR]], "socket", [38, 5, 0, 0, 0], "AF_ALG"),
    (&[RUN, OURS, &[MONITOR]], "socket", [40, 1, 0, 0, 0], "AF_VSOCK"),
    (&[&[SCRIPT, DAEMON, COURIER, COURIER_ONLINE]], "socket", [1, 1, 0, 0, 0], "AF_UNIX"),
    (&[&[SCRIPT, DAEMON, COURIER]], "connect", [3, 0, 0, 0, 0], "any socket"),
    (&[&[SCRIPT], OURS], "bind", [3, 0, 0, 0, 0], "any socket"),
    (&[&[DESKTOP]], "socket", [1, 2, 0, 0, 0], "AF_UNIX SOCK_DGRAM"),
    (&[&[DESKTOP]], "socket", [1, 0x8_0802, 0, 0, 0], "AF_UNIX SOCK_DGRAM with flags"),
    (&[RUN, OURS, &[MONITOR]], "socketpair", [1, 2, 0, 0, 0], "AF_UNIX SOCK_DGRAM"),
    (&[RUN, OURS, &[MONITOR]], "socketpair", [1, 0x8_0002, 0, 0, 0], "SOCK_DGRAM|SOCK_CLOEXEC"),
    (&[RUN, OURS, &[MONITOR]], "socketpair", [30, 1, 0, 0, 0], "AF_TIPC"),
    (&[&[SCRIPT], OURS], "sendto", [3, 0, 0, 0, 4096], "a datagram to an address"),
    (&[RUN], "chmod", [0, 0o4755, 0, 0, 0], "set-uid"),
    (&[RUN], "chmod", [0, 0o2755, 0, 0, 0], "set-gid"),
    (&[OURS], "chmod", [0, 0o600, 0, 0, 0], "any file of the account, as Landlock does not look"),
    (&[OURS], "fchmodat", [3, 0, 0o600, 0, 0], "any file of the account"),
    (&[RUN, &[DAEMON]], "fchmod", [3, 0o4755, 0, 0, 0], "set-uid"),
    (&[RUN], "fchmodat", [3, 0, 0o4755, 0, 0], "set-uid"),
    (&[&[COURIER, COURIER_ONLINE, DESKTOP]], "fchmod", [3, 0o600, 0, 0, 0], "any mode"),
    (&[RUN], "open", [0, CREATE, 0o4755, 0, 0], "a new set-uid file"),
    (&[RUN, &[DAEMON, COURIER]], "openat", [3, 0, CREATE, 0o2755, 0], "a new set-gid file"),
    (&[&[DESKTOP, COURIER_ONLINE]], "openat", [3, 0, CREATE, 0o600, 0], "any new file"),
    (&[&[COURIER_ONLINE]], "openat", [3, 0, 1, 0, 0], "O_WRONLY"),
    (&[&[COURIER_ONLINE]], "openat", [3, 0, 2, 0, 0], "O_RDWR"),
    (&[&[COURIER_ONLINE]], "unlinkat", [3, 0, 0, 0, 0], "any file"),
    (&[&[COURIER_ONLINE]], "accept4", [3, 0, 0, 0, 0], "a connection from outside"),
    (&[&[COURIER_ONLINE]], "listen", [3, 1, 0, 0, 0], "any socket"),
    (&[RUN], "openat", [3, 0, 0o2020_0000, 0o4755, 0], "a nameless set-uid file, O_TMPFILE"),
    (&[RUN], "creat", [0, 0o4755, 0, 0, 0], "a new set-uid file"),
    (&[RUN], "openat2", [3, 0, 0, 0, 0], "a mode that cannot be seen"),
    (&[RUN], "renameat2", [3, 0, 3, 0, 4], "RENAME_WHITEOUT, a device node"),
    (&[RUN], "prctl", [22, 2, 0, 0, 0], "PR_SET_SECCOMP"),
    (&[RUN, &[MONITOR]], "prctl", [35, 0, 0, 0, 0], "PR_SET_MM"),
    (&[RUN, &[MONITOR]], "prctl", [0x5961_6d61, 0, 0, 0, 0], "PR_SET_PTRACER"),
    (&[RUN, OURS], "prctl", [47, 2, 0, 0, 0], "PR_CAP_AMBIENT"),
    (&[&[SCRIPT], OURS], "prctl", [4, 1, 0, 0, 0], "PR_SET_DUMPABLE"),
    (&[RUN, &[MONITOR]], "personality", [0x004_0000, 0, 0, 0, 0], "ADDR_NO_RANDOMIZE"),
    (&[RUN, &[MONITOR]], "personality", [0x040_0000, 0, 0, 0, 0], "READ_IMPLIES_EXEC"),
    (&[RUN, OURS, &[MONITOR]], "prlimit64", [1, 0, 0, 0, 0], "limits of another process"),
    (&[OURS], "mprotect", [0, 4096, 5, 0, 0], "PROT_READ|PROT_EXEC"),
    (&[OURS], "mprotect", [0, 4096, 7, 0, 0], "PROT_READ|PROT_WRITE|PROT_EXEC"),
    (&[&[DAEMON, COURIER, COURIER_ONLINE]], "mmap", [0, 4096, 5, 2, 3], "a file as code"),
    (&[&[SCRIPT]], "memfd_create", [0, 0, 0, 0, 0], "memory with no name could be executed"),
    (&[&[SCRIPT, APPLICATION], OURS], "landlock_add_rule", [0, 0, 0, 0, 0], "a further domain"),
    (&[&[SCRIPT, APPLICATION], OURS], "seccomp", [1, 0, 0, 0, 0], "a further filter"),
];

/// What must work: the same calls with arguments of everyday use.
const ALLOWED: &[Row] = &[
    (&[RUN, OURS], "clone", [0x003d_0f00, 0, 0, 0, 0], "a thread, as pthread_create(3) makes it"),
    (&[RUN], "clone", [0x0120_0011, 0, 0, 0, 0], "a process, as fork(3) makes it"),
    (&[RUN], "clone", [0x4111, 0, 0, 0, 0], "a process, as posix_spawn(3) makes it"),
    (&[RUN], "ioctl", [0, 0x5401, 0, 0, 0], "isatty(3)"),
    (&[RUN], "openat", [3, 0, CREATE | 1, 0o644, 0], "a new file"),
    (&[RUN], "openat", [3, 0, 0, 0o4755, 0], "no new file; the mode is left over in a register"),
    (&[RUN, &[DAEMON]], "fchmod", [3, 0o755, 0, 0, 0], "a program"),
    (&[RUN], "socketpair", [1, 0x8_0001, 0, 0, 0], "a stream pair"),
    (&[RUN, OURS], "sendto", [3, 4096, 1, 0x4000, 0], "send(2)"),
    (&[RUN, OURS], "prlimit64", [0, 7, 0, 0, 0], "getrlimit(2)"),
    (&[&[APPLICATION, START, DESKTOP, MONITOR]], "socket", [1, 0x8_0001, 0, 0, 0], "the X socket"),
    (&[NESTS], "clone", [0x7000_0011, 0, 0, 0, 0], "a sandbox of its own"),
    (&[NESTS], "unshare", [0x1000_0000, 0, 0, 0, 0], "CLONE_NEWUSER"),
    (&[NESTS], "prctl", [22, 2, 0, 0, 0], "a further filter"),
    (&[NESTS], "seccomp", [1, 0, 0, 0, 0], "a further filter"),
    (&[&[NESTED_ONLINE]], "setsockopt", [3, 6, 1, 0, 0], "TCP_NODELAY"),
    (&[OURS], "mprotect", [0, 4096, 3, 0, 0], "the stack of a thread"),
    (&[&[DESKTOP]], "mmap", [0, 4096, 5, 2, 3], "ONNX Runtime"),
    (&[&[MONITOR]], "fchmod", [3, 0o2770, 0, 0, 0], "the directories of the run"),
    (&[&[MONITOR, START]], "landlock_add_rule", [0, 0, 0, 0, 0], "restricting oneself further"),
    (&[&[MONITOR, START]], "seccomp", [1, 0, 0, 0, 0], "restricting oneself further"),
];

fn call(name: &str, arguments: [u64; 5]) -> Option<Call> {
    let [a, b, c, d, e] = arguments;
    Some(Call(number_of(name)?, [a, b, c, d, e, 0]))
}

/// Every call of the tables that this architecture has.
pub(crate) fn calls() -> impl Iterator<Item = Call> {
    REFUSED.iter().chain(ALLOWED).filter_map(|(_, name, arguments, _)| call(name, *arguments))
}

fn each(table: &[Row], check: impl Fn(&List, &str, Call, &str)) {
    for (lists, name, arguments, what) in table {
        // An architecture without the call needs no wall there.
        let Some(call) = call(name, *arguments) else { continue };
        for list in lists.iter().copied().flatten() {
            check(list, name, call, what);
        }
    }
}

#[test]
fn arguments_that_do_harm_are_refused() {
    each(REFUSED, |list, name, call, what| {
        assert!(!ANSWERS.allowed(list, &call), "{:?} allows {name}: {what}", list.filters());
    });
}

#[test]
fn arguments_of_everyday_use_are_allowed() {
    each(ALLOWED, |list, name, call, what| {
        assert!(ANSWERS.allowed(list, &call), "{:?} refuses {name}: {what}", list.filters());
    });
}

/// By the rules and not by a few calls, so that no argument opens what must stay shut.
fn without(list: &List, name: &str, why: &str) {
    let Some(number) = number_of(name) else { return };
    let (allow, enosys) = list.filters().split_first().unwrap();
    let ruled = Filter::of(list, allow).rules.iter().any(|rule| rule.syscall == name);
    let taken_away = enosys.iter().any(|f| ANSWERS.matched(f, &Call(number, [0; 6])));
    assert!(!ruled || taken_away, "{allow} has {name}: {why}");
    for fill in [0, u64::MAX] {
        assert!(!ANSWERS.allowed(list, &Call(number, [fill; 6])), "{allow} has {name}: {why}");
    }
}

#[test]
fn no_list_has_what_none_may_have() {
    for list in &seccomp::ALL {
        for (name, why) in NEVER {
            without(list, name, why);
        }
    }
}

#[test]
fn what_the_monitor_alone_does_is_in_no_other_list() {
    for list in RUN.iter().chain(OURS) {
        for name in MONITOR_ONLY {
            without(list, name, "only the monitor and its launchers do this");
        }
    }
}

#[test]
fn an_application_with_a_sandbox_of_its_own_mounts_nothing() {
    for list in NESTS {
        for name in MONITOR_ONLY.iter().filter(|name| !FOR_A_NESTED_SANDBOX.contains(name)) {
            without(list, name, "a sandbox within the sandbox does without");
        }
    }
}

/// What an application may do that brings a sandbox of its own, the others may not: the difference
/// between the lists is what its rules say and nothing else.
#[test]
fn the_list_for_a_nested_sandbox_has_nothing_but_what_it_is_for() {
    const FURTHER: &[&str] = &[
        "clone",
        "unshare",
        "chroot",
        "capset",
        "prctl",
        "seccomp",
        "landlock_create_ruleset",
        "landlock_add_rule",
        "landlock_restrict_self",
    ];
    let further: Vec<i64> = FURTHER.iter().filter_map(|name| number_of(name)).collect();
    for (nested, plain) in [(NESTED, APPLICATION), (NESTED_ONLINE, APPLICATION_ONLINE)] {
        for call in ANSWERS.calls().iter().filter(|call| !further.contains(&call.0)) {
            let widened = ANSWERS.allowed(&nested, call) && !ANSWERS.allowed(&plain, call);
            assert!(!widened, "{:?}: {call:x?}", nested.filters());
        }
    }
}

#[test]
fn our_own_processes_start_nothing_and_listen_nowhere() {
    for list in OURS {
        for name in NOT_OURS {
            without(list, name, "a process of ours never does this");
        }
    }
}

#[test]
fn the_x32_numbers_are_refused() {
    let x32: Vec<&Call> = ANSWERS.calls().iter().filter(|c| c.0 & 0x4000_0000 != 0).collect();
    assert!(!x32.is_empty());
    for list in &seccomp::ALL {
        for call in &x32 {
            assert!(!ANSWERS.allowed(list, call), "{:?}: {call:x?}", list.filters());
        }
    }
}
