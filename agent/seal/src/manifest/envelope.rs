//! The DSSE envelope around a manifest (Dead Simple Signing Envelope 1.0.2, secure-systems-lab).
//!
//! JSON: `payloadType`, `payload` (base64 of the manifest's JSON) and `signatures`, each with a
//! `keyid` and a `sig` (base64). Signed is not the JSON but its pre-authentication encoding
//!
//! `"DSSEv1" SP length(payloadType) SP payloadType SP length(payload) SP payload`
//!
//! with lengths in decimal, so that nothing has to be canonical and nothing is parsed unchecked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::keys::{SigningIdentity, VerifyingKey};
use super::run::{Manifest, VERSION};
use crate::error::SealError;

/// The payload type of a manifest's envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.karakuri.manifest+json";

/// An artifact takes about 600 bytes: room for 50 000.
const MAX_ENVELOPE: usize = 32 << 20;
const MAX_SIGNATURES: usize = 8;

/// A manifest could not be signed, or is not to be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The key could not be used.
    #[error(transparent)]
    Key(#[from] SealError),
    /// The envelope is too large to be read.
    #[error("the manifest has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// Its bytes.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not an envelope.
    #[error("the manifest is not a DSSE envelope: it was altered or is another file")]
    Envelope(#[source] serde_json::Error),
    /// A part of the envelope is not base64.
    #[error("{part} of the manifest's envelope is not base64: it was altered")]
    Base64 {
        /// Which part.
        part: &'static str,
    },
    /// The envelope holds something else.
    #[error("the envelope does not hold a manifest: its payload type is not {PAYLOAD_TYPE}")]
    PayloadType,
    /// More signatures than are looked at.
    #[error("the manifest has {found} signatures, at most {limit} are checked")]
    TooManySignatures {
        /// How many.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// No signature is by a key that is trusted.
    #[error("no signature of the manifest is by a trusted key: it was altered or signed elsewhere")]
    Signature,
    /// The signed payload is of a version that cannot be read.
    #[error(
        "the manifest has version {found}, this program reads up to {VERSION}: use a newer program"
    )]
    Version {
        /// Its version.
        found: u32,
    },
    /// The manifest could not be turned into JSON, or out of it although its signature is right.
    #[error(
        "the manifest's content cannot be read or written: use the program version that made it"
    )]
    Payload(#[source] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope {
    payload_type: String,
    payload: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    keyid: String,
    sig: String,
}

/// Only the version, to tell a newer manifest from a broken one.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Signs `manifest` and gives the envelope as JSON.
///
/// # Errors
/// [`ManifestError::Payload`] or [`ManifestError::Key`].
pub fn sign(manifest: &Manifest, identity: &SigningIdentity) -> Result<Vec<u8>, ManifestError> {
    let payload = serde_json::to_vec(manifest).map_err(ManifestError::Payload)?;
    let signature = identity.sign(&pre_authentication_encoding(PAYLOAD_TYPE, &payload));
    let envelope = Envelope {
        payload_type: PAYLOAD_TYPE.to_owned(),
        payload: STANDARD.encode(&payload),
        signatures: vec![EnvelopeSignature {
            keyid: identity.verifying_key()?.id().to_string(),
            sig: STANDARD.encode(signature),
        }],
    };
    serde_json::to_vec(&envelope).map_err(ManifestError::Envelope)
}

/// Checks the signature by one of `trusted` and gives the manifest. Nothing of the payload is
/// looked at before that.
///
/// # Errors
/// A [`ManifestError`] that says why the manifest is not to be believed.
pub fn verify(envelope: &[u8], trusted: &[VerifyingKey]) -> Result<Manifest, ManifestError> {
    if envelope.len() > MAX_ENVELOPE {
        return Err(ManifestError::TooLarge { found: envelope.len(), limit: MAX_ENVELOPE });
    }
    let envelope: Envelope = serde_json::from_slice(envelope).map_err(ManifestError::Envelope)?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(ManifestError::PayloadType);
    }
    let found = envelope.signatures.len();
    if found > MAX_SIGNATURES {
        return Err(ManifestError::TooManySignatures { found, limit: MAX_SIGNATURES });
    }
    let payload = decode("payload", &envelope.payload)?;
    let signed = pre_authentication_encoding(&envelope.payload_type, &payload);
    for signature in &envelope.signatures {
        let bytes = decode("signature", &signature.sig)?;
        // The key id is only a hint and not authentic: every trusted key is tried.
        if trusted.iter().any(|key| key.verifies(&signed, &bytes)) {
            return parse(&payload);
        }
    }
    Err(ManifestError::Signature)
}

fn parse(payload: &[u8]) -> Result<Manifest, ManifestError> {
    let Versioned { version } = serde_json::from_slice(payload).map_err(ManifestError::Payload)?;
    if !(1..=VERSION).contains(&version) {
        return Err(ManifestError::Version { found: version });
    }
    serde_json::from_slice(payload).map_err(ManifestError::Payload)
}

fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, ManifestError> {
    STANDARD.decode(text).map_err(|_| ManifestError::Base64 { part })
}

fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}
