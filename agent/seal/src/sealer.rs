//! Seals plaintext into messages. Owns the data key of one run and class.
//!
//! The data key is wrapped once, when the sealer is made, so that sealing later needs no recipient,
//! no KMS and no network. Plaintext is held one frame at a time and encrypted where it lies.

use std::fmt;
use std::io::{self, Read, Write};

use crate::context::Context;
use crate::digest::Summary;
use crate::error::SealError;
use crate::field::IndexKey;
use crate::frame::{FrameBuffer, read_full};
use crate::header;
use crate::kms::Generated;
use crate::suite::{DataKey, MessageKey, Place, new_message_id};
use crate::tally::Tally;
use crate::wrapping::{Wrap, WrappedKey, wrap_for};

/// Bytes of plaintext in a frame: what opening holds in memory before it can release anything.
pub const FRAME_LENGTH: u32 = 64 * 1024;

/// Messages of one data key. Each message has a key derived for it, so this is no cryptographic
/// bound but limits what one key can disclose; at one segment per 5 s it lasts for 60 days.
pub const MAX_MESSAGES: u32 = 1 << 20;

/// Makes the messages of one run and class.
pub struct Sealer {
    context: Context,
    context_bytes: Vec<u8>,
    data_key: DataKey,
    wrapped_keys: Vec<WrappedKey>,
    messages: u32,
}

impl Sealer {
    /// Makes a data key and wraps it for every recipient; any one of them can open the messages.
    ///
    /// # Errors
    /// [`SealError::Context`], [`SealError::NoRecipient`], [`SealError::TooManyRecipients`] or
    /// [`SealError::Crypto`].
    pub fn new<W: Wrap>(context: Context, recipients: &[W]) -> Result<Self, SealError> {
        Self::with(context, DataKey::generate()?, Vec::new(), recipients)
    }

    /// Takes a data key that KMS made for this context, and wraps it for every recipient too; KMS and any
    /// one of them can open the messages.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_generated<W: Wrap>(
        context: Context,
        Generated { data_key, wrapped }: Generated,
        recipients: &[W],
    ) -> Result<Self, SealError> {
        Self::with(context, data_key, vec![wrapped], recipients)
    }

    fn with<W: Wrap>(
        context: Context,
        data_key: DataKey,
        mut wrapped_keys: Vec<WrappedKey>,
        recipients: &[W],
    ) -> Result<Self, SealError> {
        let context_bytes = context.to_bytes()?;
        wrap_for(recipients, &context, &data_key, &mut wrapped_keys)?;
        Ok(Self { context, context_bytes, data_key, wrapped_keys, messages: 0 })
    }

    /// What the messages are bound to.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The key of the blind index of what is sealed here.
    ///
    /// # Errors
    /// [`SealError::Crypto`].
    pub fn index_key(&self) -> Result<IndexKey, SealError> {
        Ok(IndexKey::derive(&self.data_key, &self.context_bytes)?)
    }

    /// Seals all of `plaintext` into one message.
    ///
    /// # Errors
    /// [`SealError::Read`] or [`SealError::Write`], and as [`Self::writer`] and
    /// [`MessageWriter::finish`]. After an error what `out` got is no message.
    pub fn seal(
        &mut self,
        mut plaintext: impl Read,
        out: impl Write,
    ) -> Result<Summary, SealError> {
        let mut writer = self.writer(out)?;
        while writer.fill_from(&mut plaintext)? {}
        let (_out, summary) = writer.finish()?;
        Ok(summary)
    }

    /// Starts a message that is sealed as it is written. The header goes to `out` at once.
    ///
    /// # Errors
    /// [`SealError::DataKeyUsedUp`], [`SealError::Write`] or [`SealError::Crypto`].
    pub fn writer<W: Write>(&mut self, mut out: W) -> Result<MessageWriter<W>, SealError> {
        if self.messages == MAX_MESSAGES {
            return Err(SealError::DataKeyUsedUp { limit: MAX_MESSAGES });
        }
        self.messages += 1;
        let message_id = new_message_id()?;
        let key = MessageKey::derive(&self.data_key, message_id)?;
        let header = header::sealed(&key, &self.context_bytes, &self.wrapped_keys, FRAME_LENGTH)?;
        out.write_all(&header).map_err(SealError::Write)?;
        Ok(MessageWriter {
            out,
            key,
            tally: Tally::new(message_id, &header),
            buffer: FrameBuffer::new(FRAME_LENGTH as usize),
            number: 1,
            broken: false,
        })
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("context", &self.context)
            .field("recipients", &self.wrapped_keys.len())
            .field("messages", &self.messages)
            .finish_non_exhaustive()
    }
}

