//! The `karakuri` command with a state directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use karakuri_protocol::job::Exit;
use serde_json::Value;
use tempfile::TempDir;

/// The directory with the programs under test: the one this test was built into.
///
/// # Panics
/// When the programs were not built.
#[must_use]
pub fn programs() -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    let directory = exe.ancestors().find(|d| d.join("karakuri-monitor").is_file());
    directory.unwrap_or_else(|| panic!("the programs are not built: run `make build`")).to_owned()
}

/// The root of the repository.
///
/// # Panics
/// Never: the tests are one directory below it.
#[must_use]
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// An installation for one test.
#[derive(Debug)]
pub struct Agent {
    state: TempDir,
    assets: Option<PathBuf>,
}

/// A run that is over.
#[derive(Debug)]
pub struct Finished {
    /// The exit code.
    pub code: i32,
    /// The outcome as `--json` printed it; `Null` if there was none.
    pub outcome: Value,
    /// What was printed besides.
    pub stderr: String,
    /// The opened report; empty if there is none.
    pub report: String,
}

impl Agent {
    /// A fresh installation.
    ///
    /// # Panics
    /// When there is no room for one.
    #[must_use]
    pub fn new() -> Self {
        let state = tempfile::tempdir().unwrap_or_else(|e| panic!("a temporary directory: {e}"));
        Self { state, assets: None }
    }

    /// Uses another directory with models.
    #[must_use]
    pub fn with_assets(mut self, assets: &Path) -> Self {
        self.assets = Some(assets.to_owned());
        self
    }

    /// Its state directory.
    #[must_use]
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// The command, ready to be started.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(programs().join("karakuri"));
        command.args(arguments).env("KARAKURI_STATE", self.state()).stdin(Stdio::null());
        if let Some(assets) = &self.assets {
            command.env("KARAKURI_ASSETS", assets);
        }
        command
    }

    /// Calls the command and waits for it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn call(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap_or_else(|e| panic!("karakuri: {e}"))
    }

    /// Runs a workflow to its end.
    ///
    /// # Panics
    /// When the command cannot be started.
    #[must_use]
    pub fn run(&self, workflow: &Path, inputs: &[&str]) -> Finished {
        let mut arguments = vec!["run", "--json", "--verbose"];
        for input in inputs {
            arguments.extend(["--input", input]);
        }
        let path = workflow.to_string_lossy();
        arguments.push(&path);
        Finished::of(&self.call(&arguments))
    }
}

impl Default for Agent {
    fn default() -> Self {
        Self::new()
    }
}

impl Finished {
    /// What a finished command printed.
    #[must_use]
    pub fn of(output: &Output) -> Self {
        let outcome: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let report = outcome["report"].as_str().map(std::fs::read_to_string);
        Self {
            code: output.status.code().unwrap_or(-1),
            report: report.and_then(Result::ok).unwrap_or_default(),
            outcome,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The message of the outcome.
    #[must_use]
    pub fn message(&self) -> &str {
        self.outcome["outcome"]["message"].as_str().unwrap_or_default()
    }

    /// The output called `result`.
    #[must_use]
    pub fn result(&self) -> &Value {
        &self.outcome["outcome"]["outputs"]["result"]
    }

    /// Checks the exit, and that the run was recorded: a report and sealed artifacts are there.
    ///
    /// # Panics
    /// When they are not.
    pub fn ended(&self, exit: Exit) -> &Self {
        assert_eq!(self.code, i32::from(exit.code()), "{self:#?}");
        assert_eq!(self.outcome["outcome"]["exit"], exit.word(), "{self:#?}");
        let word = exit.word();
        assert!(self.report.contains(word), "no report that says {word}: {}", self.stderr);
        self
    }
}
