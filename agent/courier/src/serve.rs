//! The courier whose store is a directory: karakurid's requests, one after the other. Every file is
//! synced, so that several at once would wait for the same disk.

use std::os::fd::OwnedFd;

use karakuri_protocol::courier::{Failure, Proof, Put, Said, VERSION};
use karakuri_sandbox::link::{Link, LinkError};

use crate::upload::no_file;

/// Serves until karakurid closes its end. A request that fails is answered, and ends nothing.
pub(crate) fn run(
    link: &Link,
    store: impl Fn(&Put, OwnedFd) -> Result<Proof, Failure>,
) -> Result<(), LinkError> {
    link.send(&Said::Ready { version: VERSION }, &[])?;
    while let Some((put, mut fds)) = link.recv::<Put>()? {
        let stored = fds.pop().ok_or_else(no_file).and_then(|file| store(&put, file));
        let said = match stored {
            Ok(proof) => Said::Stored { id: put.id, proof },
            Err(failure) => Said::Failed { id: put.id, failure },
        };
        link.send(&said, &[])?;
    }
    Ok(())
}
