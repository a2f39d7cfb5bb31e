//! A [`Link`] that waits without blocking the thread.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;

use karakuri_sandbox::link::{Link, LinkError};
use rustix::io::Errno;
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// One end, on the current runtime.
#[derive(Debug)]
pub struct AsyncLink {
    link: Link,
    /// The same socket once more, for the runtime to watch; nothing is read through it.
    watched: UnixStream,
}

impl AsyncLink {
    /// Registers `link` with the runtime.
    ///
    /// # Errors
    /// When the runtime has no more room for it.
    pub fn new(link: Link) -> std::io::Result<Self> {
        let copy = StdStream::from(link.as_fd().try_clone_to_owned()?);
        copy.set_nonblocking(true)?;
        Ok(Self { link, watched: UnixStream::from_std(copy)? })
    }

    /// Sends one message. Messages are small and answered one by one, so this rarely waits.
    ///
    /// # Errors
    /// As [`Link::send`].
    pub fn send<T: Serialize>(&self, message: &T, fds: &[BorrowedFd<'_>]) -> Result<(), LinkError> {
        self.link.send(message, fds)
    }

    /// Sends one message unless the peer has too many unread ones.
    ///
    /// # Errors
    /// As [`Link::send`], and [`Errno::AGAIN`].
    pub fn try_send<T: Serialize>(&self, message: &T) -> Result<(), LinkError> {
        self.link.try_send(message)
    }

    /// Waits for one message; `None` when the peer has closed its end. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// As [`Link::recv`].
    pub async fn recv<T: DeserializeOwned>(&self) -> Result<Option<(T, Vec<OwnedFd>)>, LinkError> {
        loop {
            let lost = |_| LinkError::Io(Errno::BADF);
            self.watched.readable().await.map_err(lost)?;
            let mut received = None;
            // The runtime waits again only when it hears of EAGAIN.
            let heard = self.watched.try_io(Interest::READABLE, || match self.link.try_recv() {
                Err(LinkError::Io(Errno::AGAIN)) => Err(Errno::AGAIN.into()),
                other => {
                    received = Some(other);
                    Ok(())
                }
            });
            if let (Ok(()), Some(result)) = (heard, received) {
                return result;
            }
        }
    }
}
