//! How a run ended.

use karakuri_protocol::job::Exit;

/// The end of a run: the exit code, and a sentence that says what happened, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The exit code.
    pub exit: Exit,
    /// For a person. Text from outside in it is escaped.
    pub message: String,
}

impl End {
    /// An end with a message.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// The end of a run that did what it is for.
    #[must_use]
    pub fn success() -> Self {
        Self::new(Exit::Success, "")
    }

    /// Karakuri itself failed while `doing`.
    pub fn internal(doing: &str, error: impl std::fmt::Display) -> Self {
        Self::new(Exit::Internal, format!("{doing}: {error}"))
    }

    /// The audit log, sealing or the store failed while `doing`.
    pub fn evidence(doing: &str, error: impl std::fmt::Display) -> Self {
        Self::new(Exit::EvidenceFailed, format!("{doing}: {error}; the run was stopped"))
    }

    /// The display or an application failed while `doing`.
    pub fn desktop(doing: &str, error: impl std::fmt::Display) -> Self {
        Self::new(Exit::DesktopFailed, format!("{doing}: {error}"))
    }
}
