//! What a message belongs to: tenant, site, run and class, bound to it as the encryption context.
//!
//! The encryption context is exactly these four pairs, and the KMS context is the same. Serialized
//! (AWS Encryption SDK specification, "Message Header", Encryption Context), pairs sorted by the
//! bytes of their keys:
//!
//! | bytes | field |
//! | --- | --- |
//! | 2 | number of pairs, 4 |
//! | 2 + n | key: length, UTF-8 |
//! | 2 + n | value: length, UTF-8 |

use std::fmt;
use std::str::FromStr;

use karakuri_protocol::courier::KeyContext;
use serde::{Deserialize, Serialize};

use crate::error::{OpenError, SealError};

/// Bytes a context value may have. Keeps the header small and far below the format's 65 535.
const MAX_VALUE: usize = 128;

/// What kind of thing an artifact is: who may read it and how long it lives depend on this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Pictures, recordings, the report, the log: what shows how the run went.
    Evidence,
    /// What the workflow was run for.
    Output,
    /// Personal data kept apart from what it was masked in.
    Pii,
    /// Events of the life of the run.
    Event,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Evidence, Self::Output, Self::Pii, Self::Event];

    /// The name in the encryption context and in manifests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Output => "output",
            Self::Pii => "pii",
            Self::Event => "event",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no class.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown class {0:?}: use evidence, output, pii or event")]
pub struct UnknownClass(String);

impl FromStr for Class {
    type Err = UnknownClass;

    fn from_str(name: &str) -> Result<Self, UnknownClass> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == name)
            .ok_or_else(|| UnknownClass(name.to_owned()))
    }
}

/// The encryption context: what a message is bound to and what KMS is asked with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// The customer.
    pub tenant: String,
    /// The installation.
    pub site: String,
    /// The run's id.
    pub run: String,
    /// The kind of artifact.
    pub class: Class,
}

impl From<&Context> for KeyContext {
    fn from(Context { tenant, site, run, class }: &Context) -> Self {
        let [tenant, site, run] = [tenant, site, run].map(String::clone);
        Self { tenant, site, run, class: class.as_str().to_owned() }
    }
}

impl Context {
    /// The four pairs in the order in which they are serialized.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, &str); 4] {
        [
            ("class", self.class.as_str()),
            ("run", &self.run),
            ("site", &self.site),
            ("tenant", &self.tenant),
        ]
    }

    /// Serializes the pairs as the header carries them.
    ///
    /// # Errors
    /// [`SealError::Context`] for a value that is empty, over 128 bytes or has control characters.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, SealError> {
        let mut bytes = Vec::from(4_u16.to_be_bytes());
        for (key, value) in self.pairs() {
            check_value(key, value)?;
            for text in [key, value] {
                let length = u16::try_from(text.len())
                    .map_err(|_| SealError::Context { key, reason: "is too long" })?;
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        Ok(bytes)
    }

    /// Reads the pairs of an authenticated header.
    ///
    /// # Errors
    /// [`OpenError::UnknownContext`] unless they are exactly the four pairs, each once, in order.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, OpenError> {
        let context = Self::parse(bytes).ok_or(OpenError::UnknownContext)?;
        // One spelling only: what does not serialize to the same bytes carried something else.
        match context.to_bytes() {
            Ok(again) if again == bytes => Ok(context),
            _ => Err(OpenError::UnknownContext),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (_count, mut rest) = bytes.split_at_checked(2)?;
        let mut values = Vec::with_capacity(4);
        for expected in ["class", "run", "site", "tenant"] {
            if take_text(&mut rest)? != expected {
                return None;
            }
            values.push(take_text(&mut rest)?);
        }
        let [class, run, site, tenant] = <[&str; 4]>::try_from(values).ok()?;
        Some(Self {
            tenant: tenant.to_owned(),
            site: site.to_owned(),
            run: run.to_owned(),
            class: class.parse().ok()?,
        })
    }
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, tail) = rest.split_first_chunk::<2>()?;
    let (text, tail) = tail.split_at_checked(u16::from_be_bytes(*length).into())?;
    *rest = tail;
    std::str::from_utf8(text).ok()
}

fn check_value(key: &'static str, value: &str) -> Result<(), SealError> {
    let reason = if value.is_empty() {
        "is empty"
    } else if value.len() > MAX_VALUE {
        "is longer than 128 bytes"
    } else if value.chars().any(char::is_control) {
        "has control characters"
    } else {
        return Ok(());
    };
    Err(SealError::Context { key, reason })
}
