//! Frames: the body of a message. Owns the layout and the one buffer a frame lives in.
//!
//! | bytes | field of a regular frame | field of the final frame |
//! | --- | --- | --- |
//! | 4 | – | FF FF FF FF |
//! | 4 | frame number, from 1 | frame number |
//! | 12 | IV: the number | IV: the number |
//! | 4 | – | content length, 0 to the frame length |
//! | n | content, the frame length of the header | content |
//! | 16 | tag | tag |
//!
//! The content is encrypted and decrypted in the buffer. It starts with room for the longer of the
//! two fronts, so that a frame is one slice and one write whichever of the two it becomes.

use std::fmt;
use std::io::{self, Read};

use zeroize::Zeroize;

use crate::error::OpenError;
use crate::header;
use crate::suite::{CryptoFailure, IV_LENGTH, MessageKey, Place, TAG_LENGTH, frame_iv};

const FINAL_MARK: [u8; 4] = [0xff; 4];
const REGULAR_FRONT: usize = 4 + IV_LENGTH;
const FINAL_FRONT: usize = 4 + 4 + IV_LENGTH + 4;

/// One frame's bytes: room for a front, the content, room for a tag. Wiped when dropped.
pub(crate) struct FrameBuffer {
    bytes: Vec<u8>,
    filled: usize,
}

impl FrameBuffer {
    pub(crate) fn new(frame_length: usize) -> Self {
        Self { bytes: vec![0; FINAL_FRONT + frame_length + TAG_LENGTH], filled: 0 }
    }

    /// Where the next plaintext goes; empty when the frame is full.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        let end = self.bytes.len() - TAG_LENGTH;
        &mut self.bytes[FINAL_FRONT + self.filled..end]
    }

    /// Says that `count` bytes of [`Self::room`] now hold plaintext.
    pub(crate) fn advance(&mut self, count: usize) {
        self.filled += count;
    }

    /// Encrypts the content, gives the whole frame, and leaves the buffer empty for the next.
    pub(crate) fn seal(
        &mut self,
        key: &MessageKey,
        place: Place,
        number: u32,
    ) -> Result<&[u8], CryptoFailure> {
        let length = self.filled;
        let end = FINAL_FRONT + length;
        let tag = key.encrypt_frame(place, number, &mut self.bytes[FINAL_FRONT..end])?;
        self.bytes[end..end + TAG_LENGTH].copy_from_slice(&tag);
        self.filled = 0;
        let number_bytes = number.to_be_bytes();
        let start = match place {
            Place::Regular => {
                let start = FINAL_FRONT - REGULAR_FRONT;
                put(&mut self.bytes[start..], &[&number_bytes, &frame_iv(number)]);
                start
            }
            Place::Final => {
                let length = u32::try_from(length).map_err(|_| CryptoFailure)?.to_be_bytes();
                let front: [&[u8]; 4] = [&FINAL_MARK, &number_bytes, &frame_iv(number), &length];
                put(&mut self.bytes, &front);
                0
            }
        };
        Ok(&self.bytes[start..end + TAG_LENGTH])
    }

    /// Reads the next frame as it stands in the message, not yet checked against any key.
    pub(crate) fn read(
        &mut self,
        mut message: impl Read,
        expected: u32,
    ) -> Result<Frame<'_>, OpenError> {
        let frame_length = self.bytes.len() - FINAL_FRONT - TAG_LENGTH;
        let mut fill = |part: &mut [u8]| message.read_exact(part).map_err(OpenError::reading);
        fill(&mut self.bytes[..4])?;
        let (place, front, length) = if self.bytes[..4] == FINAL_MARK {
            fill(&mut self.bytes[4..FINAL_FRONT])?;
            let length = u32_at(&self.bytes, FINAL_FRONT - 4);
            header::check("length of the final frame", u64::from(length), 0, frame_length as u64)?;
            (Place::Final, FINAL_FRONT, length as usize)
        } else {
            fill(&mut self.bytes[4..REGULAR_FRONT])?;
            (Place::Regular, REGULAR_FRONT, frame_length)
        };
        let number_at = if place == Place::Final { 4 } else { 0 };
        let found = u32_at(&self.bytes, number_at);
        if found != expected {
            return Err(OpenError::FrameOrder { expected, found });
        }
        if self.bytes[number_at + 4..][..IV_LENGTH] != frame_iv(expected) {
            return Err(OpenError::FrameIv { frame: expected });
        }
        let end = front + length + TAG_LENGTH;
        fill(&mut self.bytes[front..end])?;
        Ok(Frame { place, number: expected, bytes: &mut self.bytes[..end], front })
    }
}

impl Drop for FrameBuffer {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for FrameBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrameBuffer({} bytes filled)", self.filled)
    }
}

/// A frame as read, still encrypted.
pub(crate) struct Frame<'a> {
    place: Place,
    number: u32,
    bytes: &'a mut [u8],
    front: usize,
}

impl<'a> Frame<'a> {
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// The whole frame as it stands in the message.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes
    }

    /// Checks the frame and gives its plaintext; the only way to it.
    pub(crate) fn open(self, key: &MessageKey) -> Result<&'a [u8], OpenError> {
        let (content, tag) = self.bytes[self.front..]
            .split_last_chunk_mut::<TAG_LENGTH>()
            .ok_or(OpenError::Truncated)?;
        if key.decrypt_frame(self.place, self.number, content, *tag) {
            Ok(content)
        } else {
            Err(OpenError::FrameTag { frame: self.number })
        }
    }
}

/// Fills `room` as far as `source` gives; fewer bytes mean that `source` is at its end.
pub(crate) fn read_full(mut source: impl Read, room: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < room.len() {
        match source.read(&mut room[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn put(mut out: &mut [u8], parts: &[&[u8]]) {
    for part in parts {
        let (front, rest) = out.split_at_mut(part.len());
        front.copy_from_slice(part);
        out = rest;
    }
}

fn u32_at(bytes: &[u8], start: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[start..start + 4]);
    u32::from_be_bytes(value)
}
