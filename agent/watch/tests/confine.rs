//! karakuri-watch behind its own walls: its links and its window, and nothing else.
#![cfg(test)]

#[path = "../../../sandbox/tests/attempts/mod.rs"]
mod attempts;

use attempts::{Attempts, apart, writing_below};
use karakuri_watch::confine::confine;
use rustix::io::Errno;

/// What each attempt meets; the names are those of [`Attempts`].
const WALLS: &[(&str, Result<(), Errno>)] = &[
    ("tcp socket", Err(Errno::PERM)),
    ("udp socket", Err(Errno::PERM)),
    ("netlink socket", Err(Errno::PERM)),
    ("unix stream socket", Err(Errno::PERM)),
    ("unix datagram socket", Err(Errno::PERM)),
    ("datagram pair", Err(Errno::PERM)),
    ("tcp bind", Err(Errno::PERM)),
    ("tcp listen", Err(Errno::PERM)),
    ("tcp connect", Err(Errno::PERM)),
    ("unix path connect", Err(Errno::PERM)),
    ("unix abstract connect", Err(Errno::PERM)),
    ("datagram to a path", Err(Errno::PERM)),
    ("start a program", Err(Errno::PERM)),
    ("signal by pid", Err(Errno::PERM)),
    ("fd of a process", Err(Errno::NOSYS)),
    ("read /etc/passwd", Err(Errno::ACCESS)),
    ("read another's file", Err(Errno::ACCESS)),
    ("write another's file", Err(Errno::ACCESS)),
    ("make a file", Err(Errno::ACCESS)),
    ("remove a file", Err(Errno::ACCESS)),
    ("make a link", Err(Errno::PERM)),
    ("make a fifo", Err(Errno::PERM)),
    ("change a mode", Err(Errno::PERM)),
    ("list /", Err(Errno::ACCESS)),
    ("look into a process", Err(Errno::ACCESS)),
];

#[test]
fn it_reaches_nothing_new() {
    attempts::all_work_without_walls();
    let attempts = Attempts::prepare();
    let directory = tempfile::tempdir().unwrap();
    let own = || writing_below(directory.path());
    assert_eq!(apart(own), Ok(()));

    let (found, own, became) = apart(|| {
        confine().unwrap();
        (attempts.run(), own(), attempts::becoming_a_program())
    });
    attempts::assert_walls(&found, WALLS);
    assert_eq!(own, Err(Errno::ACCESS));
    assert_eq!(became, Err(Errno::PERM));
}
