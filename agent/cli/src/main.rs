//! karakuri: the command line.

mod artifacts;
mod assets;
mod audit;
mod auditor;
mod cli;
mod control;
mod desktop;
mod doctor;
mod egress;
mod error;
mod import;
mod installation;
mod kept;
mod lint;
mod mcp;
mod output;
mod progress;
mod recording;
mod removal;
mod report;
mod retention;
mod run;
mod runs;
mod sandbox;
mod site;
mod subject;
mod trust;
mod window;
mod workflow;

use std::process::ExitCode;

use clap::Parser;
use karakuri_protocol::job::Control;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Run(arguments) => run::run(arguments),
        Command::Mcp(arguments) => mcp::run(arguments),
        Command::Pause => control::send(Control::Pause),
        Command::Resume => control::send(Control::Resume),
        Command::Stop => control::send(Control::Stop),
        Command::Lint(arguments) => lint::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Runs(arguments) => runs::run(arguments),
        Command::Artifacts(arguments) => artifacts::run(arguments),
        Command::Subject(arguments) => subject::run(arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Recording(arguments) => recording::run(arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Desktop(arguments) => desktop::run(arguments),
        Command::Sandbox(arguments) => return sandbox::main(arguments),
    };
    match result {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(e) => {
            eprintln!("karakuri: {e}");
            ExitCode::from(e.exit().code())
        }
    }
}
