//! What a script's process reads and writes besides its channel.

use std::io;
use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, pipe_with};

use super::Output;

/// The script of a run that an MCP client drives, in the script's sandbox.
pub const FRONT: &str = "/opt/karakuri/bin/karakuri-mcp";

/// The ends of an MCP client. They go to the script's process; nothing of them is read here.
#[derive(Debug)]
pub struct Client {
    /// What the client writes.
    pub input: OwnedFd,
    /// What the client reads.
    pub output: OwnedFd,
}

/// The script's stdin, stdout and stderr, and our ends of the latter two.
#[derive(Debug)]
pub struct Streams {
    /// In the order of their numbers.
    pub theirs: [OwnedFd; 3],
    /// Of stdout and stderr.
    pub ours: [Output; 2],
}

impl Streams {
    /// For a script of the bundle: an input that is at its end, and output that is kept; for a client its
    /// own ends instead, and what the front says of itself is kept.
    ///
    /// # Errors
    /// When the kernel has no more fds.
    pub fn new(client: Option<Client>) -> io::Result<Self> {
        let (stdout, stdout_fd) = Output::pipe()?;
        let (stderr, stderr_fd) = Output::pipe()?;
        let [input, output] = match client {
            Some(Client { input, output }) => [input, output],
            None => {
                let (at_its_end, _) = pipe_with(PipeFlags::CLOEXEC)?;
                [at_its_end, stdout_fd]
            }
        };
        Ok(Self { theirs: [input, output, stderr_fd], ours: [stdout, stderr] })
    }
}
