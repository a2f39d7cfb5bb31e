//! The courier's loop, under its own walls: it can write below the store, and nothing else.

use std::path::Path;

use karakuri_protocol::courier::{Deliver, Delivered};
use karakuri_sandbox::link::{Link, LinkError};
use karakuri_sandbox::restrict::RestrictError;
use karakuri_sandbox::sys;

use crate::confine;
use crate::store::{LocalStore, StoreError};

/// The fd of the inherited link.
const LINK_FD: i32 = 3;

/// Why the courier gives up.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It was not started by the monitor.
    #[error("fd 3 is not the link to karakurid ({0}); karakuri-monitor starts this program")]
    NotInherited(#[from] std::io::Error),
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The walls.
    #[error(transparent)]
    Restrict(#[from] RestrictError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Restricts this process to `directory`, then serves until karakurid closes its end.
///
/// # Errors
/// See [`ServeError`]. A delivery that fails is answered, and ends nothing.
pub fn run(store: &LocalStore, directory: &Path) -> Result<(), ServeError> {
    let link = Link::from_fd(sys::inherited_fd(LINK_FD)?)?;
    confine::confine(directory)?;
    while let Some((deliver, mut fds)) = link.recv::<Deliver>()? {
        let delivered = match fds.pop() {
            Some(file) => match store.put(&deliver, file) {
                Ok(()) => Delivered::Stored,
                Err(e) => Delivered::Failed { message: e.to_string() },
            },
            None => Delivered::Failed { message: "no file came with the request".to_owned() },
        };
        link.send(&delivered, &[])?;
    }
    Ok(())
}
