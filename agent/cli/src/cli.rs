//! What can be typed.

mod artifacts;
mod subject;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use karakuri_protocol::job::Exit;

pub(crate) use artifacts::{
    Artifacts, ArtifactsCommand, Deliver, Events, Expire, Fetch, Opening, RewrapFor, Unmask, Verify,
};
pub(crate) use subject::{Subject, SubjectCommand, Whom};

/// Runs desktop workflows in a sandbox and keeps sealed evidence of what they did.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Start with:\n  karakuri doctor\n  karakuri run workflows/library/hello-desktop\n\n\
                  Nothing listens in the machine's network. Artifacts are sealed for the key in the state directory \
                  ($KARAKURI_STATE, default ~/.local/state/karakuri)."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

// What has more than a line of help has it at its arguments: a comment here would hide that.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a workflow on a desktop of its own
    Run(Run),
    Mcp(Mcp),
    /// Let the run that goes on carry out no call until `resume`; its time stands still
    Pause,
    /// Let a paused run go on
    Resume,
    /// End the run that goes on, as Ctrl-C does; a second time kills it
    Stop,
    /// Check a workflow without running it
    Lint(Lint),
    /// Check this machine and say how to mend what is missing
    Doctor(Doctor),
    Runs(Runs),
    /// List, show, decrypt and unmask what a run left
    Artifacts(Artifacts),
    Subject(Subject),
    Import(Import),
    /// Check the audit log
    Audit(Audit),
    /// Open a run's report
    Report(Report),
    /// Run any command in the sandbox a script gets, or show what that sandbox is
    Sandbox(Sandbox),
    /// Make a video of a run's recording
    Recording(Recording),
    Desktop(Desktop),
}

/// Speak the script API on stdin and stdout to a display that is already there: one JSON-RPC 2.0
/// request a line, one answer a line
///
/// The calls are those of workflows/openrpc.json and mean what they mean in a run. There is no run,
/// though: no grant, no record, no secret, no seal, and the applications are yours. For development.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"click\",\"params\":{\"target\":\"text:File\"}}' \\
    | karakuri desktop --display :0")]
pub(crate) struct Desktop {
    /// The X display; $DISPLAY if left out
    #[arg(long, value_name = ":N")]
    pub(crate) display: Option<String>,
    /// What is read where a call does not say
    #[arg(long, value_enum, default_value = "latin")]
    pub(crate) language: Language,
    /// Directory with the pictures (.png, .webp) that image targets name
    #[arg(long, value_name = "DIR")]
    pub(crate) images: Option<PathBuf>,
    /// Directory that screenshots are written to; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Language {
    Latin,
    Japanese,
}

impl Language {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Latin => "latin",
            Self::Japanese => "japanese",
        }
    }
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
    /// Show the run's desktop live in a window on $DISPLAY, where "Take over" pauses the script and gives
    /// you its mouse and keyboard
    #[arg(long, short)]
    pub(crate) watch: bool,
    /// Show every act as it happens, and what the script prints
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Print the outcome as JSON on stdout; progress goes to stderr
    #[arg(long)]
    pub(crate) json: bool,
    /// What the daemon logs
    #[arg(long, default_value = "warn", value_name = "LEVEL",
          value_parser = ["error", "warn", "info", "debug"])]
    pub(crate) log: String,
}

