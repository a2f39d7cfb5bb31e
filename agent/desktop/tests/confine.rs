//! karakuri-desktop behind its own walls. In its sandbox the only unix socket with a path is that of
//! the X server; here, without the mount namespace, connecting to any path works for that reason.
#![cfg(test)]

#[path = "../../../sandbox/tests/attempts/mod.rs"]
mod attempts;

use attempts::{Attempts, apart, reading, writing_below};
use karakuri_desktop::serve::confine::confine;
use rustix::io::Errno;

/// What it meets instead of what all meet.
const WALLS: &[(&str, Result<(), Errno>)] = &[
    ("unix stream socket", Ok(())),
    ("tcp connect", Err(Errno::ACCESS)),
    ("unix path connect", Ok(())),
    ("make a file", Err(Errno::PERM)),
    ("remove a file", Err(Errno::PERM)),
];

#[test]
fn it_reaches_the_x_socket_and_what_onnx_runtime_reads_and_nothing_else() {
    attempts::all_work_without_walls();
    let attempts = Attempts::prepare();
    let directory = tempfile::tempdir().unwrap();
    let own = || {
        let read = ["/proc/cpuinfo", "/usr/lib/os-release", "/etc/hostname"].map(reading);
        (read, writing_below(directory.path()))
    };
    assert_eq!(apart(own), ([Ok(()); 3], Ok(())));

    let (found, own, became) = apart(|| {
        confine().unwrap();
        (attempts.run(), own(), attempts::becoming_a_program())
    });
    attempts::assert_walls(&found, WALLS);
    assert_eq!(own, ([Ok(()), Ok(()), Err(Errno::ACCESS)], Err(Errno::PERM)));
    assert_eq!(became, Err(Errno::PERM));
}
