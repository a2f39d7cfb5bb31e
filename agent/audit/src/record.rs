//! The final format of a record: one line of canonical JSON (RFC 8785), one line a record.
//!
//! | field | meaning |
//! | --- | --- |
//! | `actor` | who: `daemon`, `monitor`, `desktop`, `courier`, `script`, `user` |
//! | `boot` | the kernel's boot id |
//! | `class` | `activity` or `security` |
//! | `data` | the event's own fields |
//! | `event` | what: `run.started`, `act.intended`, `security.…` |
//! | `mono_ns` | nanoseconds since that boot (`CLOCK_BOOTTIME`), as text: after 104 days of uptime a JSON number would lose digits |
//! | `prev` | SHA-256 of the line before, without its newline; 64 zeros in the first record |
//! | `run` | the run, left out when there is none |
//! | `seq` | 0, 1, 2, … |
//! | `v` | 1 |
//! | `wall` | UTC, RFC 3339, milliseconds |
//!
//! The records are, as they stand, the leaves of an RFC 6962 tree: leaf `seq` has the hash
//! SHA-256(00 ‖ line), the line without its newline. A tree can therefore be built over any log
//! later, without changing a record.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::canonical::to_canonical;
use crate::digest::Sha256;
use crate::event::{Class, Event};

/// The version written and read here.
pub(crate) const VERSION: u32 = 1;

/// The largest `seq`: JSON numbers are exact up to here (RFC 8785, appendix D).
pub(crate) const MAX_SEQ: u64 = 1 << 53;

/// Bytes of a line without its newline. Bounds what a reader holds in memory.
pub const MAX_LINE: usize = 64 * 1024;

/// A record as it stands in the log. An event that this program does not know is readable too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of the format.
    pub v: u32,
    /// Place in the log, from 0.
    pub seq: u64,
    /// The kernel's boot id.
    pub boot: String,
    /// Nanoseconds since that boot.
    #[serde(with = "decimal")]
    pub mono_ns: u64,
    /// UTC, RFC 3339, milliseconds.
    pub wall: String,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Who.
    pub actor: String,
    /// `activity` or `security`.
    pub class: Class,
    /// What.
    pub event: String,
    /// The event's own fields.
    pub data: Value,
    /// SHA-256 of the line before.
    pub prev: Sha256,
}

impl Record {
    /// Reads a line, without its newline. `None` unless it is a record in its one canonical form.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        let record: Self = serde_json::from_slice(line).ok()?;
        let is_whole = record.v == VERSION && record.seq <= MAX_SEQ && record.wall_time().is_some();
        (is_whole && to_canonical(&record).ok()? == line).then_some(record)
    }

    /// The event with its typed fields; `None` if this program does not know it.
    #[must_use]
    pub fn event(&self) -> Option<Event> {
        let tagged = serde_json::json!({ "event": self.event, "data": self.data });
        serde_json::from_value(tagged).ok()
    }

    /// The wall time; `None` if it is not RFC 3339.
    #[must_use]
    pub fn wall_time(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::parse(&self.wall, &Rfc3339).ok()
    }
}

/// The last record of a log: what has to be kept elsewhere to notice that its end is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Its place in the log.
    pub seq: u64,
    /// SHA-256 of its line.
    pub hash: Sha256,
}

/// A `u64` as decimal text in its one form, without sign or leading zero.
mod decimal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
