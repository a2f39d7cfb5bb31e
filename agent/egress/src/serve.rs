//! Takes the listening socket, restricts itself, accepts connections until karakurid closes the link.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use karakuri_protocol::egress::{Attempt, Open};
use karakuri_sandbox::link::{Link, LinkError};
use karakuri_sandbox::policy::Access;
use karakuri_sandbox::restrict::{self, RestrictError};
use karakuri_sandbox::{seccomp, sys};
use rustix::event::{PollFd, PollFlags, Timespec};

use crate::tunnel;

/// The fd of the inherited link.
const LINK_FD: i32 = 3;
/// The most connections at one time.
const MAX_CONNECTIONS: usize = 128;
/// How soon it is looked again whether one of too many connections has ended: 50 ms.
const RECHECK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// DNS over TCP, which a resolver uses for long answers; RFC 1035, 4.2.2.
const DNS_PORT: u16 = 53;

/// Why egress gives up.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It was not started by the monitor.
    #[error("fd 3 is not the link to karakurid ({0}); karakuri-monitor starts this program")]
    NotInherited(std::io::Error),
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The first message is missing its socket.
    #[error("karakurid sent no listening socket")]
    NoSocket,
    /// The walls.
    #[error(transparent)]
    Restrict(#[from] RestrictError),
    /// The kernel refused.
    #[error("waiting for connections: {0}")]
    Wait(#[from] rustix::io::Errno),
}

/// Serves until karakurid closes its end.
///
/// # Errors
/// See [`ServeError`].
pub fn run() -> Result<(), ServeError> {
    let link = Link::from_fd(sys::inherited_fd(LINK_FD).map_err(ServeError::NotInherited)?)?;
    let Some((Open { allowed }, mut fds)) = link.recv::<Open>()? else { return Ok(()) };
    let listener = TcpListener::from(fds.pop().ok_or(ServeError::NoSocket)?);
    let ports: Vec<u16> = allowed.iter().map(|d| d.port()).chain([DNS_PORT]).collect();
    confine(&ports)?;
    let (link, allowed) = (Arc::new(link), Arc::new(allowed));
    let busy = Arc::new(());
    loop {
        // Clients beyond the limit wait in the queue of the socket.
        let room = Arc::strong_count(&busy) <= MAX_CONNECTIONS;
        let wanted = if room { PollFlags::IN } else { PollFlags::empty() };
        let mut fds = [PollFd::new(&*link, PollFlags::IN), PollFd::new(&listener, wanted)];
        let wait = if room { None } else { Some(&RECHECK) };
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, wait))?;
        let [ended, waiting] = fds.map(|fd| !fd.revents().is_empty());
        if ended {
            return Ok(());
        }
        // A client that is gone again is none.
        if let (true, Ok((client, _))) = (waiting && room, listener.accept()) {
            let (link, allowed, one) = (link.clone(), allowed.clone(), busy.clone());
            let served = thread::Builder::new().spawn(move || {
                let tell = |attempt: &Attempt| link.send(attempt, &[]).map_err(io::Error::other);
                // Both ends of the connection know how it ended, and karakurid what it was.
                drop(tunnel::serve(client, &allowed, tell));
                drop(one);
            });
            if let Err(e) = served {
                eprintln!("karakuri-egress: no thread for a connection: {e}");
            }
        }
    }
}

/// Restricts this process: TCP to `ports`, the resolver's files, no listening, nothing else.
///
/// # Errors
/// See [`RestrictError`].
pub fn confine(ports: &[u16]) -> Result<restrict::Restricted, RestrictError> {
    let files: Vec<(&Path, Access)> = restrict::RESOLVER_FILES
        .iter()
        .map(Path::new)
        .filter(|path| path.exists())
        .map(|path| (path, Access::Read))
        .collect();
    restrict::apply_with_ports(seccomp::EGRESS, &files, ports)
}
