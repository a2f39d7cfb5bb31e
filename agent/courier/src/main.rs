//! karakuri-courier: takes sealed files out. Started by karakuri-monitor with its link as fd 3.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use karakuri_courier::{serve, store::LocalStore};

/// The command line.
#[derive(Debug, Parser)]
#[command(version, about = "takes sealed files to the store; started by karakuri-monitor")]
struct Arguments {
    /// What this instance may do.
    #[arg(long, value_parser = ["upload"])]
    role: String,
    /// Directory of the local store.
    #[arg(long)]
    store: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let served = LocalStore::open(&arguments.store)
        .map_err(serve::ServeError::from)
        .and_then(|store| serve::run(&store, &arguments.store));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("karakuri-courier: {e}");
            ExitCode::FAILURE
        }
    }
}
