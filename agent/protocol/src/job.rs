//! What starts a run, what it tells while it goes on, and how it ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desktop::Effect;
use crate::untrusted::Untrusted;
use crate::watch::Person;

/// One request to run a workflow. The bundle directory is the first fd of the message, the files
/// of `files` follow in order, each opened read-only by the requester; then those of the [`Driver`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Id of the run: `<UTC date and time>-<8 hex digits>`.
    pub run: String,
    /// Who is its script.
    pub driver: Driver,
    /// Where the bundle came from, to be shown only.
    pub origin: Untrusted,
    /// Inputs given as values.
    pub values: BTreeMap<String, String>,
    /// Inputs given as files: input name → file name below `/files`.
    pub files: Vec<FileInput>,
    /// Public key (SPKI PEM) under which the run's artifacts are sealed.
    pub recipient_pem: String,
    /// Name of that key.
    pub recipient_name: String,
    /// Who watches, if anybody does. The last two fds of the job's message are then the links of
    /// [`crate::watch`] that karakurid and karakuri-desktop speak on.
    pub watched_by: Option<Person>,
}

/// The request to deliver what waits in the spool, instead of a [`Job`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// Also what was parked for a person.
    pub parked: bool,
    /// Files that leave the spool as soon as they are in the store, whatever their minimum stay: they are
    /// about to be erased there.
    pub release: Vec<Release>,
}

/// Files of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Id of the run.
    pub run: String,
    /// Their names in it.
    pub files: Vec<String>,
}

/// How far a [`Drain`] is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drained {
    /// Files that are in the store since it began.
    pub delivered: usize,
    /// Files that are not there yet.
    pub waiting: usize,
    /// Those of them that wait for a person.
    pub parked: usize,
    /// Why the last attempt failed.
    pub reason: Option<Untrusted>,
}

/// Who is the script of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// The bundle's entry.
    Bundle,
    /// An MCP client at whoever asks for the run. Two more fds of the job's message are what it writes to
    /// us and what it reads from us.
    Client,
}

/// An input that is a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInput {
    /// Name of the input.
    pub input: String,
    /// The last component of the path it had.
    pub file_name: Untrusted,
}

/// What a person at the terminal can ask of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// End it now; what is there is sealed.
    Stop,
    /// Carry out no call until [`Control::Resume`].
    Pause,
    /// Go on.
    Resume,
}

/// Something that happened, as the requester is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Progress {
    /// A part of the preparation or of the run began.
    Step {
        /// Its name.
        name: Untrusted,
    },
    /// An act was carried out.
    Act {
        /// The method.
        method: String,
        /// On what, escaped by whoever shows it.
        what: Untrusted,
        /// What became of it.
        effect: Effect,
        /// How long it took.
        ms: u32,
    },
    /// The script logged or printed a line.
    Line {
        /// The line.
        text: Untrusted,
    },
    /// The run could not be begun, so nothing is recorded and nothing sealed.
    Refused {
        /// The exit code and its meaning.
        exit: Exit,
        /// What is wrong, where, and what to do.
        message: String,
    },
    /// A person paused the run, or let it go on.
    Paused(bool),
    /// A person acts in the run's window.
    TakenOver,
    /// Something became of a file that waits for the store.
    Delivery(Drained),
    /// A [`Drain`] is over.
    Drained(Drained),
    /// The run is over.
    Finished(Box<Outcome>),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Id of the run.
    pub run: String,
    /// The exit code and its meaning.
    pub exit: Exit,
    /// What happened, where, and what to do; empty on success.
    pub message: String,
    /// The outputs.
    pub outputs: BTreeMap<String, Value>,
    /// What the manifest's `collect` names and was not kept: path and reason, escaped.
    pub not_collected: Vec<String>,
    /// What the workflow should mend, in words.
    pub warnings: Vec<String>,
    /// Key of the run in the store.
    pub store_prefix: String,
    /// Key of the sealed report in the store; none if it could not be sealed.
    pub report_key: Option<String>,
    /// Number of sealed artifacts.
    pub artifacts: u32,
    /// Sealed files that are not in the store yet; they wait in the spool.
    pub waiting: u32,
    /// Wall time from the job to the end.
    pub elapsed_ms: u64,
}

