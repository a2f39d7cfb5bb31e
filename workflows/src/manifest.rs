//! `workflow.toml`: what a workflow is and what it asks for.
//!
//! ```toml
//! name = "hello-desktop"
//! version = "0.1.0"
//! agent = ">=0.1, <0.2"       # versions of the agent it works with
//! entry = "main.py"           # or "steps.yaml", or any file with `interpreter`
//! collect = ["/work/out"]     # files and directories that become artifacts when the script has ended
//! language = "latin"          # or "japanese": how the screen is read by default
//! recording = true            # keep a recording of the screen; the policy has the last word
//!
//! [permissions]
//! apps = ["mousepad"]         # programs in /usr/bin that may be launched
//! nested_sandbox = []         # those of them that bring a sandbox of their own, as browsers do
//! screen = true               # look at the screen
//! input = true                # use mouse and keyboard
//! clipboard = false
//! disclose_screen = false     # hand what is on the screen to the client of `karakuri mcp`
//! network = ["erp.example.com:443"]   # where applications may connect to; the script never may
//! files = "read"              # the script's own view of /files: "none", "read", "write"
//!
//! [limits]                    # see `limits`; a key left out has its default
//! wall_s = 120
//!
//! [inputs.greeting]
//! type = "string"             # see `inputs::InputKind`
//! default = "Hello"
//!
//! [outputs.greeting]
//! type = "string"             # see `OutputKind`
//! class = "output"            # or "pii"
//!
//! [targets]
//! save = 'text:"Save"'        # used as alias:save
//! ```
//!
//! A key that is not known is refused: a misspelt permission must not pass for one not asked for. All that
//! is wrong is told at once, but for what follows from another mistake.

use std::collections::{BTreeMap, BTreeSet};

use karakuri_protocol::desktop::Script;
use karakuri_protocol::egress::Destination;
use karakuri_protocol::target::Target;
use karakuri_protocol::wording::plain;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::inputs::{Input, InputKind};
use crate::limits::AskedLimits;
use crate::position::{Position, nearest};

mod names;
mod parse;
mod raw;

/// The name a manifest has in a bundle.
pub const FILE_NAME: &str = "workflow.toml";
/// The interpreter of `steps.yaml`.
pub const STEPS_INTERPRETER: &str = "karakuri-steps";

/// A parsed `workflow.toml`.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Lower-case letters, digits and `-`, at most 64.
    pub name: String,
    /// Of the workflow.
    pub version: semver::Version,
    /// Versions of the agent it works with.
    pub agent: semver::VersionReq,
    /// The file that is run, relative to the bundle.
    pub entry: String,
    /// What runs it: a program in `/usr/bin`, or [`STEPS_INTERPRETER`].
    pub interpreter: String,
    /// How the screen is read when a call does not say.
    pub language: Script,
    /// Whether it wants its screen recorded.
    pub recording: bool,
    /// For people.
    pub description: String,
    /// Files and directories below `/work` and `/files` that are kept when the script has ended.
    pub collect: Vec<String>,
    /// What it asks to be allowed.
    pub permissions: Permissions,
    /// The resources it asks for.
    pub limits: AskedLimits,
    /// What a job must or may give it.
    pub inputs: BTreeMap<String, Input>,
    /// What it results in.
    pub outputs: BTreeMap<String, Output>,
    /// Names for targets.
    pub targets: BTreeMap<String, Target>,
}

/// The `[permissions]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// Programs in `/usr/bin` that may be launched.
    pub apps: BTreeSet<String>,
    /// Those of them that bring a sandbox of their own, as browsers do: they may make user, pid and
    /// network namespaces and filter their own system calls, and must not be told to leave it off.
    pub nested_sandbox: BTreeSet<String>,
    /// Look at the screen.
    pub screen: bool,
    /// Use mouse and keyboard.
    pub input: bool,
    /// Read and write the clipboard.
    pub clipboard: bool,
    /// Hand pixels and text of the screen to an MCP client. A script of the bundle needs it not: what it
    /// reads does not leave the run.
    pub disclose_screen: bool,
    /// What the script itself may do in `/files`. The applications always see it.
    pub files: FilesAccess,
    /// Where the applications may connect to, by TCP through a proxy. The script itself has no
    /// network, ever.
    pub network: BTreeSet<Destination>,
    /// Secrets that may be typed.
    pub secrets: BTreeSet<String>,
}

