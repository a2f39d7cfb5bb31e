//! The monitor. `--once` serves one run in the foreground, as `karakuri run` starts it; `--deliver` what
//! waits in the spool, as `karakuri artifacts deliver` does; `--exec` one
//! command in the script's sandbox, as `karakuri sandbox` starts it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use karakuri_sandbox::monitor::{self, Settings};

fn main() -> ExitCode {
    let programs = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<&OsString> = arguments.iter().collect();
    let served = match (programs, words.as_slice()) {
        (Some(programs), [task, state, assets, dir, log, filter, site @ ..])
            if (*task == "--once" || *task == "--deliver")
                && *assets == "--assets"
                && *log == "--log"
                && matches!(site, [] | [_, _])
                && site.first().is_none_or(|flag| *flag == "--site") =>
        {
            monitor::run_once(&Settings {
                state: PathBuf::from(state),
                programs,
                assets: PathBuf::from(dir),
                log: filter.to_string_lossy().into_owned(),
                deliver: *task == "--deliver",
                site: site.get(1).map(PathBuf::from),
            })
        }
        (Some(programs), [exec, state]) if *exec == "--exec" => {
            monitor::serve_command(Path::new(state), &programs).map(|()| 0)
        }
        _ => {
            eprintln!(
                "usage: karakuri-monitor --once|--deliver DIR --assets DIR --log FILTER [--site FILE]\n\
                        karakuri-monitor --exec DIR\n\
                 karakuri-monitor is started by `karakuri run` and `karakuri sandbox`, not by hand"
            );
            return ExitCode::from(2);
        }
    };
    served.map_or_else(
        |e| {
            eprintln!("karakuri-monitor: {e}");
            ExitCode::from(13)
        },
        ExitCode::from,
    )
}
