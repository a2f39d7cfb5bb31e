//! The launcher: becomes the first process of a sandbox. Started by karakuri-monitor only.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(karakuri_sandbox::launch::run())
}