/// What a script may do in `/files`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilesAccess {
    /// It is not there.
    #[default]
    None,
    /// Read, and attach.
    Read,
    /// Read, attach, create and change.
    Write,
}

/// A declared output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// What its value must be.
    #[serde(rename = "type")]
    pub kind: OutputKind,
    /// Under which key it is sealed.
    #[serde(default)]
    pub class: OutputClass,
    /// For people.
    #[serde(default)]
    pub description: String,
}

/// What an output's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// Any JSON value.
    Json,
    /// A string.
    String,
    /// A whole number.
    Int,
    /// A number as a string, such as `"1234.50"`, so that no digit is lost.
    Decimal,
}

/// Under which data key an output is sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputClass {
    /// Results.
    #[default]
    Output,
    /// Personal data.
    Pii,
}

/// How many mistakes are told at once.
const MAX_MISTAKES: usize = 50;

/// Why a text is not a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.mistakes))]
pub struct ManifestError {
    /// What is wrong, in the order of the text: one or more, and no more than 50.
    pub mistakes: Vec<Mistake>,
}

fn lines(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
    lines.join("\n")
}

/// One thing that is wrong in a manifest, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {problem}")]
pub struct Mistake {
    /// The file's name.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Not TOML, a key that is missing, or a value of another type.
    #[error("{0}")]
    Toml(String),
    /// A key that has no meaning here.
    #[error("unknown key `{key}`; {}", suggestion(.nearest.as_deref(), .known))]
    UnknownKey {
        /// As it stands there.
        key: String,
        /// The known key it was most likely meant to be.
        nearest: Option<String>,
        /// All keys that may stand there.
        known: Vec<String>,
    },
    /// A value outside what its key allows.
    #[error("{key} = {value:?}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// Its value, at most 60 characters.
        value: String,
        /// What is allowed.
        reason: String,
    },
    /// A limit of 0 or above the hard ceiling.
    #[error("limits.{key} = {value}: must be from 1 to {ceiling}")]
    Limit {
        /// The limit.
        key: &'static str,
        /// Its value.
        value: u64,
        /// The most that can be asked for.
        ceiling: u32,
    },
}

fn suggestion(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

impl Manifest {
    /// Parses the text of a manifest; `file` is named in errors.
    ///
    /// # Errors
    /// [`ManifestError`], with the line and column of everything that is wrong.
    pub fn parse(text: &str, file: &str) -> Result<Self, ManifestError> {
        parse::Parser { text, file }.manifest()
    }

    /// The program that runs the script in its sandbox, and its argument.
    #[must_use]
    pub fn command(&self) -> (String, String) {
        let directory =
            if self.interpreter == STEPS_INTERPRETER { "/opt/karakuri/bin" } else { "/usr/bin" };
        (format!("{directory}/{}", self.interpreter), format!("/bundle/{}", self.entry))
    }

    /// The inputs whose default is a file of the bundle, and its path.
    pub fn default_files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.inputs
            .iter()
            .filter(|(_, input)| input.kind == InputKind::File)
            .filter_map(|(name, input)| Some((name.as_str(), input.default.as_deref()?)))
    }
}

/// Turns what serde says of an unknown field into [`Problem::UnknownKey`].
fn toml_problem(message: &str) -> Problem {
    let Some((key, expected)) =
        message.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, "))
    else {
        return Problem::Toml(plain(message));
    };
    let known: Vec<String> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Problem::UnknownKey {
        nearest: nearest(key, known.iter().map(String::as_str)).map(str::to_owned),
        key: key.to_owned(),
        known,
    }
}

/// The place where a value stands in `text`.
fn place<T>(text: &str, value: &Spanned<T>) -> Position {
    Position::at(text, value.span().start)
}

#[cfg(test)]
mod tests;
