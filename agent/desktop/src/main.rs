//! The program: `karakuri-desktop [--capture best|shm|xcap]`, started by the monitor with `DISPLAY`
//! and `XAUTHORITY` in its environment and the link to karakurid as fd 3; or, for development,
//! `karakuri-desktop --lines ASSETS`, started by `karakuri desktop`. Exit code 0 when the other end
//! closed, 1 after an error, which is on stderr.

use std::process::ExitCode;

use anyhow::Context as _;
use karakuri_desktop::door::{self, Options};
use karakuri_desktop::serve::{confine, server};
use karakuri_desktop::tree;
use karakuri_desktop::x11::capture::Backend;
use karakuri_desktop::x11::desktop::Desktop;
use karakuri_sandbox::link::Link;
use karakuri_sandbox::sys::inherited_fd;

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let backend = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Backend::Best,
        ["--capture", name] => Backend::named(name).context("--capture takes best, shm or xcap")?,
        ["--lines", ..] => {
            let options = Options::parse(&arguments[1..]).map_err(anyhow::Error::msg)?;
            return door::serve(Desktop::open(Backend::Best)?, &options);
        }
        _ => anyhow::bail!("usage: karakuri-desktop [--capture best|shm|xcap]"),
    };
    let link = Link::from_fd(inherited_fd(3).context("fd 3 must be the link to karakurid")?)?;
    let desktop = Desktop::open(backend)?;
    if let Some(address) = tree::address() {
        desktop.announce_bus(&address)?;
    }
    confine::confine()?;
    Ok(server::serve(&link, desktop)?)
}
