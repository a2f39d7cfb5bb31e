//! Message ids, SHA-256 values and the summary of a finished message, all hexadecimal in JSON.

use std::fmt;
use std::io;
use std::str::FromStr;

use aws_lc_rs::digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Defines a 32-byte value that is written as 64 lower-case hexadecimal digits.
macro_rules! hex_value {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The value of these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = hex::FromHexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes)?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_value! {
    /// The 32 random bytes that name a message and salt its key.
    MessageId
}

hex_value! {
    /// A SHA-256 value.
    Sha256
}

/// What a manifest says of a message: enough to refuse any other bytes in its place.
///
/// The body is everything after the header. It stays the same when the data key is wrapped for
/// another recipient, the message as a whole does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// The message's id, out of its header.
    pub message_id: MessageId,
    /// Bytes of the whole message.
    pub message_length: u64,
    /// SHA-256 of the whole message.
    pub message_sha256: Sha256,
    /// Bytes of the body.
    pub body_length: u64,
    /// SHA-256 of the body.
    pub body_sha256: Sha256,
}

/// The value of what `context` took.
pub(crate) fn sha256_value(context: digest::Context) -> Sha256 {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    Sha256(bytes)
}

impl Sha256 {
    /// The SHA-256 of what `source` yields.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(mut source: impl io::BufRead) -> io::Result<Self> {
        let mut context = digest::Context::new(&digest::SHA256);
        loop {
            let bytes = match source.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if bytes.is_empty() {
                return Ok(sha256_value(context));
            }
            context.update(bytes);
            let count = bytes.len();
            source.consume(count);
        }
    }

    /// The SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(bytes);
        sha256_value(context)
    }
}
