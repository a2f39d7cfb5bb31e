//! What a run's manifest says. Pure data; it is trusted only when it came out of
//! [`verify`](super::verify).
//!
//! JSON, an object with the fields of [`Manifest`]; times are RFC 3339 in UTC, hashes 64 lower-case
//! hexadecimal digits.
//!
//! | version | layout |
//! | --- | --- |
//! | 1 | `version`, `tenant`, `site`, `run`, `workflow`, `started`, `finished`, `outcome`, `artifacts`; read, not written any more |
//! | 2 | also `audit`: `seq` and `hash` of the last record of the audit log when this was signed, which is the end of this run; left out when nothing could be recorded |

use karakuri_protocol::job::Exit;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::envelope::Payload;
use super::keys::Origin;
use crate::context::Class;
use crate::digest::{Sha256, Summary};

/// The version of the manifest written here.
pub const VERSION: u32 = 2;

impl Payload for Manifest {
    const NAME: &'static str = "manifest";
    const TYPE: &'static str = "application/vnd.karakuri.manifest+json";
    const VERSION: u32 = VERSION;

    fn origin(&self) -> Origin {
        Origin { tenant: self.tenant.clone(), site: self.site.clone() }
    }
}

/// A run and everything it made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`], or an earlier one.
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
    /// How far the audit log went: it can be cut off before here only with a trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditHead>,
}

/// The last record of an audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditHead {
    /// Its place in the log, from 0.
    pub seq: u64,
    /// SHA-256 of its line.
    pub hash: Sha256,
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
