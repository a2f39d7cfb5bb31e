//! What a run's manifest says. Pure data; it is trusted only when it came out of
//! [`verify`](super::verify).

use karakuri_protocol::job::Exit;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::context::Class;
use crate::digest::Summary;

/// The version of the manifest written here.
pub const VERSION: u32 = 1;

/// A run and everything it made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`].
    pub version: u32,
    /// The customer, as in the messages' encryption context.
    pub tenant: String,
    /// The installation, likewise.
    pub site: String,
    /// The run's id, likewise.
    pub run: String,
    /// What was run.
    pub workflow: Workflow,
    /// When the run began, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// When the run ended, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub finished: OffsetDateTime,
    /// How it ended.
    pub outcome: Exit,
    /// Everything it made, in the order in which it was sealed.
    pub artifacts: Vec<Artifact>,
}

/// Which workflow, in which version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One sealed thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Its id, unique within the run.
    pub id: String,
    /// What a person calls it. Carries no business data.
    pub name: String,
    /// Its class, as in the encryption context.
    pub class: Class,
    /// The media type of the plaintext.
    pub media_type: String,
    /// The message it is sealed in.
    pub summary: Summary,
}
