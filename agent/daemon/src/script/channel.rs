//! fd 3 of the script: length-prefixed JSON-RPC, one request at a time.

use std::os::fd::OwnedFd;

use karakuri_protocol::script::{MAX_REQUEST, MAX_RESPONSE, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Our end of the channel.
#[derive(Debug)]
pub struct Channel(UnixStream);

/// Why no request came.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The script closed its end between two requests.
    #[error("the script closed its channel")]
    Closed,
    /// The script closed its end within a request.
    #[error("the script closed its channel in the middle of a request")]
    Cut,
    /// A request larger than allowed.
    #[error("the script announced a request of {0} bytes; at most {MAX_REQUEST} are allowed")]
    Oversized(u32),
    /// The kernel refused.
    #[error("the script's channel failed: {0}")]
    Io(#[from] std::io::Error),
}

impl Channel {
    /// A channel, and the end that becomes the script's fd 3.
    ///
    /// # Errors
    /// When the kernel has no more fds.
    pub fn pair() -> std::io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = UnixStream::pair()?;
        let theirs = theirs.into_std()?;
        theirs.set_nonblocking(false)?;
        Ok((Self(ours), theirs.into()))
    }

    /// Waits for one request's bytes.
    ///
    /// # Errors
    /// See [`ChannelError`]; after one the channel is of no use.
    pub async fn request(&mut self) -> Result<Vec<u8>, ChannelError> {
        let mut prefix = [0u8; 4];
        if self.0.read(&mut prefix[..1]).await? == 0 {
            return Err(ChannelError::Closed);
        }
        self.read_exact(&mut prefix[1..]).await?;
        let length = u32::from_be_bytes(prefix);
        if length > MAX_REQUEST {
            return Err(ChannelError::Oversized(length));
        }
        let mut body = vec![0u8; length as usize];
        self.read_exact(&mut body).await?;
        Ok(body)
    }

    async fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), ChannelError> {
        match self.0.read_exact(buffer).await {
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(ChannelError::Cut),
            other => other.map(drop).map_err(ChannelError::Io),
        }
    }

    /// Sends one answer.
    ///
    /// # Errors
    /// When the script is gone, or the answer is larger than a response may be.
    pub async fn answer(&mut self, response: &Response) -> Result<(), ChannelError> {
        let body = serde_json::to_vec(response).map_err(std::io::Error::from)?;
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        if length > MAX_RESPONSE {
            return Err(ChannelError::Io(std::io::Error::other("the answer is too large")));
        }
        self.0.write_all(&length.to_be_bytes()).await?;
        self.0.write_all(&body).await?;
        Ok(())
    }
}
