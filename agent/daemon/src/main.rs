//! karakurid: decides, records, seals. Started by karakuri-monitor with two inherited links.

use std::process::ExitCode;

use clap::Parser;
use karakuri_protocol::job::Exit;
use karakurid::{app, config::Config};

fn main() -> ExitCode {
    let config = Config::parse();
    config.start_log();
    let exit = match app::run(&config) {
        Ok(exit) => exit,
        Err(e) => {
            tracing::error!("{e}");
            Exit::Internal
        }
    };
    ExitCode::from(exit.code())
}
