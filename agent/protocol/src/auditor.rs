//! `karakuri` ⇄ karakuri-courier of an auditor: what a person with the right to decrypt asks of KMS and of
//! the bucket. One request at a time; each is answered before the next.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::courier::{Failure, KeyContext};

/// Version of the messages below; both sides must say the same.
pub const VERSION: u16 = 1;
/// The most objects in one answer.
pub const MAX_LISTED: i32 = 1000;

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Asked {
    /// Have KMS decrypt a wrapped data key.
    Unwrap {
        /// The key that wrapped it.
        key_arn: String,
        /// What it wrapped.
        wrapped: Vec<u8>,
        /// The context it was wrapped with; an RSA key in KMS has none.
        context: Option<KeyContext>,
    },
    /// Name the objects below a key of the layout, for example `runs/2026-11-21/<run>/`.
    List {
        /// What their keys begin with.
        prefix: String,
        /// From the answer before, to go on.
        after: Option<String>,
    },
    /// Fetch an object. Fd: the write end of a pipe, which gets its bytes.
    Get {
        /// Its key.
        key: String,
    },
    /// Store a signed record beside what it is about, unless it is there. Fd: the record, a sealed memfd.
    Record {
        /// Its key.
        key: String,
    },
    /// Delete an object with all versions and delete markers of it; one that is not there is deleted.
    Erase {
        /// Its key.
        key: String,
    },
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwrap { key_arn, .. } => write!(f, "Unwrap({key_arn})"),
            Self::List { prefix, .. } => write!(f, "List({prefix})"),
            Self::Get { key } => write!(f, "Get({key})"),
            Self::Record { key } => write!(f, "Record({key})"),
            Self::Erase { key } => write!(f, "Erase({key})"),
        }
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Said {
    /// The walls are up.
    Ready {
        /// [`VERSION`].
        version: u16,
    },
    /// What was wrapped. Fd: the read end of a pipe that holds it and then ends.
    Unwrapped {},
    /// Objects, by their keys.
    Listed {
        /// At most [`MAX_LISTED`].
        objects: Vec<Object>,
        /// There are more: to be handed back.
        next: Option<String>,
    },
    /// The whole object is in the pipe.
    Got {
        /// Its length in bytes.
        bytes: u64,
    },
    /// The record is in the bucket.
    Recorded {},
    /// Nothing is under the key any more.
    Erased {
        /// Versions and delete markers that were deleted.
        versions: u32,
    },
    /// It could not be done.
    Failed(Failure),
}

/// An object of the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// Its key in the layout, without the site's prefix.
    pub key: String,
    /// Its length in bytes.
    pub bytes: u64,
}
