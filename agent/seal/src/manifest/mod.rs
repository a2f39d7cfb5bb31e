//! The signed story of a run: which artifacts it made, bound by length, hash and message id.
//!
//! - [`Manifest`] is the list, `run.rs`.
//! - [`sign`] and [`verify`] put it into and out of a DSSE envelope, `envelope.rs`.
//! - [`SigningIdentity`] and [`VerifyingKey`] are the Ed25519 keys, `keys.rs`.

mod envelope;
mod keys;
mod run;

pub use envelope::{ManifestError, PAYLOAD_TYPE, sign, verify};
pub use keys::{KeyId, SigningIdentity, VerifyingKey};
pub use run::{Artifact, AuditHead, Manifest, VERSION, Workflow};
