//! What the script prints: kept line by line, up to the grant's limit.

use karakuri_protocol::untrusted::Untrusted;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// The longest line that is kept in one piece, in bytes.
const MAX_LINE: usize = 4096;

/// One of the script's two streams.
#[derive(Debug)]
pub struct Output {
    pipe: pipe::Receiver,
    pending: Vec<u8>,
    closed: bool,
}

/// Why there are no more lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputEnd {
    /// The script closed the stream.
    Closed,
    /// Both streams together went over the limit.
    Limit,
}

impl Output {
    /// A stream, and the end that becomes the script's stdout or stderr.
    ///
    /// # Errors
    /// When the kernel has no more fds.
    pub fn pipe() -> std::io::Result<(Self, std::os::fd::OwnedFd)> {
        let (write, pipe) = pipe::pipe()?;
        let output = Self { pipe, pending: Vec::new(), closed: false };
        Ok((output, write.into_blocking_fd()?))
    }

    /// The next line, without its newline; a very long one comes in pieces. `room` is what is left
    /// of the limit, in bytes. Dropping the future loses nothing.
    ///
    /// # Errors
    /// See [`OutputEnd`].
    pub async fn line(&mut self, room: &mut u64) -> Result<Untrusted, OutputEnd> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(line);
            }
            if self.closed {
                return Err(OutputEnd::Closed);
            }
            let mut buffer = [0u8; 16 * 1024];
            let count = self.pipe.read(&mut buffer).await.unwrap_or(0);
            match room.checked_sub(count as u64) {
                Some(rest) => *room = rest,
                None => return Err(OutputEnd::Limit),
            }
            self.closed = count == 0;
            self.pending.extend(buffer.iter().take(count));
        }
    }

    fn take_line(&mut self) -> Option<Untrusted> {
        let newline = self.pending.iter().position(|b| *b == b'\n');
        let (length, skip) = match newline {
            Some(at) if at <= MAX_LINE => (at, 1),
            _ if self.pending.len() > MAX_LINE => (MAX_LINE, 0),
            _ if self.closed && !self.pending.is_empty() => (self.pending.len(), 0),
            _ => return None,
        };
        let line: Vec<u8> = self.pending.drain(..length + skip).collect();
        let line = line.get(..length).unwrap_or_default();
        Some(Untrusted::new(String::from_utf8_lossy(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn lines_come_whole_and_the_rest_at_the_end() {
        runtime().block_on(async {
            let (mut output, fd) = Output::pipe().unwrap();
            std::fs::File::from(fd).write_all(b"one\ntwo").unwrap();
            let mut room = 100;
            assert_eq!(output.line(&mut room).await, Ok("one".into()));
            assert_eq!(output.line(&mut room).await, Ok("two".into()));
            assert_eq!(output.line(&mut room).await, Err(OutputEnd::Closed));
            assert_eq!(room, 93);
        });
    }

    #[test]
    fn the_limit_ends_it() {
        runtime().block_on(async {
            let (mut output, fd) = Output::pipe().unwrap();
            std::fs::File::from(fd).write_all(&[b'x'; 101]).unwrap();
            assert_eq!(output.line(&mut 100).await, Err(OutputEnd::Limit));
        });
    }
}
