//! What is sealed opens to the same bytes, at every length around the edge of a frame.

use std::io::Write;

use crate::fixture::{
    self, FRAME_EXTRA, context, header_length, identity, pattern, seal, sealer, try_open,
};
use karakuri_seal::{Class, FRAME_LENGTH, Identity, OpenError, Sealer, Sha256, open};

const FRAME: usize = FRAME_LENGTH as usize;

#[test]
fn every_length_around_a_frame_comes_back() {
    for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 5 * 1024 * 1024 + 3] {
        let plaintext = pattern(length);
        let (message, summary) = seal(&plaintext);
        let (opened, result) = try_open(&message);
        let found = result.unwrap();
        assert_eq!(opened, plaintext, "{length} bytes");
        assert_eq!(found.summary, summary, "{length} bytes");
        assert_eq!(found.context, context());
    }
}

#[test]
fn the_summary_describes_the_bytes_that_were_written() {
    let (message, summary) = seal(&pattern(FRAME + 10));
    let body = &message[header_length(&summary)..];
    assert_eq!(summary.message_length, message.len() as u64);
    assert_eq!(summary.message_sha256, Sha256::of(&message));
    assert_eq!(summary.body_sha256, Sha256::of(body));
    assert_eq!(body.len(), (FRAME + FRAME_EXTRA) + (10 + FRAME_EXTRA + 8));
    assert_eq!(summary.message_id.as_bytes(), &message[3..35]);
    let json = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<karakuri_seal::Summary>(&json).unwrap(), summary);
}

#[test]
fn a_long_message_hashed_beside_has_the_hashes_of_its_bytes() {
    for frames in [15, 16, 17, 40] {
        let (message, summary) = seal(&pattern(frames * FRAME + 5));
        assert_eq!(summary.message_sha256, Sha256::of(&message), "{frames} frames");
        assert_eq!(summary.body_sha256, Sha256::of(&message[header_length(&summary)..]));
    }
}

#[test]
fn written_in_pieces_it_is_the_same_plaintext() {
    let plaintext = pattern(3 * FRAME + 77);
    let mut writer = sealer().writer(Vec::new()).unwrap();
    for piece in plaintext.chunks(1009) {
        writer.write_all(piece).unwrap();
    }
    let (message, summary) = writer.finish().unwrap();
    let (opened, result) = try_open(&message);
    assert_eq!(result.unwrap().summary, summary);
    assert_eq!(opened, plaintext);
}

#[test]
fn messages_of_one_sealer_share_no_id_and_no_ciphertext() {
    let mut sealer = sealer();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    let one = sealer.seal(&b"the same"[..], &mut first).unwrap();
    let two = sealer.seal(&b"the same"[..], &mut second).unwrap();
    assert_ne!(one.message_id, two.message_id);
    assert_ne!(one.body_sha256, two.body_sha256);
}

#[test]
fn each_of_several_recipients_opens_it_and_no_one_else() {
    let other = Identity::generate("karakuri-test", "second").unwrap();
    let stranger = Identity::generate("karakuri-test", "third").unwrap();
    let recipients = [identity().recipient().unwrap(), other.recipient().unwrap()];
    let mut message = Vec::new();
    Sealer::new(context(), &recipients).unwrap().seal(&b"both"[..], &mut message).unwrap();
    for reader in [identity(), &other] {
        let mut plaintext = Vec::new();
        open(std::slice::from_ref(reader), None, message.as_slice(), &mut plaintext).unwrap();
        assert_eq!(plaintext, b"both");
    }
    let refused = open(&[stranger], None, message.as_slice(), Vec::new()).unwrap_err();
    assert!(matches!(&refused, OpenError::NoKey { sealed_for }
        if sealed_for == &["karakuri-test/off-line 1", "karakuri-test/second"]));
}

#[test]
fn a_key_of_the_same_name_does_not_open_it() {
    let impostor = Identity::generate(fixture::NAMESPACE, fixture::NAME).unwrap();
    let (message, _) = seal(b"mine");
    let refused = open(&[impostor], None, message.as_slice(), Vec::new()).unwrap_err();
    assert!(matches!(refused, OpenError::NoKey { .. }), "{refused}");
}

#[test]
fn a_message_of_another_run_or_class_is_refused() {
    let (message, _) = seal(b"this run");
    let mut other_run = context();
    other_run.run = "20261121-101112-00000000".to_owned();
    let mut other_class = context();
    other_class.class = Class::Pii;
    for (expected, differing) in [(other_run, "run"), (other_class, "class")] {
        let mut plaintext = Vec::new();
        let refused = open(
            std::slice::from_ref(identity()),
            Some(&expected),
            message.as_slice(),
            &mut plaintext,
        )
        .unwrap_err();
        assert!(matches!(refused, OpenError::WrongContext { key } if key == differing));
        assert_eq!(plaintext, b"");
    }
}
