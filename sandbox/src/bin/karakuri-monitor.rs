//! The monitor. `--once` serves one run in the foreground; `karakuri run` starts it so.

use std::path::PathBuf;
use std::process::ExitCode;

use karakuri_sandbox::monitor::{self, Settings};

fn main() -> ExitCode {
    let Some(settings) = settings(std::env::args_os().skip(1)) else {
        eprintln!(
            "usage: karakuri-monitor --once DIR --assets DIR --log FILTER\n\
             karakuri-monitor is started by `karakuri run DIR`, not by hand"
        );
        return ExitCode::from(2);
    };
    match monitor::run_once(&settings) {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            eprintln!("karakuri-monitor: {e}");
            ExitCode::from(13)
        }
    }
}

fn settings(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> Option<Settings> {
    let mut next = |flag: &str| {
        (arguments.next()? == flag).then_some(())?;
        arguments.next()
    };
    let state = PathBuf::from(next("--once")?);
    let assets = PathBuf::from(next("--assets")?);
    let log = next("--log")?.into_string().ok()?;
    let programs = std::env::current_exe().ok()?.parent()?.to_owned();
    Some(Settings { state, programs, assets, log })
}
