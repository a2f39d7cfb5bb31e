//! Files of one request: stored once, proved, never replaced.

use std::collections::VecDeque;

use karakuri_protocol::courier::{Checksum, Kind, MAX_IN_FLIGHT, Said};
use serde_json::json;

use crate::faults::Fault;
use crate::proxy::Faulty;
use crate::rig::{Courier, Site, put, sha256};
use crate::servers::servers;

#[test]
fn a_file_is_stored_and_proved() {
    let site = Site::new();
    let courier = Courier::upload(&site);
    let Said::Stored { proof, .. } = courier.put("runs/a/1.esdk", b"sealed").unwrap() else {
        panic!("not stored")
    };
    assert_eq!((proof.length, proof.checksum), (6, Checksum::Sha256(sha256(b"sealed"))));
    let head = servers().assert_has(&site.key("runs/a/1.esdk"), b"sealed");
    assert_eq!(proof.etag.unwrap(), head["etag"]);
    assert_eq!(head["tags"], json!({ "karakuri-class": "pii" }));
    // The same file again is a success, and one session is enough for both.
    courier.put("runs/a/1.esdk", b"sealed").unwrap();
    courier.put("runs/a/empty", b"").unwrap();
    assert_eq!(courier.asked.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn another_file_under_the_key_is_a_conflict_and_stays() {
    let site = Site::new();
    let courier = Courier::upload(&site);
    let key = site.key("runs/a/1.esdk");
    servers().ask(&json!({"put": key, "content": "before", "checksum": "SHA256"})).unwrap();
    for content in [&b"other!"[..], b"longer than before"] {
        let failure = courier.put("runs/a/1.esdk", content).unwrap_err();
        assert_eq!(failure.kind, Kind::Conflict, "{}", failure.message);
    }
    servers().assert_has(&key, b"before");
}

#[test]
fn what_has_no_checksum_proves_nothing() {
    let site = Site::new();
    let key = site.key("runs/a/1.esdk");
    servers().ask(&json!({"put": key, "content": "sealed", "checksum": "CRC32"})).unwrap();
    let failure = Courier::upload(&site).put("runs/a/1.esdk", b"sealed").unwrap_err();
    assert_eq!(failure.kind, Kind::Refused, "{}", failure.message);
    assert!(failure.message.contains("tells no checksum"), "{}", failure.message);
}

#[test]
fn the_store_encrypts_under_the_tenants_key() {
    let mut site = Site::new();
    let key = servers().keys[0].clone();
    site.kms_key = Some(key.clone());
    let courier = Courier::upload(&site);
    courier.put("runs/a/1.esdk", b"sealed").unwrap();
    let head = servers().assert_has(&site.key("runs/a/1.esdk"), b"sealed");
    assert_eq!(head["sse_key"], key);
}

#[test]
fn a_file_that_is_not_what_was_announced_goes_nowhere() {
    let site = Site::new();
    let courier = Courier::upload(&site);
    let mut wanted = put(7, "runs/a/1.esdk", b"sealed", None);
    wanted.sha256 = sha256(b"other!");
    let file = karakuri_sandbox::memfd::sealed("sealed", b"sealed").unwrap();
    let file = std::os::fd::AsFd::as_fd(&file);
    courier.link.send(&wanted, &[file]).unwrap();
    let (Said::Failed { failure, .. }, _) = courier.answer(7) else { panic!("stored") };
    assert_eq!(failure.kind, Kind::Invalid, "{}", failure.message);
    courier.link.send(&put(8, "runs/a/1.esdk", b"sealed", None), &[]).unwrap();
    let (Said::Failed { failure, .. }, _) = courier.answer(8) else { panic!("stored") };
    assert_eq!(failure.kind, Kind::Invalid, "{}", failure.message);
    for key in ["../1.esdk", "", "/a", "a//b", "a\nb"] {
        let failure = courier.put(key, b"sealed").unwrap_err();
        assert_eq!(failure.kind, Kind::Invalid, "{key}: {}", failure.message);
    }
    servers().assert_lacks(&site.key("runs/a/1.esdk"));
}

#[test]
fn many_requests_are_under_way_at_once() {
    let site = Site::new();
    let courier = Courier::upload(&site);
    let contents: Vec<Vec<u8>> =
        (0..MAX_IN_FLIGHT).map(|n| vec![u8::try_from(n).unwrap(); 20_000]).collect();
    let ids: Vec<u64> = contents
        .iter()
        .enumerate()
        .map(|(n, content)| courier.ask(&format!("runs/a/{n}"), content, None))
        .collect();
    for id in ids {
        assert!(matches!(courier.answer(id).0, Said::Stored { .. }));
    }
    servers().assert_has(&site.key("runs/a/31"), &contents[31]);
    // Whoever hears an answer may ask again at once.
    let mut ids: VecDeque<u64> = VecDeque::new();
    for n in 0..200 {
        if ids.len() == MAX_IN_FLIGHT {
            let (said, _) = courier.answer(ids.pop_front().unwrap());
            assert!(matches!(said, Said::Stored { .. }), "{said:?}");
        }
        ids.push_back(courier.ask(&format!("runs/b/{n}"), b"sealed", None));
    }
}

#[test]
fn files_of_many_lengths_share_a_connection() {
    let mut site = Site::new();
    let proxy = Faulty::before(servers().s3, Fault::None);
    site.s3 = proxy.url();
    let courier = Courier::upload(&site);
    for n in 1..=12 {
        courier.put(&format!("runs/a/{n}"), &vec![7; n * 20_000]).unwrap();
    }
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn more_requests_than_agreed_are_refused() {
    let mut site = Site::new();
    let silent = Faulty::before(servers().s3, Fault::Hold("runs"));
    site.s3 = silent.url();
    let courier = Courier::upload(&site);
    for n in 0..MAX_IN_FLIGHT {
        courier.ask(&format!("runs/a/{n}"), b"sealed", None);
    }
    let (said, _) = courier.answer(courier.ask("runs/a/more", b"sealed", None));
    assert!(matches!(said, Said::Failed { failure, .. } if failure.kind == Kind::Invalid));
}
