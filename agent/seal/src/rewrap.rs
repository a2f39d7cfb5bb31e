//! The same message for other recipients: a new header before the same body.
//!
//! Message id, data key and frames stay as they are, so that the body's hash in the signed manifest
//! still holds; what wrapped the data key before is not taken over.

use std::io::{BufReader, Read, Write};

use crate::context::Context;
use crate::digest::Summary;
use crate::error::OpenError;
use crate::header;
use crate::open::Begun;
use crate::tally::Tally;
use crate::wrapping::{Unwrap, Wrap, wrap_for};

/// A message before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrapped {
    /// What it is bound to.
    pub context: Context,
    /// As it was read.
    pub before: Summary,
    /// As it was written.
    pub after: Summary,
    /// For whom it is sealed now.
    pub sealed_for: Vec<String>,
}

/// Copies `message` to `out` with its data key wrapped for `recipients` instead of those it had. Every
/// frame is checked on the way.
///
/// # Errors
/// An [`OpenError`]; what `out` got is then no message.
pub fn rewrap<U: Unwrap, W: Wrap>(
    keys: &[U],
    recipients: &[W],
    expected: Option<&Context>,
    message: impl Read,
    mut out: impl Write,
) -> Result<Rewrapped, OpenError> {
    let mut message = BufReader::new(message);
    let begun = Begun::read(keys, expected, &mut message)?;
    let mut wrapped_keys = Vec::new();
    wrap_for(recipients, &begun.context, &begun.data_key, &mut wrapped_keys)?;
    let old = &begun.header;
    let new = header::sealed(&begun.key, &old.context, &wrapped_keys, old.frame_length)?;
    out.write_all(&new).map_err(OpenError::Write)?;
    let mut before = Tally::new(old.message_id, &old.to_bytes());
    let mut after = Tally::new(old.message_id, &new);
    begun.frames(message, |frame, key| {
        before.frame(frame.as_bytes());
        after.frame(frame.as_bytes());
        out.write_all(frame.as_bytes()).map_err(OpenError::Write)?;
        frame.open(key).map(drop)
    })?;
    out.flush().map_err(OpenError::Write)?;
    let sealed_for = wrapped_keys.iter().map(|key| key.recipient()).collect();
    let (before, after) = (before.finish(), after.finish());
    Ok(Rewrapped { context: begun.context, before, after, sealed_for })
}
