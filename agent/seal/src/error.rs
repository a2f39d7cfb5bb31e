//! What can go wrong when sealing and when opening. No message names a key or carries plaintext.

use std::io;

use crate::suite::CryptoFailure;

/// Sealing, or reading a key, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A value of the encryption context cannot be used.
    #[error(
        "{key} of the encryption context {reason}: give 1 to 128 bytes without control characters"
    )]
    Context {
        /// Which of the four.
        key: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody could open what would be sealed.
    #[error("no recipient: name at least one public key to seal for")]
    NoRecipient,
    /// More recipients than a header may name.
    #[error("{given} recipients, at most {limit} are possible: seal for fewer keys")]
    TooManyRecipients {
        /// How many were given.
        given: usize,
        /// How many are possible.
        limit: usize,
    },
    /// The namespace or name of a wrapping key cannot be used.
    #[error(
        "wrapping key {name:?}: namespace and name need 1 to 128 bytes of printable ASCII, and no namespace begins with aws-kms"
    )]
    KeyName {
        /// The name.
        name: String,
    },
    /// A wrapping key that is somewhere else could not be used.
    #[error("wrapping the data key failed: {0}")]
    Wrap(String),
    /// A key file is not PEM of the expected kind.
    #[error("key {name:?} is not a PEM {expected:?} block: {reason}")]
    Pem {
        /// The key's name.
        name: String,
        /// The label that was expected.
        expected: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The key inside the PEM block was refused.
    #[error(
        "key {name:?} was refused ({reason}): use an RSA key of 3072 to 8192 bits for wrapping, Ed25519 for signing"
    )]
    Key {
        /// The key's name.
        name: String,
        /// What the crypto library says.
        reason: String,
    },
    /// The data key has sealed as many messages as it may.
    #[error("the data key has sealed {limit} messages: make a new sealer")]
    DataKeyUsedUp {
        /// The most messages of one data key.
        limit: u32,
    },
    /// A message cannot have more frames than its counter counts.
    #[error("the message is longer than the format allows: split it")]
    TooLong,
    /// An earlier write of this message failed; what was written is not a message.
    #[error("an earlier write of this message failed: throw away what was written and seal again")]
    Broken,
    /// The plaintext could not be read.
    #[error("reading what is to be sealed failed")]
    Read(#[source] io::Error),
    /// The message could not be written.
    #[error("writing the sealed message failed")]
    Write(#[source] io::Error),
    /// The crypto library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoFailure),
}

/// A message was not opened. Nothing that is not authentic was released before this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not a message of format version 2.
    #[error("not a sealed message: it starts with {0:#04x} instead of 0x02")]
    Version(u8),
    /// Another algorithm suite than 0x0478.
    #[error(
        "algorithm suite {0:#06x} is not accepted, only 0x0478 (AES-256-GCM, HKDF-SHA-512, key commitment)"
    )]
    Suite(u16),
    /// The content is not framed.
    #[error("content type {0:#04x} is not accepted, only framed content (0x02)")]
    ContentType(u8),
    /// A length in the message is over the limit, which is there to bound memory.
    #[error("{field} is {found}, allowed are {least} to {most}")]
    OverLimit {
        /// The field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The smallest value allowed.
        least: u64,
        /// The largest value allowed.
        most: u64,
    },
    /// The message ends early.
    #[error("the message ends before its final frame: it was cut or never finished")]
    Truncated,
    /// Bytes follow the final frame.
    #[error("bytes follow the final frame: the message was added to")]
    TrailingBytes,
    /// None of the keys at hand can unwrap the data key.
    #[error("none of the given keys opens this message, it is sealed for {}", .sealed_for.join(", "))]
    NoKey {
        /// Namespace and name of each recipient, escaped. They are not authenticated.
        sealed_for: Vec<String>,
    },
    /// A wrapping key that is somewhere else could not be used.
    #[error("unwrapping the data key failed: {0}")]
    Unwrap(String),
    /// The message could not be wrapped for others.
    #[error(transparent)]
    Rewrap(#[from] SealError),
    /// The data key is not the one the message was made with.
    #[error("the key commitment does not fit: the header was altered or the data key replaced")]
    Commitment,
    /// The header is not what was sealed.
    #[error("the header is not authentic: it was altered")]
    HeaderTag,
    /// The message is bound to something else than tenant, site, run and class.
    #[error("the encryption context is not exactly tenant, site, run and class")]
    UnknownContext,
    /// The message belongs to something else than was asked for.
    #[error("{key} of the message is not the expected one: this is another message")]
    WrongContext {
        /// The first of the four that differs.
        key: &'static str,
    },
    /// A frame is not where it belongs.
    #[error("frame {found} stands where frame {expected} belongs: frames were moved or left out")]
    FrameOrder {
        /// The number that belongs here.
        expected: u32,
        /// The number found.
        found: u32,
    },
    /// A frame's IV is not its number.
    #[error("the IV of frame {frame} is not its number: the frame was altered")]
    FrameIv {
        /// The frame.
        frame: u32,
    },
    /// A frame is not what was sealed.
    #[error("frame {frame} is not authentic: it was altered")]
    FrameTag {
        /// The frame.
        frame: u32,
    },
    /// The message could not be read.
    #[error("reading the sealed message failed")]
    Read(#[source] io::Error),
    /// The plaintext could not be written.
    #[error("writing the opened message failed")]
    Write(#[source] io::Error),
    /// The crypto library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoFailure),
}

impl OpenError {
    /// An end of file inside the message is a cut, not a broken disk.
    pub(crate) fn reading(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Read(error),
        }
    }
}
