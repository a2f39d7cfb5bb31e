//! The signed story of a run: which artifacts it made, bound by length, hash and message id.
//!
//! - [`Manifest`] is the list, `run.rs`.
//! - [`Rewrap`] says which of them were sealed for others later, `rewrap.rs`.
//! - [`Removal`] says which of them are there no more and why, `removal.rs`.
//! - [`sign`] and [`verify`] put such a document into and out of a DSSE envelope, `envelope.rs`.
//! - [`SigningIdentity`] and [`VerifyingKey`] are the Ed25519 keys, `keys.rs`.

mod envelope;
mod keys;
mod removal;
mod rewrap;
mod run;

pub use envelope::{MAX_ENVELOPE, ManifestError, Payload, sign, verify};
pub use keys::{KeyId, Origin, SigningIdentity, VerifyingKey};
pub use removal::{Reason, Removal, RemovedArtifact};
pub use rewrap::{Rewrap, RewrappedArtifact};
pub use run::{Artifact, AuditHead, Manifest, VERSION, Workflow};