/// A message in the making. Dropped without [`Self::finish`] it lacks its final frame and no one
/// opens it.
pub struct MessageWriter<W> {
    out: W,
    key: MessageKey,
    tally: Tally,
    buffer: FrameBuffer,
    number: u32,
    broken: bool,
}

impl<W: Write> MessageWriter<W> {
    /// Seals what is left as the final frame, flushes, and gives back what was written to.
    ///
    /// # Errors
    /// [`SealError::Write`], [`SealError::Crypto`], or [`SealError::Broken`] after an earlier error.
    pub fn finish(mut self) -> Result<(W, Summary), SealError> {
        self.emit(Place::Final)?;
        self.out.flush().map_err(SealError::Write)?;
        Ok((self.out, self.tally.finish()))
    }

    /// Reads up to a frame of `plaintext`; `false` at its end.
    fn fill_from(&mut self, plaintext: impl Read) -> Result<bool, SealError> {
        let room = self.buffer.room();
        let wanted = room.len();
        let count = read_full(plaintext, room).map_err(SealError::Read)?;
        self.added(count)?;
        Ok(count == wanted)
    }

    /// Counts plaintext put into the buffer and writes out a full frame. The final frame is
    /// therefore never full, and empty for a plaintext of whole frames, as the format allows.
    fn added(&mut self, count: usize) -> Result<(), SealError> {
        self.buffer.advance(count);
        if self.buffer.room().is_empty() {
            self.emit(Place::Regular)?;
            // u32::MAX as the number of a regular frame would read as the mark of the final one.
            if self.number == u32::MAX - 1 {
                self.broken = true;
                return Err(SealError::TooLong);
            }
            self.number += 1;
        }
        Ok(())
    }

    /// Encrypts and writes the frame in the buffer. After a failure the buffer may hold
    /// ciphertext and the frame may be half written, so the message is given up.
    fn emit(&mut self, place: Place) -> Result<(), SealError> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(SealError::Broken);
        }
        let frame = self.buffer.seal(&self.key, place, self.number)?;
        self.out.write_all(frame).map_err(SealError::Write)?;
        self.tally.frame(frame);
        self.broken = false;
        Ok(())
    }
}

impl<W: Write> Write for MessageWriter<W> {
    fn write(&mut self, plaintext: &[u8]) -> io::Result<usize> {
        if self.broken {
            return Err(io::Error::other(SealError::Broken));
        }
        let room = self.buffer.room();
        let count = plaintext.len().min(room.len());
        room[..count].copy_from_slice(&plaintext[..count]);
        self.added(count).map_err(io::Error::other)?;
        Ok(count)
    }

    /// Flushes what is sealed. A started frame stays, because its length is part of what is sealed.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W> fmt::Debug for MessageWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageWriter")
            .field("key", &self.key)
            .field("frame", &self.number)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, Identity};

    fn sealer() -> Sealer {
        let identity = Identity::generate("karakuri-test", "limits").unwrap();
        let [tenant, site, run] = ["acme", "osaka-1", "1"].map(str::to_owned);
        let context = Context { tenant, site, run, class: Class::Event };
        Sealer::new(context, &[identity.recipient().unwrap()]).unwrap()
    }

    #[test]
    fn a_data_key_is_used_up() {
        let mut sealer = sealer();
        sealer.messages = MAX_MESSAGES - 1;
        sealer.seal(&b"the last"[..], io::sink()).unwrap();
        let refused = sealer.seal(&b"one more"[..], io::sink()).unwrap_err();
        assert!(matches!(refused, SealError::DataKeyUsedUp { limit: MAX_MESSAGES }), "{refused}");
    }

    #[test]
    fn frame_numbers_do_not_run_into_the_final_mark() {
        let frame = vec![0; FRAME_LENGTH as usize];
        let mut writer = sealer().writer(io::sink()).unwrap();
        writer.number = u32::MAX - 1;
        let error = writer.write_all(&frame).unwrap_err();
        let cause = error.get_ref().unwrap().downcast_ref::<SealError>();
        assert!(matches!(cause, Some(SealError::TooLong)), "{error}");
        assert!(matches!(writer.finish().unwrap_err(), SealError::Broken));
    }
}
