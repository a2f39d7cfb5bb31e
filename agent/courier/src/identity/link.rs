//! The link to karakuri-monitor, which starts the program that site.toml names and passes on what it
//! prints. The courier itself starts nothing.

use std::io;
use std::os::fd::OwnedFd;

use karakuri_link::AsyncLink;
use karakuri_sandbox::link::Link;
use karakuri_sandbox::monitor::credentials::{Ask, Given};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::failure::NoSession;
use crate::identity::document::MAX_DOCUMENT;

/// The courier's end; one question at a time.
#[derive(Debug)]
pub(crate) struct CredentialsLink(Mutex<AsyncLink>);

impl CredentialsLink {
    /// Takes the inherited end.
    pub(crate) fn new(link: Link) -> io::Result<Self> {
        AsyncLink::new(link).map(|link| Self(Mutex::new(link)))
    }

    /// What the program printed.
    pub(crate) async fn ask(&self) -> Result<Zeroizing<Vec<u8>>, NoSession> {
        let link = self.0.lock().await;
        let gone = |e: &dyn std::fmt::Display| NoSession::blocked(format!("karakuri-monitor: {e}"));
        link.send(&Ask::Credentials, &[]).map_err(|e| gone(&e))?;
        let received = link.recv::<Given>().await.map_err(|e| gone(&e))?;
        let output = match received {
            Some((Given::Output, mut fds)) => fds.pop().ok_or_else(|| gone(&"no pipe came"))?,
            Some((Given::Refused { message }, _)) => return Err(NoSession::blocked(message)),
            None => return Err(gone(&"it is gone")),
        };
        let printed = read(output).await.map_err(|e| gone(&e))?;
        // What it could not start, or ended for taking too long, has printed nothing.
        if printed.is_empty() {
            return Err(NoSession::blocked(
                "identity.base.process: the program printed no credentials; run it by hand",
            ));
        }
        Ok(printed)
    }
}

async fn read(output: OwnedFd) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut printed = Zeroizing::new(Vec::with_capacity(4096));
    rustix::io::ioctl_fionbio(&output, true)?;
    let mut pipe = Receiver::from_owned_fd(output)?.take(MAX_DOCUMENT as u64);
    pipe.read_to_end(&mut printed).await?;
    Ok(printed)
}
