//! Opens messages. Releases a frame only after its tag was checked, and accepts nothing that the
//! sealer would not have written.
//!
//! The order of the checks: header within limits → context of the four pairs → data key unwrapped →
//! commitment → header tag → context the expected one → each frame's number, IV and tag → end of the
//! message.

use std::io::{BufReader, Read, Write};

use crate::context::Context;
use crate::digest::Summary;
use crate::error::OpenError;
use crate::frame::{Frame, FrameBuffer};
use crate::header::Header;
use crate::suite::{DataKey, MessageKey, Place};
use crate::tally::Tally;
use crate::wrapping::{Unwrap, WrappedKey};

/// What an authentic message says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it is bound to.
    pub context: Context,
    /// Its lengths and hashes, to be compared with the signed manifest.
    pub summary: Summary,
}

/// Decrypts `message` into `out` with the first of `keys` that fits.
///
/// `out` gets each frame as soon as it is authentic, so after an error it holds an authentic
/// beginning of the plaintext, which the caller throws away. Memory is bounded by the frame length.
///
/// # Errors
/// An [`OpenError`] that names what is wrong with the message.
pub fn open<U: Unwrap>(
    keys: &[U],
    expected: Option<&Context>,
    message: impl Read,
    mut out: impl Write,
) -> Result<Opened, OpenError> {
    // For the header's small fields; whole frames are larger and pass it by.
    let mut message = BufReader::new(message);
    let begun = Begun::read(keys, expected, &mut message)?;
    let mut tally = Tally::new(begun.header.message_id, &begun.header.to_bytes());
    begun.frames(message, |frame, key| {
        tally.frame(frame.as_bytes());
        out.write_all(frame.open(key)?).map_err(OpenError::Write)
    })?;
    out.flush().map_err(OpenError::Write)?;
    Ok(Opened { context: begun.context, summary: tally.finish() })
}

/// A message whose header is authentic.
pub(crate) struct Begun {
    pub(crate) header: Header,
    pub(crate) context: Context,
    pub(crate) data_key: DataKey,
    pub(crate) key: MessageKey,
}

impl Begun {
    /// Reads the header and checks it with the first of `keys` that fits.
    pub(crate) fn read<U: Unwrap>(
        keys: &[U],
        expected: Option<&Context>,
        message: impl Read,
    ) -> Result<Self, OpenError> {
        let header = Header::read(message)?;
        let context = Context::from_bytes(&header.context)?;
        let data_key = unwrap(keys, &context, &header)?;
        let key = MessageKey::derive(&data_key, header.message_id)?;
        if !key.commits_to(&header.commitment) {
            return Err(OpenError::Commitment);
        }
        if !key.header_is_authentic(&header.body, header.tag) {
            return Err(OpenError::HeaderTag);
        }
        if let Some(expected) = expected {
            compare(expected, &context)?;
        }
        Ok(Self { header, context, data_key, key })
    }

    /// Reads the body to its end, and hands over each frame, which is authentic only once it is opened.
    pub(crate) fn frames(
        &self,
        message: impl Read,
        mut take: impl FnMut(Frame<'_>, &MessageKey) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        frames(&self.header, message, |frame| take(frame, &self.key))
    }
}

/// What a message claims to be, checked for its form alone: for who keeps messages and has no key. It is
/// no proof of anything but its own bytes.
///
/// # Errors
/// An [`OpenError`] about the form.
pub fn describe(message: impl Read) -> Result<Opened, OpenError> {
    let mut message = BufReader::new(message);
    let header = Header::read(&mut message)?;
    let context = Context::from_bytes(&header.context)?;
    let mut tally = Tally::new(header.message_id, &header.to_bytes());
    frames(&header, message, |frame| {
        tally.frame(frame.as_bytes());
        Ok(())
    })?;
    Ok(Opened { context, summary: tally.finish() })
}

/// Reads a body to its end, which must be that of the message.
fn frames(
    header: &Header,
    mut message: impl Read,
    mut take: impl FnMut(Frame<'_>) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let mut buffer = FrameBuffer::new(header.frame_length as usize);
    let mut number = 1;
    loop {
        let frame = buffer.read(&mut message, number)?;
        let place = frame.place();
        take(frame)?;
        if place == Place::Final {
            break;
        }
        number += 1;
    }
    // One byte more would pass the official Python SDK unseen.
    let mut extra = [0; 1];
    match message.read_exact(&mut extra) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(()),
        Err(error) => Err(OpenError::Read(error)),
        Ok(()) => Err(OpenError::TrailingBytes),
    }
}

fn compare(expected: &Context, found: &Context) -> Result<(), OpenError> {
    let differing = expected.pairs().into_iter().zip(found.pairs()).find(|(a, b)| a != b);
    match differing {
        None => Ok(()),
        Some(((key, _), _)) => Err(OpenError::WrongContext { key }),
    }
}

fn unwrap<U: Unwrap>(keys: &[U], context: &Context, header: &Header) -> Result<DataKey, OpenError> {
    for wrapped in &header.wrapped_keys {
        for key in keys {
            if let Some(data_key) = key.unwrap(context, wrapped)? {
                return Ok(data_key);
            }
        }
    }
    let sealed_for = header.wrapped_keys.iter().map(WrappedKey::recipient).collect();
    Err(OpenError::NoKey { sealed_for })
}
