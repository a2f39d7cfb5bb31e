//! karakurid ⇄ karakuri-courier. A sealed file travels as a read-only fd with its message, a data
//! key as the read end of a pipe.
//!
//! The courier says [`Said::Ready`] (or [`KeySaid::Ready`]) once its walls are up. Then requests may
//! come at any time, at most [`MAX_IN_FLIGHT`] without an answer, and are answered in any order. A
//! request is one attempt: whether and when another is made is karakurid's affair, so that the courier
//! remembers nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Version of the messages below; both sides must say the same.
pub const VERSION: u16 = 1;
/// The most requests that may wait for an answer; more are answered [`Kind::Invalid`].
pub const MAX_IN_FLIGHT: usize = 32;

/// Carry one sealed file to the store. Fd: the file, read-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    /// Chosen by karakurid, echoed in every answer.
    pub id: u64,
    /// Key in the store, for example `runs/2026-11-21/<run>/<artifact>.esdk`.
    pub key: String,
    /// Length in bytes.
    pub length: u64,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// What it holds, for a store whose rules decide how long it stays. None is kept for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Stored>,
    /// The upload that an earlier attempt began, from its [`Said::Started`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
}

/// What a file in the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stored {
    /// An artifact of class `evidence`.
    Evidence,
    /// An artifact of class `output`.
    Output,
    /// An artifact of class `pii`.
    Pii,
    /// An artifact of class `event`.
    Event,
    /// The manifest of a run.
    Manifest,
}

impl Stored {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Evidence, Self::Output, Self::Pii, Self::Event, Self::Manifest];

    /// The value of the tag.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Output => "output",
            Self::Pii => "pii",
            Self::Event => "event",
            Self::Manifest => "manifest",
        }
    }

    /// What a file of a run holds, by its name: `0001-evidence.esdk`.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".esdk").map(|stem| stem.rsplit('-').next());
        match stem {
            Some(class) => Self::ALL[..4].iter().copied().find(|s| Some(s.as_str()) == class),
            None => (name == "manifest.dsse.json").then_some(Self::Manifest),
        }
    }
}

/// What the uploading courier says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Said {
    /// Its walls are up.
    Ready {
        /// [`VERSION`].
        version: u16,
    },
    /// An upload in parts has begun, and no part of it is on its way yet. To be handed back in
    /// [`Put::resume`]; it replaces what was handed.
    Started {
        /// As in the request.
        id: u64,
        /// The store's name for it.
        upload_id: String,
    },
    /// So much of an upload in parts is at the store.
    Progress {
        /// As in the request.
        id: u64,
        /// Bytes.
        bytes: u64,
    },
    /// It is in the store under its key; the store was asked afterwards and said so.
    Stored {
        /// As in the request.
        id: u64,
        /// What the store said.
        proof: Proof,
    },
    /// This attempt failed.
    Failed {
        /// As in the request.
        id: u64,
        /// How.
        failure: Failure,
    },
}

/// What a store says of a file that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Its length in bytes.
    pub length: u64,
    /// The checksum that was compared with the file's own.
    pub checksum: Checksum,
    /// The entity tag, of stores that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The version, of stores that keep several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A checksum over a whole file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Checksum {
    /// SHA-256, lower-case hex.
    Sha256(String),
    /// CRC-64/NVME, 16 digits of lower-case hex: what a store computes over an upload in parts.
    Crc64nvme(String),
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What follows from it.
    pub kind: Kind,
    /// What happened and what to do.
    pub message: String,
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The service could not be reached, was busy, or broke off: try again later.
    Retry,
    /// The session had expired or was taken back, and has been dropped: try again.
    Expired,
    /// No request can succeed: no session could be had, or what answers is not the service. Somebody
    /// has to look, and trying again now and then finds out when it is mended.
    Blocked,
    /// The service refuses this request: somebody has to look, and trying again soon is no use.
    Refused,
    /// Something else is in the store under this key. Nothing was overwritten.
    Conflict,
    /// The request is wrong in itself: a file that is not what was announced, another tenant.
    Invalid,
}

impl Kind {
    /// Whether the same request can succeed without anybody's help.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Retry | Self::Expired | Self::Blocked)
    }

    /// Whether somebody should hear of it.
    #[must_use]
    pub fn is_alarming(self) -> bool {
        !matches!(self, Self::Retry | Self::Expired)
    }
}

/// What a data key is for, and the whole of the context KMS is asked with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyContext {
    /// The customer.
    pub tenant: String,
    /// The installation.
    pub site: String,
    /// The run's id.
    pub run: String,
    /// The class of artifacts.
    pub class: String,
}

/// Have KMS make a data key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generate {
    /// Chosen by karakurid, echoed in the answer.
    pub id: u64,
    /// What for.
    pub context: KeyContext,
}

/// What the courier of the keys says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KeySaid {
    /// Its walls are up.
    Ready {
        /// [`VERSION`].
        version: u16,
    },
    /// The key. Fd: the read end of a pipe that holds its 32 bytes and then ends.
    Generated {
        /// As in the request.
        id: u64,
        /// The KMS key that wraps it.
        key_arn: String,
        /// The wrapped key.
        wrapped: Vec<u8>,
    },
    /// There is none.
    Failed {
        /// As in the request.
        id: u64,
        /// Why.
        failure: Failure,
    },
}

impl fmt::Debug for KeySaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { version } => write!(f, "Ready({version})"),
            Self::Generated { id, key_arn, .. } => write!(f, "Generated({id}, {key_arn})"),
            Self::Failed { id, failure } => write!(f, "Failed({id}, {failure:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_one_spelling() {
        let put = Put {
            id: 7,
            key: "runs/a".to_owned(),
            length: 3,
            sha256: "ab".to_owned(),
            class: None,
            resume: None,
        };
        let text = r#"{"id":7,"key":"runs/a","length":3,"sha256":"ab"}"#;
        assert_eq!(serde_json::to_string(&put).unwrap(), text);
        assert_eq!(serde_json::from_str::<Put>(text).unwrap(), put);
        assert!(serde_json::from_str::<Put>(&text.replace("\"id\"", "\"di\"")).is_err());
        let failure = Failure { kind: Kind::Conflict, message: "taken".to_owned() };
        let text = r#"{"failed":{"id":7,"failure":{"kind":"conflict","message":"taken"}}}"#;
        assert_eq!(serde_json::to_string(&Said::Failed { id: 7, failure }).unwrap(), text);
    }

    #[test]
    fn what_nobody_can_mend_by_waiting_is_not_retried() {
        let kinds = [
            (Kind::Retry, true, false),
            (Kind::Expired, true, false),
            (Kind::Blocked, true, true),
            (Kind::Refused, false, true),
            (Kind::Conflict, false, true),
            (Kind::Invalid, false, true),
        ];
        for (kind, retryable, alarming) in kinds {
            assert_eq!(
                (kind.is_retryable(), kind.is_alarming()),
                (retryable, alarming),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_file_tells_what_it_holds() {
        for (name, holds) in [
            ("0001-evidence.esdk", Some(Stored::Evidence)),
            ("0002-output.esdk", Some(Stored::Output)),
            ("0003-pii.esdk", Some(Stored::Pii)),
            ("0004-event.esdk", Some(Stored::Event)),
            ("manifest.dsse.json", Some(Stored::Manifest)),
            ("0001-manifest.esdk", None),
            ("0001-secret.esdk", None),
            ("evidence", None),
        ] {
            assert_eq!(Stored::of_file(name), holds, "{name}");
        }
    }
}
