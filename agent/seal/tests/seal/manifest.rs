//! A manifest is believed only as it was signed, by a key that is trusted.

use crate::fixture;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use karakuri_protocol::job::Exit;
use karakuri_seal::manifest::{
    Artifact, AuditHead, Manifest, ManifestError, Payload, Rewrap, SigningIdentity, VERSION,
    VerifyingKey, Workflow, sign, verify,
};
use karakuri_seal::{Class, Sha256};
use serde_json::Value;
use time::macros::datetime;

pub(crate) fn manifest() -> Manifest {
    let (_, summary) = fixture::seal(b"report");
    Manifest {
        version: VERSION,
        tenant: "acme".to_owned(),
        site: "osaka-1".to_owned(),
        run: "20261121-101112-0badcafe".to_owned(),
        workflow: Workflow { name: "invoice-entry".to_owned(), version: "1.2.0".to_owned() },
        started: datetime!(2026-11-21 10:11:12.345 UTC),
        finished: datetime!(2026-11-21 10:15:00 UTC),
        outcome: Exit::Success,
        artifacts: vec![Artifact {
            id: "0001".to_owned(),
            name: "report".to_owned(),
            class: Class::Evidence,
            media_type: "text/html".to_owned(),
            summary,
        }],
        audit: Some(AuditHead { seq: 41, hash: Sha256::from_bytes([7; 32]) }),
    }
}

struct Signed {
    envelope: Value,
    key: VerifyingKey,
}

impl Signed {
    fn new() -> Self {
        let identity = SigningIdentity::generate().unwrap();
        let envelope = sign(&manifest(), &identity).unwrap();
        let envelope = serde_json::from_slice(&envelope).unwrap();
        Self { envelope, key: identity.verifying_key().unwrap() }
    }

    fn refusal(&self) -> ManifestError {
        let envelope = serde_json::to_vec(&self.envelope).unwrap();
        verify::<Manifest>(&envelope, std::slice::from_ref(&self.key)).unwrap_err()
    }
}

#[test]
fn what_was_signed_comes_back() {
    let identity = SigningIdentity::generate().unwrap();
    let manifest = manifest();
    let envelope = sign(&manifest, &identity).unwrap();
    let other = SigningIdentity::generate().unwrap().verifying_key().unwrap();
    let trusted = [other, identity.verifying_key().unwrap()];
    assert_eq!(verify::<Manifest>(&envelope, &trusted).unwrap(), manifest);
}

#[test]
fn keys_survive_their_pem() {
    let identity = SigningIdentity::generate().unwrap();
    let again = SigningIdentity::from_pkcs8_pem(&identity.to_pkcs8_pem().unwrap()).unwrap();
    let key = VerifyingKey::from_pem(&identity.verifying_key().unwrap().to_pem().unwrap()).unwrap();
    let envelope = sign(&manifest(), &again).unwrap();
    verify::<Manifest>(&envelope, std::slice::from_ref(&key)).unwrap();
    assert_eq!(key.id(), again.verifying_key().unwrap().id());
    assert_eq!(format!("{identity:?}"), "SigningIdentity(..)");
}

#[test]
fn an_altered_payload_is_refused() {
    let mut signed = Signed::new();
    let payload = STANDARD.decode(signed.envelope["payload"].as_str().unwrap()).unwrap();
    let altered = String::from_utf8(payload).unwrap().replace("osaka-1", "osaka-2");
    signed.envelope["payload"] = STANDARD.encode(altered).into();
    assert!(matches!(signed.refusal(), ManifestError::Signature { .. }));
}

#[test]
fn a_signature_of_another_key_is_refused() {
    let mut signed = Signed::new();
    signed.key = SigningIdentity::generate().unwrap().verifying_key().unwrap();
    assert!(matches!(signed.refusal(), ManifestError::Signature { .. }));
}

#[test]
fn an_envelope_without_a_signature_is_refused() {
    let mut signed = Signed::new();
    signed.envelope["signatures"] = Value::Array(Vec::new());
    assert!(matches!(signed.refusal(), ManifestError::Signature { .. }));
}

