//! `karakuri artifacts deliver`: has a karakurid of its own deliver what waits in the spool.

use karakuri_protocol::job::{Drain, Drained, Exit};
use karakuri_sandbox::link::Link;
use karakuri_sandbox::monitor::{adopt_orphans, wait_and_tidy};

use crate::cli::Deliver;
use crate::control::ControlSocket;
use crate::error::CliError;
use crate::progress::{self, Display, Ending};
use crate::run::{Ended, exit_of, follow, start_monitor, stop_signals};
use crate::site::Site;
use crate::{audit, doctor, output};

pub(crate) fn run(arguments: &Deliver) -> Result<Exit, CliError> {
    let site = Site::find()?;
    site.prepare()?;
    site.settings()?;
    let drain = Drain { parked: arguments.parked, release: Vec::new() };
    let mut display = Display::new(false, Ending::Summary);
    match drained(&site, &drain, &arguments.log, &mut display)? {
        Ok(drained) => {
            if arguments.json {
                output::json(&drained)?;
            } else {
                output::line(progress::delivery(&drained));
            }
            Ok(if drained.waiting == 0 { Exit::Success } else { Exit::EvidenceFailed })
        }
        Err(exit) => Ok(exit),
    }
}

/// Delivers what waits, and says nothing of it; what is left is for the caller to look at.
pub(crate) fn quietly(site: &Site, drain: &Drain) -> Result<(), CliError> {
    let mut display = Display::new(false, Ending::Json);
    drained(site, drain, "error", &mut display).map(drop)
}

/// What became of the delivery; the exit of a karakurid that ended without a word.
fn drained(
    site: &Site,
    drain: &Drain,
    log: &str,
    display: &mut Display,
) -> Result<Result<Drained, Exit>, CliError> {
    doctor::require_platform()?;
    audit::require_whole_log(site)?;
    let (link, theirs) = Link::pair().map_err(CliError::internal("making a socket pair"))?;
    let stop = stop_signals()?;
    adopt_orphans().map_err(CliError::internal("becoming a subreaper"))?;
    let control = ControlSocket::open(site)?;
    let monitor = start_monitor("--deliver", log, site, &theirs)?;
    drop(theirs);
    link.send(drain, &[]).map_err(CliError::internal("asking for the delivery"))?;
    let ended = follow(&link, (&stop, control.as_ref()), &monitor, display)?;
    drop(control);
    let status = wait_and_tidy(&monitor, site.path());
    match ended {
        Ended::Drained(drained) => Ok(Ok(drained)),
        Ended::Refused { exit, message } => Err(CliError::Refused { exit, message }),
        Ended::Gone | Ended::Finished(_) => Ok(Err(exit_of(status))),
    }
}
