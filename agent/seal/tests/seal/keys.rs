//! Keys and contexts that must not be used are refused when they are read, not when it is too late.

use std::io::{self, Write};

use crate::fixture::{self, NAME, NAMESPACE, context, identity};
use karakuri_seal::{Identity, Recipient, SealError, Sealer, open};

/// A 2048-bit RSA public key, as `openssl rsa -pubout` writes it.
const RSA_2048: &str = include_str!("data/rsa2048.pub.pem");
/// A P-256 public key.
const P256: &str = include_str!("data/p256.pub.pem");

#[test]
fn an_identity_survives_its_pem() {
    let pem = identity().to_pkcs8_pem().unwrap();
    let again = Identity::from_pkcs8_pem(NAMESPACE, NAME, &pem).unwrap();
    let (message, _) = fixture::seal(b"kept");
    let mut plaintext = Vec::new();
    open(&[again], Some(&context()), message.as_slice(), &mut plaintext).unwrap();
    assert_eq!(plaintext, b"kept");
}

#[test]
fn a_recipient_survives_its_pem() {
    let pem = identity().recipient().unwrap().to_pem().unwrap();
    let recipient = Recipient::from_pem(NAMESPACE, NAME, &pem).unwrap();
    assert_eq!(recipient.to_pem().unwrap(), pem);
    let mut message = Vec::new();
    Sealer::new(context(), &[recipient]).unwrap().seal(&b"kept"[..], &mut message).unwrap();
    assert_eq!(fixture::try_open(&message).0, b"kept");
}

#[test]
fn a_short_key_is_refused() {
    let refused = Recipient::from_pem(NAMESPACE, NAME, RSA_2048).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "key \"off-line 1\" was refused (it has only 2048 bits): use an RSA key of 3072 to 8192 \
         bits for wrapping, Ed25519 for signing"
    );
}

#[test]
fn a_key_that_is_not_rsa_is_refused() {
    let refused = Recipient::from_pem(NAMESPACE, NAME, P256).unwrap_err();
    assert!(matches!(refused, SealError::Key { .. }), "{refused}");
}

#[test]
fn a_private_key_is_not_taken_for_a_public_one() {
    let pem = identity().to_pkcs8_pem().unwrap();
    let refused = Recipient::from_pem(NAMESPACE, NAME, &pem).unwrap_err();
    assert!(matches!(refused, SealError::Pem { expected: "PUBLIC KEY", .. }), "{refused}");
}

#[test]
fn names_that_the_format_or_a_person_would_trip_over_are_refused() {
    let pem = identity().recipient().unwrap().to_pem().unwrap();
    let long = "n".repeat(129);
    for (namespace, name) in
        [("", "n"), ("ns", ""), ("aws-kms", "n"), ("ns", "line\nbreak"), ("ns", long.as_str())]
    {
        let refused = Recipient::from_pem(namespace, name, &pem).unwrap_err();
        assert!(matches!(refused, SealError::KeyName { .. }), "{namespace}/{name}: {refused}");
    }
}

#[test]
fn contexts_that_bind_nothing_are_refused() {
    let recipients = [identity().recipient().unwrap()];
    for (value, reason) in [
        (String::new(), "is empty"),
        ("v".repeat(129), "is longer than 128 bytes"),
        ("a\u{0}b".to_owned(), "has control characters"),
    ] {
        let mut context = context();
        context.site = value;
        let refused = Sealer::new(context, &recipients).unwrap_err();
        assert!(
            matches!(refused, SealError::Context { key: "site", reason: r } if r == reason),
            "{refused}"
        );
    }
}

#[test]
fn without_a_recipient_or_with_too_many_nothing_is_sealed() {
    assert!(matches!(
        Sealer::new::<Recipient>(context(), &[]).unwrap_err(),
        SealError::NoRecipient
    ));
    let many: Vec<_> = (0..17).map(|_| identity().recipient().unwrap()).collect();
    let refused = Sealer::new(context(), &many).unwrap_err();
    assert!(matches!(refused, SealError::TooManyRecipients { given: 17, limit: 16 }));
}

#[test]
fn nothing_secret_is_printed() {
    let pem = identity().to_pkcs8_pem().unwrap();
    assert_eq!(format!("{:?}", identity()), "Identity(karakuri-test/off-line 1, ..)");
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let sealer = fixture::sealer();
    assert!(format!("{sealer:?}").ends_with("recipients: 1, messages: 0, .. }"), "{sealer:?}");
}

/// Takes the header and fails at the first frame.
#[derive(Debug)]
struct FullDisk {
    writes: u32,
}

impl Write for FullDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        match self.writes {
            1 => Ok(bytes.len()),
            _ => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_failed_write_a_message_cannot_be_finished() {
    let mut writer = fixture::sealer().writer(FullDisk { writes: 0 }).unwrap();
    let frame = vec![0; karakuri_seal::FRAME_LENGTH as usize];
    let error = writer.write_all(&frame).unwrap_err();
    let cause = error.get_ref().unwrap().downcast_ref::<SealError>().unwrap();
    assert!(matches!(cause, SealError::Write(e) if e.kind() == io::ErrorKind::StorageFull));
    assert!(matches!(writer.finish().unwrap_err(), SealError::Broken));
}