#[test]
fn a_signed_document_of_another_type_is_refused() {
    let mut signed = Signed::new();
    signed.envelope["payloadType"] = "application/vnd.karakuri.job+json".into();
    assert!(matches!(signed.refusal(), ManifestError::PayloadType { .. }));
}

#[test]
fn a_manifest_is_not_taken_for_a_record_of_rewrapping() {
    let identity = SigningIdentity::generate().unwrap();
    let envelope = sign(&manifest(), &identity).unwrap();
    let refused = verify::<Rewrap>(&envelope, &[identity.verifying_key().unwrap()]).unwrap_err();
    assert!(matches!(refused, ManifestError::PayloadType { .. }), "{refused}");
}

#[test]
fn a_newer_version_is_told_from_a_broken_one() {
    let identity = SigningIdentity::generate().unwrap();
    let newer = Manifest { version: VERSION + 1, ..manifest() };
    let envelope = sign(&newer, &identity).unwrap();
    let refused = verify::<Manifest>(&envelope, &[identity.verifying_key().unwrap()]).unwrap_err();
    assert!(matches!(refused, ManifestError::Version { found: 3, .. }), "{refused}");
    let never = Manifest { version: 0, ..manifest() };
    let envelope = sign(&never, &identity).unwrap();
    let refused = verify::<Manifest>(&envelope, &[identity.verifying_key().unwrap()]).unwrap_err();
    assert!(matches!(refused, ManifestError::Version { found: 0, .. }), "{refused}");
}

#[test]
fn a_manifest_of_version_1_is_read_and_says_nothing_of_the_audit_log() {
    let identity = SigningIdentity::generate().unwrap();
    let earlier = Manifest { version: 1, audit: None, ..manifest() };
    let envelope = sign(&earlier, &identity).unwrap();
    let payload: Value = serde_json::from_slice(&envelope).unwrap();
    let payload = STANDARD.decode(payload["payload"].as_str().unwrap()).unwrap();
    let layout: Value = serde_json::from_slice(&payload).unwrap();
    let keys: Vec<&String> = layout.as_object().unwrap().keys().collect();
    let first = [
        "artifacts",
        "finished",
        "outcome",
        "run",
        "site",
        "started",
        "tenant",
        "version",
        "workflow",
    ];
    assert_eq!(keys, first);
    assert_eq!(
        verify::<Manifest>(&envelope, &[identity.verifying_key().unwrap()]).unwrap(),
        earlier
    );
}

#[test]
fn what_is_not_an_envelope_is_refused() {
    let key = SigningIdentity::generate().unwrap().verifying_key().unwrap();
    let trusted = std::slice::from_ref(&key);
    assert!(matches!(
        verify::<Manifest>(b"", trusted).unwrap_err(),
        ManifestError::Envelope { .. }
    ));
    let mut signed = Signed::new();
    signed.envelope["unknown"] = true.into();
    assert!(matches!(signed.refusal(), ManifestError::Envelope { .. }));
    let mut signed = Signed::new();
    signed.envelope["payload"] = "*".into();
    assert!(matches!(signed.refusal(), ManifestError::Base64 { part: "payload" }));
    let large = vec![b' '; (32 << 20) + 1];
    assert!(matches!(
        verify::<Manifest>(&large, trusted).unwrap_err(),
        ManifestError::TooLarge { .. }
    ));
}

/// The signed bytes are those of the specification, built here by hand.
#[test]
fn the_signature_is_over_the_dsse_pre_authentication_encoding() {
    let signed = Signed::new();
    let payload = STANDARD.decode(signed.envelope["payload"].as_str().unwrap()).unwrap();
    let mut encoding = format!("DSSEv1 38 {} {} ", Manifest::TYPE, payload.len()).into_bytes();
    encoding.extend_from_slice(&payload);
    let signature = signed.envelope["signatures"][0]["sig"].as_str().unwrap();
    let spki = signed.key.to_pem().unwrap();
    let der = STANDARD.decode(spki.lines().nth(1).unwrap()).unwrap();
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(
        &aws_lc_rs::signature::ED25519,
        &der[der.len() - 32..],
    );
    key.verify(&encoding, &STANDARD.decode(signature).unwrap()).unwrap();
    assert_eq!(signed.envelope["signatures"][0]["keyid"], signed.key.id().to_string());
}
