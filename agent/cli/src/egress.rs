//! `karakuri doctor --egress`: whom this installation contacts, for who keeps a firewall. It contacts
//! nobody itself.

use karakuri_protocol::job::Exit;
use karakuri_site::egress::{Destination, Egress, NAME_SERVERS};

use crate::error::CliError;
use crate::output;
use crate::site::Site;

pub(crate) fn run(json: bool) -> Result<Exit, CliError> {
    let egress = Egress::of(&Site::find()?.settings()?);
    if json {
        output::json(&egress)?;
        return Ok(Exit::Success);
    }
    for destination in &egress.destinations {
        output::line(line(destination)?);
    }
    if let Some(program) = &egress.program {
        // Its words are the administrator's, but a terminal is to show them as they are.
        output::line(format!("{program:?} gives credentials; whom it contacts is its own affair"));
    }
    output::line(match egress.destinations.is_empty() {
        true => "Nobody is contacted: the store is on this machine, and so are the keys.",
        false => "Nobody else is contacted.",
    });
    output::line(
        "What applications of a run may reach: `karakuri sandbox explain DIR` (permissions.network).",
    );
    Ok(Exit::Success)
}

/// Host and port, TLS, process, what for.
fn line(destination: &Destination) -> Result<String, CliError> {
    let Destination { process, host, port, tls, proxy, why } = destination;
    let process = serde_json::to_value(process).map_err(CliError::internal("naming a process"))?;
    let process = process.as_str().unwrap_or_default();
    let tls = match tls {
        [] if host == NAME_SERVERS => "DNS".to_owned(),
        [] => "no TLS".to_owned(),
        versions => format!("TLS {}", versions.join("/")),
    };
    let proxy = proxy.as_ref().map(|proxy| format!(", through {proxy}")).unwrap_or_default();
    Ok(format!("{:<58} {tls:<12} {process} {why}{proxy}", format!("{host}:{port}")))
}
