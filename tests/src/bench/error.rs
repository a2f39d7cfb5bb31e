//! Why something could not be measured.

use std::io;

/// A measurement that could not be made, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Peers are not installed.
    #[error("programs to compare with are missing; install them with `make setup`, or:\n{0}")]
    Missing(String),
    /// A program could not be started or followed.
    #[error("{program}: {source}")]
    Program {
        /// Its name.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A peer failed.
    #[error("{program} ended with {status}: {stderr}")]
    Peer {
        /// Its command line.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it said.
        stderr: String,
    },
    /// A run of Karakuri failed.
    #[error("the measured run ended with {exit:?}: {message}\n{stderr}")]
    Run {
        /// Its exit, in a word.
        exit: String,
        /// Its message.
        message: String,
        /// What it showed.
        stderr: String,
    },
    /// A run did not report what was to be measured.
    #[error("the measured run reported no {0}; its script and the bench do not fit")]
    Absent(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// Names the program in an error of starting or following it.
pub(super) fn of(program: &str) -> impl FnOnce(io::Error) -> BenchError {
    let program = program.to_owned();
    move |source| BenchError::Program { program, source }
}

/// Names the file in an error of reading or writing it.
pub(super) fn at(path: &std::path::Path) -> impl FnOnce(io::Error) -> BenchError {
    let path = path.display().to_string();
    move |source| BenchError::File { path, source }
}
