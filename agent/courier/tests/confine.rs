//! karakuri-courier behind its own walls: the store and nothing else.
#![cfg(test)]

#[path = "../../../sandbox/tests/attempts/mod.rs"]
mod attempts;

use attempts::{Attempts, apart, reading, writing_below};
use karakuri_courier::confine::confine;
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
fn it_reaches_the_store_and_nothing_else() {
    attempts::all_work_without_walls();
    let attempts = Attempts::prepare();
    let state = tempfile::tempdir().unwrap();
    let [store, spool] = ["store", "spool"].map(|name| state.path().join(name));
    for directory in [&store, &spool] {
        std::fs::create_dir(directory).unwrap();
        std::fs::write(directory.join("sealed"), "sealed").unwrap();
    }
    let own = || [writing_below(&store), writing_below(&spool), reading(spool.join("sealed"))];
    assert_eq!(apart(own), [Ok(()); 3]);

    let (found, own, became) = apart(|| {
        confine(&store).unwrap();
        (attempts.run(), own(), attempts::becoming_a_program())
    });
    attempts::assert_walls(&found, WALLS);
    assert_eq!(own, [Ok(()), Err(Errno::ACCESS), Err(Errno::ACCESS)]);
    assert_eq!(became, Err(Errno::PERM));
}
