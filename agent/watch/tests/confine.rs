//! karakuri-watch behind its own walls: its links and its window, and nothing else.
#![cfg(test)]

#[path = "../../../sandbox/tests/attempts/mod.rs"]
mod attempts;

use attempts::{Attempts, apart, writing_below};
use karakuri_watch::confine::confine;
use rustix::io::Errno;

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
    attempts::assert_walls(&found, &[]);
    assert_eq!(own, Err(Errno::ACCESS));
    assert_eq!(became, Err(Errno::PERM));
}
