//! The monitor behind its own wall. What it starts inherits that wall, so it is as wide as the widest
//! of them: unlike our other processes the monitor could make a socket that listens.

use karakuri_sandbox::monitor::restrict_self;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType};

/// What is tried, by name; each works without the walls.
fn attempts() -> Vec<(&'static str, Result<(), Errno>)> {
    let socket = |family, kind| rustix::net::socket(family, kind, None).map(drop);
    let pidfd = || {
        let flags = rustix::process::PidfdFlags::empty();
        let fd = rustix::process::pidfd_open(rustix::process::getpid(), flags)?;
        let flags = rustix::process::PidfdGetfdFlags::empty();
        rustix::process::pidfd_getfd(&fd, 0, flags).map(drop)
    };
    vec![
        ("netlink socket", socket(AddressFamily::NETLINK, SocketType::RAW)),
        ("datagram pair", {
            let flags = rustix::net::SocketFlags::empty();
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::DGRAM, flags, None).map(drop)
        }),
        ("fd of a process", pidfd()),
    ]
}

#[test]
fn it_has_no_call_that_nothing_it_starts_needs() {
    assert!(attempts().iter().all(|(_, found)| found.is_ok()), "{:?}", attempts());
    let walled = std::thread::spawn(|| {
        restrict_self().unwrap();
        attempts()
    });
    let walls = [
        ("netlink socket", Err(Errno::PERM)),
        ("datagram pair", Err(Errno::PERM)),
        ("fd of a process", Err(Errno::PERM)),
    ];
    assert_eq!(walled.join().unwrap(), walls);
}
