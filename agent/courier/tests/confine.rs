//! karakuri-courier behind its own walls: a directory, or services; nothing else.
#![cfg(test)]

#[path = "../../../sandbox/tests/attempts/mod.rs"]
mod attempts;

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use attempts::{Attempts, apart, reading, writing_below};
use karakuri_courier::confine::{self, Ways};
use karakuri_site::egress::{Egress, Process};
use rustix::io::Errno;

/// What one meets that speaks to services, instead of what all meet.
const ONLINE: &[(&str, Result<(), Errno>)] = &[
    ("tcp socket", Ok(())),
    ("udp socket", Ok(())),
    ("tcp connect", Err(Errno::ACCESS)),
    // On a socket made before: it can make none, and its links are connected.
    ("unix path connect", Ok(())),
    ("write another's file", Err(Errno::PERM)),
    ("make a file", Err(Errno::PERM)),
    ("remove a file", Err(Errno::PERM)),
];

#[test]
fn it_reaches_its_services_and_its_token_and_nothing_else() {
    attempts::all_work_without_walls();
    let attempts = Attempts::prepare();
    let state = tempfile::tempdir().unwrap();
    let [token, spool] = ["token", "spool"].map(|name| state.path().join(name));
    for directory in [&token, &spool] {
        std::fs::create_dir(directory).unwrap();
        std::fs::write(directory.join("file"), "text").unwrap();
    }
    let listening = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let [service, other] = listening.each_ref().map(|l| l.local_addr().unwrap());
    let connecting = |address| {
        TcpStream::connect(address).map(drop).map_err(|e| Errno::from_io_error(&e).unwrap())
    };
    let own = || {
        let files =
            [reading(token.join("file")), reading(spool.join("file")), writing_below(&token)];
        (files, [connecting(service), connecting(other)])
    };
    assert_eq!(apart(own), ([Ok(()); 3], [Ok(()); 2]));

    let ways = Ways { ports: vec![service.port()], files: vec![token.clone()] };
    let (found, own, became) = apart(|| {
        confine::to_services(&ways).unwrap();
        (attempts.run(), own(), attempts::becoming_a_program())
    });
    attempts::assert_walls(&found, ONLINE);
    assert_eq!(own.0, [Ok(()), Err(Errno::ACCESS), Err(Errno::PERM)]);
    assert_eq!(own.1, [Ok(()), Err(Errno::ACCESS)]);
    assert_eq!(became, Err(Errno::PERM));
}

/// That the list itself is right is tested where it is made, in agent/site.
#[test]
fn the_ways_are_those_of_the_sites_egress_list() {
    let text = "tenant = \"a\"\nsite = \"b\"\n[keys.aws_kms]\n\
                key = \"arn:aws:kms:eu-west-1:111122223333:key/a\"\n[identity]\n\
                role_arn = \"arn:aws:iam::111122223333:role/r\"\nbase = \"instance\"\n\
                [network.endpoints]\nkms = \"https://kms.lan:8443\"\n";
    let site = karakuri_site::Site::parse(text, "site.toml").unwrap();
    let identity = site.identity.clone().unwrap();
    let ports = |process| Ways::of(&site, &identity, process).ports;
    assert_eq!(ports(Process::Keys), [53, 80, 443, 8443]);
    assert_eq!(ports(Process::Keys), Egress::of(&site).ports(Process::Keys));
    assert!(ports(Process::Upload).is_empty());
}

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
        confine::to_directories(&[&store]).unwrap();
        (attempts.run(), own(), attempts::becoming_a_program())
    });
    attempts::assert_walls(&found, &[]);
    assert_eq!(own, [Ok(()), Err(Errno::ACCESS), Err(Errno::ACCESS)]);
    assert_eq!(became, Err(Errno::PERM));
}
