//! One output of the command on its way to ours. Neither end is ever waited for here: a reader that
//! stands still must not keep the limits from being enforced.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use crate::error::CliError;

/// `PIPE_BUF`: what a pipe that poll(2) calls writable takes without waiting; see pipe(7).
const PIECE: usize = 4096;
/// The most that is held between the two ends.
const BUFFER: usize = 64 * 1024;

/// The command's end, our end, and what is between them.
#[derive(Debug)]
pub(super) struct Stream {
    source: Option<File>,
    sink: OwnedFd,
    held: Vec<u8>,
}

impl Stream {
    /// From a pipe of the command to an output of ours.
    pub(super) fn new(source: OwnedFd, sink: impl AsFd) -> Result<Self, CliError> {
        let sink = sink.as_fd().try_clone_to_owned();
        let sink = sink.map_err(CliError::internal("passing output on"))?;
        Ok(Self { source: Some(source.into()), sink, held: Vec::new() })
    }

    /// What the next step needs; none when all has been passed on.
    pub(super) fn awaited(&self) -> Option<PollFd<'_>> {
        if self.held.is_empty() {
            self.source.as_ref().map(|source| PollFd::new(source, PollFlags::IN))
        } else {
            Some(PollFd::new(&self.sink, PollFlags::OUT))
        }
    }

    /// Takes or passes on one piece, once what it awaited is ready. At most `room` more bytes are
    /// passed on and the rest is dropped; false when something was dropped.
    pub(super) fn step(&mut self, room: &mut u64) -> Result<bool, CliError> {
        if !self.held.is_empty() {
            self.pass();
            return Ok(true);
        }
        let Some(source) = &mut self.source else { return Ok(true) };
        let mut buffer = vec![0u8; BUFFER];
        let count = source.read(&mut buffer).map_err(CliError::internal("reading output"))?;
        if count == 0 {
            self.source = None;
        }
        let fits = usize::try_from(*room).unwrap_or(usize::MAX).min(count);
        *room -= fits as u64;
        buffer.truncate(fits);
        self.held = buffer;
        Ok(fits == count)
    }

    fn pass(&mut self) {
        let piece = self.held.len().min(PIECE);
        match rustix::io::write(&self.sink, &self.held[..piece]) {
            Ok(count) => drop(self.held.drain(..count)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            // Our reader is gone; the command's end still counts.
            Err(_) => self.held.clear(),
        }
    }
}
