//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use karakuri_protocol::job::Exit;

/// Runs desktop workflows in a sandbox and keeps sealed evidence of what they did.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Start with:\n  karakuri doctor\n  karakuri run workflows/library/hello-desktop\n\n\
                  Nothing listens on a port. Artifacts are sealed for the key in the state directory \
                  ($KARAKURI_STATE, default ~/.local/state/karakuri)."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a workflow on a desktop of its own
    Run(Run),
    /// Check a workflow without running it
    Lint(Lint),
    /// Check this machine and say how to mend what is missing
    Doctor(Json),
    /// List, show and decrypt what a run left
    Artifacts(Artifacts),
    /// Check the audit log
    Audit(Audit),
    /// Open a run's report
    Report(Report),
}

/// Run the workflow in DIR
#[derive(Debug, Args)]
#[command(after_long_help = exit_codes())]
pub(crate) struct Run {
    /// Directory with workflow.toml
    pub(crate) dir: PathBuf,
    /// An input, NAME=VALUE; for a file input the value is a path
    #[arg(long = "input", short, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) inputs: Vec<(String, String)>,
    /// Show every act as it happens, and what the script prints
    #[arg(long, short)]
    pub(crate) watch: bool,
    /// Print the outcome as JSON on stdout; progress goes to stderr
    #[arg(long)]
    pub(crate) json: bool,
    /// What the daemon logs: error, warn, info, debug
    #[arg(long, default_value = "warn", value_name = "LEVEL")]
    pub(crate) log: String,
}

/// Check the workflow in DIR
#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Directory with workflow.toml
    pub(crate) dir: PathBuf,
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Json {
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Artifacts {
    #[command(subcommand)]
    pub(crate) command: ArtifactsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ArtifactsCommand {
    /// Name, class and size of every artifact of a run
    List(OfRun),
    /// The run's signed manifest
    Show(OfRun),
    /// Decrypt artifacts with the key in the state directory
    Decrypt {
        /// Id of a run, or `last`
        run: String,
        /// Which artifact; all if left out
        id: Option<String>,
        /// Directory to write to; made if it is not there
        #[arg(long, short, default_value = ".")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct OfRun {
    /// Id of a run, or `last`
    pub(crate) run: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check that no record was altered, lost or reordered
    Verify(Json),
}

/// Decrypt a run's report
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Id of a run, or `last`
    #[arg(default_value = "last")]
    pub(crate) run: String,
    /// Show it in the default browser
    #[arg(long)]
    pub(crate) open: bool,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn exit_codes() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for exit in Exit::ALL {
        text.push_str(&format!("  {:>3}  {:<18} {}\n", exit.code(), exit.word(), exit.meaning()));
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
