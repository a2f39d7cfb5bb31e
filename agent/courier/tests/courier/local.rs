//! A store that is a directory: the same messages, without a network.

use karakuri_protocol::courier::{Checksum, Said};

use crate::rig::{Courier, sha256};

#[test]
fn a_directory_is_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let store = tempfile::tempdir().unwrap();
    let arguments = ["--role", "upload", "--store", store.path().to_str().unwrap()];
    let courier = Courier::spawn(&arguments, directory, "/nowhere".into());
    assert_eq!(courier.hear(), Some(Said::Ready { version: 1 }), "{}", courier.log());
    let Said::Stored { proof, .. } = courier.put("runs/a/1.esdk", b"sealed").unwrap() else {
        panic!("not stored")
    };
    assert_eq!(proof.checksum, Checksum::Sha256(sha256(b"sealed")));
    assert_eq!(std::fs::read(store.path().join("runs/a/1.esdk")).unwrap(), b"sealed");
}

#[test]
fn a_courier_of_keys_is_not_needed_without_kms() {
    let directory = tempfile::tempdir().unwrap();
    let courier = Courier::spawn(&["--role", "keys"], directory, "/nowhere".into());
    let words = courier.last_words();
    assert!(words.contains("asks KMS for no keys"), "{words}");
}
