//! What the command line says when it cannot do what it was asked.

use std::path::{Path, PathBuf};

use karakuri_protocol::job::Exit;
use karakuri_sandbox::child::LayerFailure;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{path}: {}", in_words(.source))]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Platform(String),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NotVerified(String),
    #[error("{0}; give the private key of that pair with --key NAMESPACE/NAME=FILE")]
    NoKey(String),
    #[error("{message}")]
    Refused { exit: Exit, message: String },
    #[error(
        "sandbox layer {} could not be put up: {}. To mend it: {}", .0.layer, .0.reason, .0.mend
    )]
    Layer(LayerFailure),
    #[error("{doing}: {reason}")]
    Internal { doing: &'static str, reason: String },
}

impl CliError {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Platform(_) => Exit::Platform,
            Self::Usage(_) | Self::Io { .. } => Exit::Usage,
            Self::NotVerified(_) | Self::NoKey(_) => Exit::NotVerified,
            Self::Refused { exit, .. } => *exit,
            Self::Layer(_) => Exit::Sandbox,
            Self::Internal { .. } => Exit::Internal,
        }
    }

    pub(crate) fn internal<E: std::fmt::Display>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |e| Self::Internal { doing, reason: e.to_string() }
    }
}

/// An I/O error without the number that only a programmer knows.
fn in_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// Names the path an I/O error is about.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> CliError {
    let path = path.to_owned();
    move |source| CliError::Io { path, source }
}