/// Run a workflow whose script is an MCP client on stdin and stdout
///
/// A run like any other, with the workflow's permissions, limits, audit log, sealed evidence and report;
/// only the acts are those that the client asks for, and `entry` is not started. The client's tools are
/// the calls of workflows/openrpc.json, and `computer` with the actions of models for computer use. It is
/// handed pixels and text of the screen only with permissions.disclose_screen. The run ends when stdin is
/// closed. Progress and the outcome go to stderr.
#[derive(Debug, Args)]
#[command(after_long_help = mcp_help())]
pub(crate) struct Mcp {
    /// Directory with workflow.toml
    #[arg(long, value_name = "DIR")]
    pub(crate) workflow: PathBuf,
    /// An input, NAME=VALUE; for a file input the value is a path
    #[arg(long = "input", short, value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) inputs: Vec<(String, String)>,
    /// Show the run's desktop live in a window on $DISPLAY, where you can take over
    #[arg(long, short)]
    pub(crate) watch: bool,
    /// Show every act as it happens
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// What the daemon logs
    #[arg(long, default_value = "warn", value_name = "LEVEL",
          value_parser = ["error", "warn", "info", "debug"])]
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
pub(crate) struct Doctor {
    /// Print whom this installation contacts instead: hosts, ports, TLS, by which process, what for
    #[arg(long)]
    pub(crate) egress: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// List the runs of the state directory, the newest first
///
/// Of each its id, when it began, how it ended, how many artifacts it left, where they are, and the workflow.
///
/// `delivered` is in the store (that of site.toml where there is one), `waiting` is in the spool, not or not
/// wholly in the store, `imported` was made by another machine, MISSING was in the store in the state directory
/// and is there no more, REFUSED has a manifest that is not to be believed. Exit code 36 when something could not
/// be read; what could is listed all the same.
#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// How many at most
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
    pub(crate) limit: usize,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Json {
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Check the runs that another machine exported to DIR, and take those into the store that are whole
///
/// A run is taken as a whole or not at all, with its news; one that is there already is only compared. Exit code
/// 36 when anything is missing or altered, or was signed by somebody who is not trusted.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  karakuri import /media/disk/karakuri --verify --trust osaka-1.pub.pem")]
pub(crate) struct Import {
    /// The directory that `[store.export]` named on the other side
    pub(crate) dir: PathBuf,
    /// Check signatures and hashes; nothing is taken unchecked, so it must be said
    #[arg(long, required = true)]
    pub(crate) verify: bool,
    /// A public key (PEM) whose signatures are believed, beside the one of this site
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Recording {
    #[command(subcommand)]
    pub(crate) command: RecordingCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RecordingCommand {
    /// Decrypt the recording with the key in the state directory and make a video of it with ffmpeg
    Export {
        /// Id of a run, or `last`
        run: String,
        /// The file to write, .mp4 or .mkv; it must not be there, its directory is made if it is not
        out: PathBuf,
        #[command(flatten)]
        opening: Opening,
    },
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
    #[command(flatten)]
    pub(crate) opening: Opening,
}

#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    #[command(subcommand)]
    pub(crate) command: SandboxCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Run a command in it
    Exec(Exec),
    /// Print what it may reach, its limits and its layers
    Explain(Explain),
}

/// What the caller adds to the sandbox.
#[derive(Debug, Args)]
pub(crate) struct Walls {
    /// A file or directory to be seen at the same path, to be read and executed
    #[arg(long = "ro", value_name = "PATH")]
    pub(crate) read_only: Vec<PathBuf>,
    /// A limit, by its name in workflow.toml: wall_s, cpu_s, cpu_percent, memory_mb, output_kb,
    /// processes, file_mb, work_mb
    #[arg(long = "limit", value_name = "NAME=N", value_parser = name_and_value)]
    pub(crate) limits: Vec<(String, String)>,
    /// A variable of the command's environment
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub(crate) environment: Vec<(String, String)>,
}

/// Run a command in the sandbox a script gets, without a desktop
#[derive(Debug, Args)]
#[command(after_long_help = "\
Exit codes:
  the command's own, or 128 plus the number of the signal that killed it
    2  the command line cannot be read
  124  stopped because of --limit wall_s or output_kb
  125  a value on it is wrong, or Karakuri itself failed
  126  a layer of the sandbox could not be put up; the command was not started
  127  the program is not there, or cannot be executed
  130  interrupted")]
pub(crate) struct Exec {
    #[command(flatten)]
    pub(crate) walls: Walls,
    /// A directory that is copied to /work; what lies in /work at the end is copied back
    #[arg(long, value_name = "DIR")]
    pub(crate) work: Option<PathBuf>,
    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    pub(crate) words: Vec<String>,
}

/// Print what a sandbox may reach, its limits and its layers
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Directory with workflow.toml; without, the sandbox of `sandbox exec` with these options
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) walls: Walls,
    /// Print the whole policy as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let named = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = named.ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn mcp_help() -> String {
    "In a client's configuration:\n  \
     {\"mcpServers\": {\"desktop\": {\"command\": \"karakuri\", \
     \"args\": [\"mcp\", \"--workflow\", \"/path/to/DIR\"]}}}\n\n"
        .to_owned()
        + &exit_codes()
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
