//! karakuri-courier: takes sealed files out, or has data keys made. Started by karakuri-monitor with
//! its link as fd 3.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use karakuri_courier::start::{self, Role};

/// The command line.
#[derive(Debug, Parser)]
#[command(version, about = "speaks to the store or to KMS; started by karakuri-monitor")]
struct Arguments {
    /// What this instance may do.
    #[arg(long)]
    role: Role,
    /// Directory of the local store.
    #[arg(long)]
    store: Option<PathBuf>,
    /// The installation's site.toml; without it, everything is as during development.
    #[arg(long)]
    site: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Arguments { role, store, site } = Arguments::parse();
    match start::run(role, store.as_deref(), site.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("karakuri-courier: {e}");
            ExitCode::FAILURE
        }
    }
}
