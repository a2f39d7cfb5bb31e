//! `karakuri-monitor --exec`: a command of its owner in the script's sandbox, started by
//! `karakuri sandbox`. The owner's end of the link takes karakurid's place.

use std::path::Path;

use super::once::{Ground, MonitorError};
use super::serve::{Peer, Server};
use crate::launch::LayerError;
use crate::link::Link;
use crate::sys;

/// The inherited link to the owner.
const OWNER_FD: i32 = 3;

/// Serves the owner until the link is closed. Temporary things are made below `state`; the
/// launcher is in `programs`.
///
/// # Errors
/// When this machine cannot make namespaces.
pub fn serve_command(state: &Path, programs: &Path) -> Result<(), MonitorError> {
    let Ground { root, group, templates } = Ground::make(state, programs)?;
    let serve = || -> Result<(), LayerError> {
        let link = Link::from_fd(sys::inherited_fd(OWNER_FD)?)?;
        Server::new(link, &root, templates, Peer::Owner, group).run(None)
    };
    serve().map_err(MonitorError::defect("serving the command"))
}
