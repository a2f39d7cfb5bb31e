//! karakuri-egress: connects a run's applications to the hosts of its grant. Started by
//! karakuri-monitor with its link as fd 3.

use std::process::ExitCode;

fn main() -> ExitCode {
    match karakuri_egress::serve::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("karakuri-egress: {e}");
            ExitCode::FAILURE
        }
    }
}
