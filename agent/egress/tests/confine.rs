//! karakuri-egress behind its own walls: connections to granted ports and nothing else.
#![cfg(test)]

#[path = "../../../sandbox/tests/attempts/mod.rs"]
mod attempts;

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use attempts::{Attempts, apart, writing_below};
use karakuri_egress::serve::confine;
use rustix::io::Errno;

/// What it meets instead of what all meet.
const WALLS: &[(&str, Result<(), Errno>)] = &[
    ("tcp socket", Ok(())),
    ("udp socket", Ok(())),
    ("tcp connect", Err(Errno::ACCESS)),
    // On a socket made before: it can make none, and its one link is connected.
    ("unix path connect", Ok(())),
    ("make a file", Err(Errno::PERM)),
    ("remove a file", Err(Errno::PERM)),
];

#[test]
fn it_connects_to_granted_ports_and_nothing_else() {
    attempts::all_work_without_walls();
    let attempts = Attempts::prepare();
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (granted, other) = (listen(), listen());
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let connect = |listener: &TcpListener| {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port(listener)))
            .map(drop)
            .map_err(|e| Errno::from_io_error(&e).unwrap())
    };
    let directory = tempfile::tempdir().unwrap();
    let own = || [connect(&granted), connect(&other), writing_below(directory.path())];
    assert_eq!(apart(own), [Ok(()); 3]);

    let (found, own, became) = apart(|| {
        confine(&[port(&granted)]).unwrap();
        (attempts.run(), own(), attempts::becoming_a_program())
    });
    attempts::assert_walls(&found, WALLS);
    assert_eq!(own, [Ok(()), Err(Errno::ACCESS), Err(Errno::PERM)]);
    assert_eq!(became, Err(Errno::PERM));
}
