//! Seals artifacts so that only the tenant can read them, and signs the story that goes with them.
//!
//! Owns the message format (AWS Encryption SDK v2, suite 0x0478), the data keys while a run seals,
//! and the signed run manifest. It does no file or network access of its own: it reads from and
//! writes to what it is handed, holds a few frames in memory, and leaves nothing of a key behind.
//!
//! - [`Sealer`] makes messages; one per run and class. [`open`] reads them, with an [`Identity`];
//!   [`rewrap`] gives them other recipients.
//! - [`Wrap`] and [`Unwrap`] are what wrapping keys do: [`Recipient`] and [`Identity`] for raw RSA keys,
//!   [`kms`] for keys in KMS.
//! - [`FieldKey`] encrypts one personal value within an artifact, [`IndexKey`] makes the tokens it is found by.
//! - [`manifest`] signs and checks the list of a run's artifacts.
//!
//! The layout of a message stands at the head of `header.rs` and `frame.rs`.

mod context;
mod digest;
mod error;
mod field;
mod frame;
mod header;
mod keyring;
pub mod kms;
pub mod manifest;
mod open;
mod pem;
mod rewrap;
mod rsa;
mod sealer;
mod suite;
mod tally;
mod wrapping;

pub use context::{Class, Context, UnknownClass};
pub use digest::{MessageId, Sha256, Summary};
pub use error::{OpenError, SealError};
pub use field::{FieldKey, IndexKey};
pub use keyring::{Identity, Recipient};
pub use open::{Opened, describe, open};
pub use rewrap::{Rewrapped, rewrap};
pub use sealer::{FRAME_LENGTH, MAX_MESSAGES, MessageWriter, Sealer};
pub use suite::{CryptoFailure, DataKey};
pub use wrapping::{Unwrap, Wrap, WrappedKey};
