//! The socket between two of our processes: connected `SOCK_SEQPACKET`, typed messages, fds.
//!
//! A packet is one byte of kind, then the body: `0` = the JSON body follows in the packet, `1` = the
//! JSON body is in a sealed memfd, the first fd of the message. A body is at most [`MAX_BODY`]
//! bytes, a message carries at most [`MAX_FDS`] fds. A packet that breaks these rules closes the
//! conversation: the peer is the one who was handed the other end, and it speaks this or nothing.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::memfd;

/// The largest body, in bytes.
pub const MAX_BODY: usize = 16 * 1024 * 1024;
/// The largest body that travels in the packet itself.
const MAX_INLINE: usize = 64 * 1024;
/// The most fds one message carries, the body's memfd not counted.
pub const MAX_FDS: usize = 63;

/// Why a message could not be sent or received.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The kernel refused.
    #[error("the link to the other process failed: {0}")]
    Io(#[from] Errno),
    /// The body is not the expected message.
    #[error("the other process sent a message that does not fit: {0}")]
    Message(#[from] serde_json::Error),
    /// A packet broke the rules of the module.
    #[error("the other process broke the protocol: {0}")]
    Protocol(&'static str),
    /// The body's memfd is not sealed or too large.
    #[error("the other process sent a body that cannot be read: {0}")]
    Body(#[from] memfd::MemfdError),
}

/// One end.
#[derive(Debug)]
pub struct Link(OwnedFd);

impl Link {
    /// A connected pair, both ends close-on-exec.
    ///
    /// # Errors
    /// When the kernel has no more fds.
    pub fn pair() -> Result<(Self, Self), LinkError> {
        let (a, b) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(a), Self(b)))
    }

    /// Takes an inherited end.
    ///
    /// # Errors
    /// When it is not a connected `SOCK_SEQPACKET` unix socket.
    pub fn from_fd(fd: OwnedFd) -> Result<Self, LinkError> {
        if rustix::net::sockopt::socket_type(&fd)? != SocketType::SEQPACKET {
            return Err(LinkError::Protocol("the inherited fd is not a SOCK_SEQPACKET socket"));
        }
        rustix::net::getpeername(&fd)?;
        Ok(Self(fd))
    }

    /// Sends one message unless the peer has too many unread ones.
    ///
    /// # Errors
    /// As [`Link::send`], and [`Errno::AGAIN`].
    pub fn try_send<T: Serialize>(&self, message: &T) -> Result<(), LinkError> {
        let body = serde_json::to_vec(message)?;
        if body.len() > MAX_INLINE {
            return Err(LinkError::Protocol("the message to send is too large"));
        }
        self.send_packet(&[0], &body, &[], SendFlags::DONTWAIT)
    }

    /// Sends one message, waiting for room also where the socket is non-blocking.
    ///
    /// # Errors
    /// When the peer is gone or the message is too large.
    pub fn send<T: Serialize>(&self, message: &T, fds: &[BorrowedFd<'_>]) -> Result<(), LinkError> {
        let body = serde_json::to_vec(message)?;
        if body.len() > MAX_BODY || fds.len() > MAX_FDS {
            return Err(LinkError::Protocol("the message to send is too large"));
        }
        if body.len() <= MAX_INLINE {
            return self.send_waiting(&[0], &body, fds);
        }
        let memfd = memfd::sealed("karakuri-body", &body)?;
        let mut with_body = vec![memfd.as_fd()];
        with_body.extend_from_slice(fds);
        self.send_waiting(&[1], &[], &with_body)
    }

    fn send_waiting(
        &self,
        kind: &[u8],
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<(), LinkError> {
        loop {
            match self.send_packet(kind, body, fds, SendFlags::empty()) {
                Err(LinkError::Io(Errno::AGAIN)) => {
                    let mut room = [PollFd::new(&self.0, PollFlags::OUT)];
                    rustix::io::retry_on_intr(|| rustix::event::poll(&mut room, None))?;
                }
                other => return other,
            }
        }
    }

    fn send_packet(
        &self,
        kind: &[u8],
        body: &[u8],
        fds: &[BorrowedFd<'_>],
        flags: SendFlags,
    ) -> Result<(), LinkError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS + 1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(LinkError::Protocol("the message to send carries too many fds"));
        }
        let parts = [IoSlice::new(kind), IoSlice::new(body)];
        rustix::io::retry_on_intr(|| {
            rustix::net::sendmsg(&self.0, &parts, &mut control, flags | SendFlags::NOSIGNAL)
        })?;
        Ok(())
    }

    /// Waits for one message; `None` when the peer has closed its end.
    ///
    /// # Errors
    /// When the packet breaks the protocol or is not a `T`.
    pub fn recv<T: DeserializeOwned>(&self) -> Result<Option<(T, Vec<OwnedFd>)>, LinkError> {
        self.recv_with(RecvFlags::CMSG_CLOEXEC)
    }

    /// Like [`Link::recv`], but fails with `EAGAIN` instead of waiting.
    ///
    /// # Errors
    /// As [`Link::recv`], and [`Errno::AGAIN`] when nothing is there.
    pub fn try_recv<T: DeserializeOwned>(&self) -> Result<Option<(T, Vec<OwnedFd>)>, LinkError> {
        self.recv_with(RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT)
    }

    fn recv_with<T: DeserializeOwned>(
        &self,
        flags: RecvFlags,
    ) -> Result<Option<(T, Vec<OwnedFd>)>, LinkError> {
        let mut packet = vec![0u8; MAX_INLINE + 1];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS + 1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::io::retry_on_intr(|| {
            let mut parts = [IoSliceMut::new(&mut packet)];
            rustix::net::recvmsg(&self.0, &mut parts, &mut control, flags)
        });
        let received = match received {
            // The peer died with unread messages of ours in its queue.
            Err(Errno::CONNRESET) => return Ok(None),
            other => other?,
        };
        let mut fds: Vec<OwnedFd> = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                fds.extend(rights);
            }
        }
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(LinkError::Protocol("a packet was longer than allowed"));
        }
        let body = match (packet.first(), received.bytes) {
            (_, 0) => return Ok(None),
            (Some(0), length) => packet[1..length].to_vec(),
            (Some(1), 1) if !fds.is_empty() => memfd::read_sealed(fds.remove(0), MAX_BODY)?,
            _ => return Err(LinkError::Protocol("a packet of an unknown kind")),
        };
        Ok(Some((serde_json::from_slice(&body)?, fds)))
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Link {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<Link> for OwnedFd {
    fn from(link: Link) -> Self {
        link.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_messages_arrive_with_their_fds() {
        let (a, b) = Link::pair().unwrap();
        let fd = memfd::sealed("x", b"payload").unwrap();
        for length in [0, 10, MAX_INLINE - 2, MAX_INLINE, 5 * MAX_INLINE] {
            let text = "a".repeat(length);
            a.send(&text, &[fd.as_fd()]).unwrap();
            let (got, mut fds) = b.recv::<String>().unwrap().unwrap();
            assert_eq!(got, text);
            assert_eq!(memfd::read_sealed(fds.remove(0), 100).unwrap(), b"payload");
        }
    }

    #[test]
    fn a_closed_peer_is_none() {
        let (a, b) = Link::pair().unwrap();
        drop(a);
        assert!(b.recv::<String>().unwrap().is_none());
    }

    #[test]
    fn a_packet_of_an_unknown_kind_is_refused() {
        let (a, b) = Link::pair().unwrap();
        rustix::net::send(&a, b"\x07{}", SendFlags::empty()).unwrap();
        assert!(matches!(b.recv::<String>(), Err(LinkError::Protocol(_))));
    }

    #[test]
    fn a_packet_over_the_limit_is_refused_and_its_fds_are_closed() {
        let (a, b) = Link::pair().unwrap();
        rustix::net::send(&a, &vec![0u8; MAX_INLINE + 2], SendFlags::empty()).unwrap();
        assert!(matches!(b.recv::<String>(), Err(LinkError::Protocol(_))));
    }

    #[test]
    fn a_stream_socket_is_not_a_link() {
        let (a, _b) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .unwrap();
        assert!(matches!(Link::from_fd(a), Err(LinkError::Protocol(_))));
    }
}
