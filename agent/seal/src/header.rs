//! The header of a message, version 2. Owns its bytes; says nothing of whether they are authentic.
//!
//! | bytes | field |
//! | --- | --- |
//! | 1 | version, 02 |
//! | 2 | algorithm suite, 04 78 |
//! | 32 | message id |
//! | 2 + n | encryption context: length, bytes (`context.rs`) |
//! | 2 | number of wrapped data keys |
//! | 2 + n | – each: provider id: length, bytes (`wrapping.rs`). For a raw RSA key the key's namespace |
//! | 2 + n | – each: provider info. For a raw RSA key the key's name, for one in KMS its ARN (`kms.rs`) |
//! | 2 + n | – each: the wrapped data key |
//! | 1 | content type, 02 (framed) |
//! | 4 | frame length |
//! | 32 | key commitment |
//! | 16 | authentication tag over all of the above |
//!
//! Integers are big-endian. The body follows (`frame.rs`). Lengths are capped far below what the
//! format allows, before anything is allocated.

use std::io::Read;

use crate::digest::MessageId;
use crate::error::OpenError;
use crate::suite::{COMMITMENT_LENGTH, CryptoFailure, MessageKey, SUITE_ID, TAG_LENGTH};
use crate::wrapping::WrappedKey;

const VERSION: u8 = 2;
const FRAMED: u8 = 2;
/// Four context values of 128 bytes with room to spare.
const MAX_CONTEXT: u16 = 4096;
/// Several keys of a tenant, on line and off.
pub(crate) const MAX_WRAPPED_KEYS: u16 = 16;
/// Key names and KMS ARNs.
const MAX_KEY_TEXT: u16 = 2048;
/// An RSA-8192 ciphertext has 1024 bytes.
const MAX_WRAPPED_KEY: u16 = 1024;
/// Bounds the memory that opening takes. The official SDKs write 4096 bytes by default.
const MAX_FRAME_LENGTH: u32 = 1 << 20;

/// A header as read, with the bytes that its tag covers.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) message_id: MessageId,
    pub(crate) context: Vec<u8>,
    pub(crate) wrapped_keys: Vec<WrappedKey>,
    pub(crate) frame_length: u32,
    pub(crate) commitment: [u8; COMMITMENT_LENGTH],
    pub(crate) body: Vec<u8>,
    pub(crate) tag: [u8; TAG_LENGTH],
}

impl Header {
    /// Reads a header and leaves `message` at the first frame.
    pub(crate) fn read(message: impl Read) -> Result<Self, OpenError> {
        let mut input = Recorder { message, body: Vec::with_capacity(1024) };
        match input.array()? {
            [VERSION] => {}
            [other] => return Err(OpenError::Version(other)),
        }
        match input.array()? {
            SUITE_ID => {}
            other => return Err(OpenError::Suite(u16::from_be_bytes(other))),
        }
        let message_id = MessageId::from_bytes(input.array()?);
        let context = input.sized("length of the encryption context", MAX_CONTEXT)?;
        let count = input.length("number of wrapped keys", 1, MAX_WRAPPED_KEYS)?;
        let wrapped_keys = (0..count).map(|_| input.wrapped_key()).collect::<Result<_, _>>()?;
        match input.array()? {
            [FRAMED] => {}
            [other] => return Err(OpenError::ContentType(other)),
        }
        let frame_length = u32::from_be_bytes(input.array()?);
        check("frame length", frame_length, 1, MAX_FRAME_LENGTH)?;
        let commitment = input.array()?;
        let Recorder { mut message, body } = input;
        let mut tag = [0; TAG_LENGTH];
        message.read_exact(&mut tag).map_err(OpenError::reading)?;
        Ok(Self { message_id, context, wrapped_keys, frame_length, commitment, body, tag })
    }

    /// Bytes of the header with its tag, as they stand in the message.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        [self.body.as_slice(), &self.tag].concat()
    }
}

/// A whole header, with its tag.
pub(crate) fn sealed(
    key: &MessageKey,
    context: &[u8],
    wrapped_keys: &[WrappedKey],
    frame_length: u32,
) -> Result<Vec<u8>, CryptoFailure> {
    let mut header = body(key, context, wrapped_keys, frame_length).ok_or(CryptoFailure)?;
    let tag = key.header_tag(&header)?;
    header.extend_from_slice(&tag);
    Ok(header)
}

/// The part of a header that its tag covers.
fn body(
    key: &MessageKey,
    context: &[u8],
    wrapped_keys: &[WrappedKey],
    frame_length: u32,
) -> Option<Vec<u8>> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&SUITE_ID);
    out.extend_from_slice(key.message_id().as_bytes());
    put_sized(&mut out, context)?;
    out.extend_from_slice(&u16::try_from(wrapped_keys.len()).ok()?.to_be_bytes());
    for key in wrapped_keys {
        put_sized(&mut out, &key.provider_id)?;
        put_sized(&mut out, &key.provider_info)?;
        put_sized(&mut out, &key.ciphertext)?;
    }
    out.push(FRAMED);
    out.extend_from_slice(&frame_length.to_be_bytes());
    out.extend_from_slice(key.commitment());
    Some(out)
}

fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    out.extend_from_slice(&u16::try_from(bytes.len()).ok()?.to_be_bytes());
    out.extend_from_slice(bytes);
    Some(())
}

/// Reads fields and keeps what it read, because the tag covers the bytes as they came.
struct Recorder<R> {
    message: R,
    body: Vec<u8>,
}

impl<R: Read> Recorder<R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], OpenError> {
        let mut bytes = [0; N];
        self.message.read_exact(&mut bytes).map_err(OpenError::reading)?;
        self.body.extend_from_slice(&bytes);
        Ok(bytes)
    }

    fn length(&mut self, field: &'static str, least: u16, most: u16) -> Result<u16, OpenError> {
        let length = u16::from_be_bytes(self.array()?);
        check(field, length, least, most)?;
        Ok(length)
    }

    fn sized(&mut self, field: &'static str, most: u16) -> Result<Vec<u8>, OpenError> {
        let mut bytes = vec![0; self.length(field, 0, most)?.into()];
        self.message.read_exact(&mut bytes).map_err(OpenError::reading)?;
        self.body.extend_from_slice(&bytes);
        Ok(bytes)
    }

    fn wrapped_key(&mut self) -> Result<WrappedKey, OpenError> {
        Ok(WrappedKey {
            provider_id: self.sized("length of a key provider's id", MAX_KEY_TEXT)?,
            provider_info: self.sized("length of a key provider's info", MAX_KEY_TEXT)?,
            ciphertext: self.sized("length of a wrapped key", MAX_WRAPPED_KEY)?,
        })
    }
}

/// Refuses a length outside `least..=most`.
pub(crate) fn check<T: Into<u64>>(
    field: &'static str,
    found: T,
    least: T,
    most: T,
) -> Result<(), OpenError> {
    let (found, least, most) = (found.into(), least.into(), most.into());
    if (least..=most).contains(&found) {
        Ok(())
    } else {
        Err(OpenError::OverLimit { field, found, least, most })
    }
}
