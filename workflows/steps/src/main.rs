//! `karakuri-steps FILE`: runs the steps of a `steps.yaml`.
//!
//! Started by the agent inside the script's sandbox, with the agent's socket as fd 3. Exit codes:
//! 0 when all steps are done, 1 when one failed, 2 when the file is not a list of steps.

#![forbid(unsafe_code)]

mod run;

use std::process::ExitCode;

use karakuri_channel::{AGENT, Channel};
use karakuri_steps::steps;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: karakuri-steps FILE; the agent starts it: karakuri run DIR");
        return ExitCode::from(2);
    };
    let name = std::path::Path::new(&path).file_name().unwrap_or_default().to_string_lossy();
    let steps = std::fs::read_to_string(&path)
        .map_err(|e| e.to_string())
        .and_then(|text| steps::parse(&text).map_err(|e| e.to_string()));
    let steps = match steps {
        Ok(steps) => steps,
        Err(e) => {
            eprintln!("{name}:{e}");
            return ExitCode::from(2);
        }
    };
    match run::run(&steps, &mut Channel::over(AGENT)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            for hit in run::hits(&e) {
                eprintln!("{hit}");
            }
            eprintln!("{name}:{e}");
            ExitCode::FAILURE
        }
    }
}
