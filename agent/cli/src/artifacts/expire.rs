//! `karakuri artifacts expire`: lets go what is past its time, as the start of each run does.

use karakuri_protocol::job::Exit;

use crate::cli::Expire;
use crate::error::CliError;
use crate::retention::{self, Expired};
use crate::site::Site;
use crate::{audit, output};

pub(crate) fn run(arguments: &Expire) -> Result<Exit, CliError> {
    let site = Site::find()?;
    audit::require_whole_log(&site)?;
    let expired = retention::look(&site, arguments.clock_is_right)?;
    if arguments.json {
        output::json(&expired)?;
    } else {
        tell(&expired);
    }
    let whole = expired.refused.is_empty() && expired.clock_doubted_days.is_none();
    Ok(if whole { Exit::Success } else { Exit::NotVerified })
}

fn tell(expired: &Expired) {
    for (run, count) in &expired.removed {
        output::line(format!("run {run}: {count} artifacts expired"));
    }
    for refused in &expired.refused {
        output::line(format!("FAULT {refused}; the run was left as it is"));
    }
    match expired.clock_doubted_days {
        Some(days) => output::line(retention::doubt(days)),
        None if expired.removed.is_empty() => output::line("nothing is past its time"),
        None => {}
    }
}
