//! The DSSE envelope around a signed document (Dead Simple Signing Envelope 1.0.2, secure-systems-lab).
//!
//! JSON: `payloadType`, `payload` (base64 of the document's JSON) and `signatures`, each with a
//! `keyid` and a `sig` (base64). Signed is not the JSON but its pre-authentication encoding
//!
//! `"DSSEv1" SP length(payloadType) SP payloadType SP length(payload) SP payload`
//!
//! with lengths in decimal, so that nothing has to be canonical and nothing is parsed unchecked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::keys::{KeyId, Origin, SigningIdentity, VerifyingKey};
use crate::error::SealError;

/// A document that is signed.
pub trait Payload: Serialize + DeserializeOwned {
    /// What it is called in messages to a person.
    const NAME: &'static str;
    /// Its payload type, which keeps one kind of document from being taken for another.
    const TYPE: &'static str;
    /// The latest version of its layout, the field `version`; all from 1 can be read.
    const VERSION: u32;

    /// The site it says it comes from.
    fn origin(&self) -> Origin;
}

/// The most bytes of a signed document. An artifact takes about 600 of a manifest: room for 50 000.
pub const MAX_ENVELOPE: usize = 32 << 20;
const MAX_SIGNATURES: usize = 8;

/// A document could not be signed, or is not to be believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The key could not be used.
    #[error(transparent)]
    Key(#[from] SealError),
    /// The envelope is too large to be read.
    #[error("the {name} has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// Which document.
        name: &'static str,
        /// Its bytes.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not an envelope.
    #[error("the {name} is not a DSSE envelope: it was altered or is another file")]
    Envelope {
        /// Which document.
        name: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A part of the envelope is not base64.
    #[error("{part} of the envelope is not base64: it was altered")]
    Base64 {
        /// Which part.
        part: &'static str,
    },
    /// The envelope holds something else.
    #[error("the envelope does not hold a {name}: its payload type is not {expected}")]
    PayloadType {
        /// Which document.
        name: &'static str,
        /// The payload type it has.
        expected: &'static str,
    },
    /// More signatures than are looked at.
    #[error("the {name} has {found} signatures, at most {limit} are checked")]
    TooManySignatures {
        /// Which document.
        name: &'static str,
        /// How many.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// No signature is by a key that is trusted.
    #[error("no signature of the {name} is by a trusted key: it was altered or signed elsewhere")]
    Signature {
        /// Which document.
        name: &'static str,
    },
    /// The key that signed it is believed for another site only.
    #[error("the {name} is of {found}, and the key {key} that signed it is of {only}")]
    Origin {
        /// Which document.
        name: &'static str,
        /// The key.
        key: KeyId,
        /// Where the document says it comes from.
        found: Box<Origin>,
        /// The site whose key it is.
        only: Box<Origin>,
    },
    /// The signed payload is of a version that cannot be read.
    #[error(
        "the {name} has version {found}, this program reads up to {latest}: use a newer program"
    )]
    Version {
        /// Which document.
        name: &'static str,
        /// Its version.
        found: u32,
        /// The latest that can be read.
        latest: u32,
    },
    /// The document could not be turned into JSON, or out of it although its signature is right.
    #[error(
        "the content of the {name} cannot be read or written: use the program version that made it"
    )]
    Payload {
        /// Which document.
        name: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
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

/// Only the version, to tell a newer document from a broken one.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Signs `document` and gives the envelope as JSON.
///
/// # Errors
/// [`ManifestError::Payload`] or [`ManifestError::Key`].
pub fn sign<P: Payload>(
    document: &P,
    identity: &SigningIdentity,
) -> Result<Vec<u8>, ManifestError> {
    let unwritten = |source| ManifestError::Payload { name: P::NAME, source };
    let payload = serde_json::to_vec(document).map_err(unwritten)?;
    let signature = identity.sign(&pre_authentication_encoding(P::TYPE, &payload));
    let envelope = Envelope {
        payload_type: P::TYPE.to_owned(),
        payload: STANDARD.encode(&payload),
        signatures: vec![EnvelopeSignature {
            keyid: identity.verifying_key()?.id().to_string(),
            sig: STANDARD.encode(signature),
        }],
    };
    serde_json::to_vec(&envelope).map_err(unwritten)
}

/// Checks the signature by one of `trusted` and gives the document. Nothing of the payload is
/// looked at before that.
///
/// # Errors
/// A [`ManifestError`] that says why the document is not to be believed.
pub fn verify<P: Payload>(envelope: &[u8], trusted: &[VerifyingKey]) -> Result<P, ManifestError> {
    let name = P::NAME;
    if envelope.len() > MAX_ENVELOPE {
        return Err(ManifestError::TooLarge { name, found: envelope.len(), limit: MAX_ENVELOPE });
    }
    let envelope: Envelope = serde_json::from_slice(envelope)
        .map_err(|source| ManifestError::Envelope { name, source })?;
    if envelope.payload_type != P::TYPE {
        return Err(ManifestError::PayloadType { name, expected: P::TYPE });
    }
    let found = envelope.signatures.len();
    if found > MAX_SIGNATURES {
        return Err(ManifestError::TooManySignatures { name, found, limit: MAX_SIGNATURES });
    }
    let payload = decode("payload", &envelope.payload)?;
    let signed = pre_authentication_encoding(&envelope.payload_type, &payload);
    for signature in &envelope.signatures {
        let bytes = decode("signature", &signature.sig)?;
        // The key id is only a hint and not authentic: every trusted key is tried.
        if let Some(key) = trusted.iter().find(|key| key.verifies(&signed, &bytes)) {
            let document: P = parse(&payload)?;
            return match (key.site(), document.origin()) {
                (Some(only), found) if *only != found => {
                    let (key, found, only) = (key.id(), Box::new(found), Box::new(only.clone()));
                    Err(ManifestError::Origin { name, key, found, only })
                }
                _ => Ok(document),
            };
        }
    }
    Err(ManifestError::Signature { name })
}

fn parse<P: Payload>(payload: &[u8]) -> Result<P, ManifestError> {
    let unread = |source| ManifestError::Payload { name: P::NAME, source };
    let Versioned { version } = serde_json::from_slice(payload).map_err(unread)?;
    if !(1..=P::VERSION).contains(&version) {
        let (name, latest) = (P::NAME, P::VERSION);
        return Err(ManifestError::Version { name, found: version, latest });
    }
    serde_json::from_slice(payload).map_err(unread)
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
