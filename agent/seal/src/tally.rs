//! Counts and hashes a message while it passes.
//!
//! Two hashes cost more than the cipher, so that a long message has a thread that does nothing else: it is
//! then sealed and opened about as fast as it is encrypted. A short one is not worth a thread.

use std::fmt;
use std::panic;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use aws_lc_rs::digest;

use crate::digest::{MessageId, Summary, sha256_value};

/// Bytes of a body from which on it is a long one.
const LONG: u64 = 1 << 20;

/// Frames that may wait for the thread: what it holds in memory.
const WAITING: usize = 4;

/// The lengths and hashes of a message so far.
pub(crate) struct Tally {
    message_id: MessageId,
    header_length: u64,
    body_length: u64,
    hashing: Hashing,
}

enum Hashing {
    Here(Hashes),
    Beside { frames: SyncSender<Vec<u8>>, used: Receiver<Vec<u8>>, thread: JoinHandle<Hashes> },
}

#[derive(Clone)]
struct Hashes {
    message: digest::Context,
    body: digest::Context,
}

impl Tally {
    /// Starts with the header.
    pub(crate) fn new(message_id: MessageId, header: &[u8]) -> Self {
        let mut message = digest::Context::new(&digest::SHA256);
        message.update(header);
        let hashes = Hashes { message, body: digest::Context::new(&digest::SHA256) };
        let header_length = header.len() as u64;
        Self { message_id, header_length, body_length: 0, hashing: Hashing::Here(hashes) }
    }

    /// Adds a whole frame as it stands in the message, encrypted.
    pub(crate) fn frame(&mut self, bytes: &[u8]) {
        let was_long = self.body_length >= LONG;
        self.body_length += bytes.len() as u64;
        if !was_long && self.body_length >= LONG {
            self.hashing.move_to_thread();
        }
        self.hashing.update(bytes);
    }

    pub(crate) fn finish(self) -> Summary {
        let hashes = self.hashing.finish();
        Summary {
            message_id: self.message_id,
            message_length: self.header_length + self.body_length,
            message_sha256: sha256_value(hashes.message),
            body_length: self.body_length,
            body_sha256: sha256_value(hashes.body),
        }
    }
}

impl Hashing {
    /// Without a thread to be had, hashing goes on here.
    fn move_to_thread(&mut self) {
        let Self::Here(hashes) = self else { return };
        let mut hashes = hashes.clone();
        let (frames, waiting) = sync_channel::<Vec<u8>>(WAITING);
        let (back, used) = channel();
        let work = move || {
            for frame in waiting {
                hashes.update(&frame);
                // Nobody waits for the last ones.
                drop(back.send(frame));
            }
            hashes
        };
        if let Ok(thread) = Builder::new().name("hashing".to_owned()).spawn(work) {
            *self = Self::Beside { frames, used, thread };
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Here(hashes) => hashes.update(bytes),
            Self::Beside { frames, used, .. } => {
                let mut frame = used.try_recv().unwrap_or_default();
                frame.clear();
                frame.extend_from_slice(bytes);
                // Fails only when the thread has panicked, which `finish` passes on.
                drop(frames.send(frame));
            }
        }
    }

    fn finish(self) -> Hashes {
        match self {
            Self::Here(hashes) => hashes,
            Self::Beside { frames, thread, .. } => {
                drop(frames);
                thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
            }
        }
    }
}

impl Hashes {
    fn update(&mut self, bytes: &[u8]) {
        self.message.update(bytes);
        self.body.update(bytes);
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally")
            .field("message_id", &self.message_id)
            .field("body_length", &self.body_length)
            .finish_non_exhaustive()
    }
}
