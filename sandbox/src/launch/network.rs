//! The layer `network`: the new network namespace stays as it is, without an interface that is up,
//! unless the policy names a proxy.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::{LayerError, PROXY_FD};
use crate::policy::Policy;
use crate::sys;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 64;

/// Layer `network`.
pub(super) fn prepare(policy: &Policy) -> Result<(), LayerError> {
    let Some(port) = policy.proxy else { return Ok(()) };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    sys::loopback_up(socket.as_fd()).map_err(|e| format!("loopback: {e}"))?;
    rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    rustix::net::listen(&socket, BACKLOG)?;
    let kept = rustix::io::fcntl_dupfd_cloexec(&socket, PROXY_FD)?;
    if kept.as_raw_fd() != PROXY_FD {
        return Err("an fd was open that should not be".into());
    }
    // `proxy_socket` takes it over by its number.
    let _number = kept.into_raw_fd();
    Ok(())
}

/// The socket made by [`prepare`], once.
pub(super) fn proxy_socket(policy: &Policy) -> Result<Option<OwnedFd>, LayerError> {
    Ok(policy.proxy.map(|_| sys::inherited_fd(PROXY_FD)).transpose()?)
}
