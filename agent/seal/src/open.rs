//! Opens messages. Releases a frame only after its tag was checked, and accepts nothing that the
//! sealer would not have written.
//!
//! The order of the checks: header within limits → data key unwrapped → commitment → header tag →
//! context → each frame's number, IV and tag → end of the message.

use std::io::{BufReader, Read, Write};

use crate::context::Context;
use crate::digest::{Summary, Tally};
use crate::error::OpenError;
use crate::frame::FrameBuffer;
use crate::header::Header;
use crate::keyring::Identity;
use crate::suite::{DataKey, MessageKey, Place};

/// What an authentic message says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it is bound to.
    pub context: Context,
    /// Its lengths and hashes, to be compared with the signed manifest.
    pub summary: Summary,
}

/// Decrypts `message` into `out` with the first of `identities` that fits.
///
/// `out` gets each frame as soon as it is authentic, so after an error it holds an authentic
/// beginning of the plaintext, which the caller throws away. Memory is bounded by the frame length.
///
/// # Errors
/// An [`OpenError`] that names what is wrong with the message.
pub fn open(
    identities: &[Identity],
    expected: Option<&Context>,
    message: impl Read,
    out: impl Write,
) -> Result<Opened, OpenError> {
    // For the header's small fields; whole frames are larger and pass it by.
    let mut message = BufReader::new(message);
    let header = Header::read(&mut message)?;
    let data_key = unwrap(identities, &header)?;
    let key = MessageKey::derive(&data_key, header.message_id)?;
    if !key.commits_to(&header.commitment) {
        return Err(OpenError::Commitment);
    }
    if !key.header_is_authentic(&header.body, header.tag) {
        return Err(OpenError::HeaderTag);
    }
    let context = Context::from_bytes(&header.context)?;
    if let Some(expected) = expected {
        compare(expected, &context)?;
    }
    let summary = open_body(&header, &key, message, out)?;
    Ok(Opened { context, summary })
}

fn unwrap(identities: &[Identity], header: &Header) -> Result<DataKey, OpenError> {
    for wrapped in &header.wrapped_keys {
        for identity in identities {
            if let Some(data_key) = identity.unwrap(wrapped)? {
                return Ok(data_key);
            }
        }
    }
    let sealed_for = header.wrapped_keys.iter().map(|key| key.recipient()).collect();
    Err(OpenError::NoKey { sealed_for })
}

fn compare(expected: &Context, found: &Context) -> Result<(), OpenError> {
    let differing = expected.pairs().into_iter().zip(found.pairs()).find(|(a, b)| a != b);
    match differing {
        None => Ok(()),
        Some(((key, _), _)) => Err(OpenError::WrongContext { key }),
    }
}

fn open_body(
    header: &Header,
    key: &MessageKey,
    mut message: impl Read,
    mut out: impl Write,
) -> Result<Summary, OpenError> {
    let mut tally = Tally::new(header.message_id, &header.to_bytes());
    let mut buffer = FrameBuffer::new(header.frame_length as usize);
    let mut number = 1;
    loop {
        let frame = buffer.read(&mut message, number)?;
        let place = frame.place();
        tally.frame(frame.as_bytes());
        out.write_all(frame.open(key)?).map_err(OpenError::Write)?;
        if place == Place::Final {
            break;
        }
        number += 1;
    }
    // One byte more would pass the official Python SDK unseen.
    let mut extra = [0; 1];
    match message.read_exact(&mut extra) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(OpenError::Read(error)),
        Ok(()) => return Err(OpenError::TrailingBytes),
    }
    out.flush().map_err(OpenError::Write)?;
    Ok(tally.finish())
}
