//! The program, started by `karakuri run --watch`: fd 3 is the link on which it says that the window is
//! open and then speaks with karakurid, fd 4 the one from karakuri-desktop. Exit code 0 when the window is
//! closed or the run is over.

use std::process::ExitCode;

use karakuri_watch::app;

fn main() -> ExitCode {
    match app::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("karakuri-watch: {error}");
            ExitCode::FAILURE
        }
    }
}
