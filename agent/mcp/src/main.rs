//! `karakuri-mcp`: the script of a run that an MCP client drives (`karakuri mcp`).
//!
//! Started by the agent in the script's sandbox, with the client on stdin and stdout and the agent's socket as
//! fd 3. It passes calls on and decides nothing: what a call may do, and what its answer may show, is
//! karakurid's. Exit codes: 0 when the client has closed its end, 1 when it could not be served.

#![forbid(unsafe_code)]

mod front;
mod tools;

use std::process::ExitCode;

use karakuri_channel::{AGENT, Channel};

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return failed(&e),
    };
    let served = runtime.block_on(front::serve(Channel::over(AGENT)));
    // A read of stdin that is still under way must not keep the process.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => failed(&e),
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}
