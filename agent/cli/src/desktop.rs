//! `karakuri desktop`: becomes karakuri-desktop with the script API on stdin and stdout.

use std::os::unix::process::CommandExt;
use std::process::Command;

use karakuri_protocol::job::Exit;

use crate::cli::Desktop;
use crate::error::CliError;
use crate::run::make_private_directory;
use crate::{assets, doctor};

/// Starts it on the display that was named; returns only if that fails.
pub(crate) fn run(arguments: &Desktop) -> Result<Exit, CliError> {
    doctor::require_platform()?;
    let own = std::env::current_exe().map_err(CliError::internal("finding karakuri"))?;
    let mut command = Command::new(own.with_file_name("karakuri-desktop"));
    command.arg("--lines").arg(assets::directory()?);
    command.args(["--language", arguments.language.word()]);
    if let Some(out) = &arguments.out
        && !out.exists()
    {
        make_private_directory(out)?;
    }
    for (option, directory) in [("--images", &arguments.images), ("--out", &arguments.out)] {
        if let Some(directory) = directory {
            if !directory.is_dir() {
                let shown = directory.display();
                return Err(CliError::Usage(format!("{option} {shown}: not a directory")));
            }
            command.arg(option).arg(directory);
        }
    }
    if let Some(display) = &arguments.display {
        command.env("DISPLAY", display);
    } else if std::env::var_os("DISPLAY").is_none() {
        return Err(CliError::Usage("which display? give --display or set DISPLAY".to_owned()));
    }
    Err(CliError::internal("starting karakuri-desktop")(command.exec()))
}
