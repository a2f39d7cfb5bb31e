//! `karakuri mcp`: a run whose script is the MCP client on our stdin and stdout.
//!
//! Both ends are handed on with the job, to a process in the script's sandbox: what the client sends is
//! read there and never here, where the user's keys are.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use karakuri_protocol::job::{Driver, Exit};

use crate::cli::Mcp;
use crate::error::CliError;
use crate::progress::{Display, Ending};
use crate::run::{self, Wanted};

/// Runs the workflow until the client closes its end.
pub(crate) fn run(arguments: &Mcp) -> Result<Exit, CliError> {
    let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
    if stdin.is_terminal() || stdout.is_terminal() {
        let message = "an MCP client starts this and speaks to it on stdin and stdout; \
                       `karakuri mcp --help` shows how a client is configured";
        return Err(CliError::Usage(message.to_owned()));
    }
    let taken = CliError::internal("handing on stdin and stdout");
    let ends = [stdin.as_fd(), stdout.as_fd()].map(|end| end.try_clone_to_owned());
    let ends = ends.into_iter().collect::<Result<Vec<_>, _>>().map_err(taken)?;
    run::run_wanted(
        &Wanted {
            dir: &arguments.workflow,
            inputs: &arguments.inputs,
            log: &arguments.log,
            driver: Driver::Client,
            watch: arguments.watch,
        },
        ends,
        Display::new(arguments.verbose, Ending::Aside),
    )
}
