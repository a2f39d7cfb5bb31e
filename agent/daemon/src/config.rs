//! The command line of karakurid, and its log.

use std::path::PathBuf;

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// karakurid is started by karakuri-monitor. Fd 3 is the link to whoever asked for the run, fd 4
/// the link to the monitor.
#[derive(Clone, Debug, Parser)]
#[command(version, about = "the daemon of Karakuri; started by karakuri-monitor")]
pub struct Config {
    /// Serve one run, then end with its exit code.
    #[arg(long, required_unless_present = "deliver")]
    pub once: bool,
    /// Deliver what waits in the spool instead.
    #[arg(long, conflicts_with = "once")]
    pub deliver: bool,
    /// The installation's site.toml; without it, everything is as during development.
    #[arg(long)]
    pub site: Option<PathBuf>,
    /// Directory with the audit log, the spool and the site's key.
    #[arg(long)]
    pub state: PathBuf,
    /// Directory with the file systems of the run.
    #[arg(long)]
    pub run_root: PathBuf,
    /// Directory with ONNX Runtime and the models.
    #[arg(long)]
    pub assets: PathBuf,
    /// What to log, for example `info` or `karakurid=debug`.
    #[arg(long, default_value = "warn")]
    pub log: String,
}

impl Config {
    /// Starts logging to stderr: readable on a terminal, JSON for journald.
    pub fn start_log(&self) {
        use std::io::IsTerminal;
        let filter = EnvFilter::try_new(&self.log).unwrap_or_else(|_| EnvFilter::new("warn"));
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        if std::io::stderr().is_terminal() {
            log.without_time().with_target(false).init();
        } else {
            log.json().init();
        }
    }
}
