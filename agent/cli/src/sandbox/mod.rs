//! `karakuri sandbox`: any command in the sandbox a script gets, and what that sandbox is.

mod capture;
mod exec;
mod explain;
mod files;
mod owner;
mod stream;

use std::process::ExitCode;

pub(crate) use capture::output;
use karakuri_sandbox::child::EXIT_LAYER;

use crate::cli::{Sandbox, SandboxCommand};
use crate::error::CliError;

/// The command did not run: the command line, this machine or Karakuri is at fault.
const EXIT_OWN: u8 = 125;
/// Stopped because of `wall_s` or `output_kb`, as timeout(1) says it.
const EXIT_LIMIT: u8 = 124;
/// The program is not there, or cannot be executed, as shells say it.
const EXIT_NOT_FOUND: u8 = 127;
/// Added to the number of the signal that killed the command, as shells do.
const EXIT_SIGNAL: u8 = 128;

/// Carries out the command. Its exit codes are its own: most belong to the command in the sandbox.
pub(crate) fn main(arguments: &Sandbox) -> ExitCode {
    let result = match &arguments.command {
        SandboxCommand::Exec(arguments) => exec::run(arguments),
        SandboxCommand::Explain(arguments) => explain::run(arguments).map(|()| 0),
    };
    result.map_or_else(
        |e| {
            eprintln!("karakuri: {e}");
            ExitCode::from(if matches!(e, CliError::Layer(_)) { EXIT_LAYER } else { EXIT_OWN })
        },
        ExitCode::from,
    )
}