macro_rules! exits {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $word:literal, $text:literal;)*) => {
        /// Exit codes of `karakuri`: one for each way a run can end.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Exit { $($(#[$doc])* #[doc = $text] $name = $code,)* }

        impl Exit {
            /// All, in the order of their codes.
            pub const ALL: &[Exit] = &[$(Exit::$name,)*];

            /// The process exit code.
            #[must_use]
            pub fn code(self) -> u8 { match self { $(Exit::$name => $code,)* } }

            /// The word used in JSON, in the audit log and in the report.
            #[must_use]
            pub fn word(self) -> &'static str { match self { $(Exit::$name => $word,)* } }

            /// What it means.
            #[must_use]
            pub fn meaning(self) -> &'static str { match self { $(Exit::$name => $text,)* } }
        }
    };
}

exits! {
    Success = 0, "success", "the workflow did what it is for";
    Internal = 1, "internal", "Karakuri itself failed; the message says where";
    Usage = 2, "usage", "the command line is wrong";
    InvalidWorkflow = 10, "invalid_workflow", "workflow.toml cannot be read, has unknown keys or values, or is for another version of Karakuri";
    MissingEntry = 11, "missing_entry", "the entry file named in workflow.toml is not in the bundle";
    Platform = 12, "platform", "this machine lacks something Karakuri needs; `karakuri doctor` says what";
    Sandbox = 13, "sandbox", "a layer of the sandbox could not be put up; the script was not started";
    WrongAsset = 14, "wrong_asset", "a model or ONNX Runtime is missing or is not the file that was pinned";
    InvalidInput = 15, "invalid_input", "an input is missing, unknown, or not of its type";
    Busy = 16, "busy", "another run is going on with the same state directory";
    FailBusiness = 20, "fail_business", "the workflow reported that the business case cannot be done";
    FailApp = 21, "fail_app", "the workflow reported that an application misbehaved";
    ScriptFailed = 22, "script_failed", "the script ended with an error of its own";
    NotFound = 23, "not_found", "a target was not on the screen and the script did not handle it";
    Ambiguous = 24, "ambiguous", "a target matched several things and the script did not handle it";
    Timeout = 25, "timeout", "the run or a wait took longer than allowed";
    OutputLimit = 26, "output_limit", "the script printed more than allowed";
    ChannelClosed = 27, "channel_closed", "the script closed its channel to the agent before it ended";
    MalformedRequest = 28, "malformed_request", "the script sent something that is not a request";
    OversizedRequest = 29, "oversized_request", "the script sent a request larger than allowed";
    UnknownMethod = 30, "unknown_method", "the script asked for a method that does not exist";
    Denied = 31, "denied", "the grant does not allow what the script asked and it did not handle the refusal";
    BudgetExceeded = 32, "budget_exceeded", "the run used up its actions";
    DesktopFailed = 33, "desktop_failed", "the display, a window or an application failed";
    EvidenceFailed = 34, "evidence_failed", "the audit log, sealing or the store failed, so the run was stopped";
    SandboxViolation = 35, "sandbox_violation", "the script was killed by the kernel for a forbidden system call";
    NotVerified = 36, "not_verified", "an artifact or the audit log is not what it was when it was written";
    MemoryLimit = 37, "memory_limit", "the script used more memory than allowed";
    Interrupted = 130, "interrupted", "a person stopped the run";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_words_match_serde() {
        let mut codes: Vec<u8> = Exit::ALL.iter().map(|e| e.code()).collect();
        codes.dedup();
        assert_eq!(codes.len(), Exit::ALL.len());
        for exit in Exit::ALL {
            assert_eq!(serde_json::to_value(exit).unwrap(), exit.word());
        }
    }
}
