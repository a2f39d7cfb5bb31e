//! The files of a workflow: what they may be called, how many, how large.
//!
//! Nothing is opened here: the caller lists paths (relative to the bundle, `/` between parts) and
//! sizes, and reads nothing that this module has not accepted.

use std::collections::BTreeSet;

use karakuri_protocol::untrusted::Untrusted;

use crate::manifest::{FILE_NAME, Manifest};

/// The deepest path: this many parts.
pub const MAX_DEPTH: usize = 8;
/// The longest part of a path, in bytes.
pub const MAX_NAME: usize = 128;
/// The most files.
pub const MAX_FILES: usize = 1024;
/// All files together, in bytes.
pub const MAX_TOTAL: u64 = 64 * 1024 * 1024;
/// Where the pictures lie that `image:` targets name.
pub const IMAGES: &str = "images";

/// A regular file of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Relative to the bundle.
    pub path: &'a str,
    /// In bytes.
    pub size: u64,
}

/// Why a set of files is not a workflow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// A path that could mean another place, or that cannot be shown.
    #[error("{path}: {reason}")]
    Path {
        /// Escaped.
        path: String,
        /// What a path must be.
        reason: PathError,
    },
    /// A path that stands in the list twice.
    #[error("{0}: listed twice")]
    Twice(String),
    /// Too many files.
    #[error("the workflow has {0} files; at most {MAX_FILES} are allowed")]
    TooMany(usize),
    /// Too much in all.
    #[error("the workflow has {0} bytes in all; at most {MAX_TOTAL} are allowed")]
    TooLarge(u64),
    /// No `workflow.toml`.
    #[error("there is no {FILE_NAME} in the workflow's directory")]
    MissingManifest,
    /// The entry file is not there.
    #[error("workflow.toml names entry = {0:?}, but there is no such file")]
    MissingEntry(String),
    /// The file that is the default of an input is not there.
    #[error("inputs.{input}.default = {path:?}: there is no such file in the workflow")]
    MissingDefault {
        /// The input.
        input: String,
        /// The missing path.
        path: String,
    },
    /// A file in `images/` that is not a picture an `image:` target can name.
    #[error("{0}: files in {IMAGES}/ must be called NAME.png and lie directly in it")]
    Image(String),
}

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing there.
    #[error("a path must not be empty")]
    Empty,
    /// Starts with `/`.
    #[error("a path must be relative to the workflow's directory")]
    Absolute,
    /// Has an empty part, `.` or `..`.
    #[error("a path must have no empty, `.` or `..` part")]
    Dots,
    /// Too many parts.
    #[error("a path must have at most {MAX_DEPTH} parts")]
    Deep,
    /// A part that is too long.
    #[error("each part of a path must have at most {MAX_NAME} bytes")]
    Long,
    /// A character that is not allowed.
    #[error(
        "a path must have only letters, digits, space and `.`, `_`, `-`, `+`, `(`, `)`, `@`, `,`, and no part may begin with `-` or a space"
    )]
    Character,
}

/// Checks a path inside a bundle.
///
/// # Errors
/// Which rule it breaks.
pub fn check_path(path: &str) -> Result<(), PathError> {
    if path.starts_with('/') {
        return Err(PathError::Absolute);
    }
    if path.split('/').count() > MAX_DEPTH {
        return Err(PathError::Deep);
    }
    path.split('/').try_for_each(check_file_name)
}

/// Checks one part of a path. Letters of any script are allowed: Japanese file names are usual.
///
/// # Errors
/// Which rule it breaks.
pub fn check_file_name(name: &str) -> Result<(), PathError> {
    let allowed = |c: char| c.is_alphanumeric() || " ._-+()@,".contains(c);
    match name {
        "" => Err(PathError::Empty),
        "." | ".." => Err(PathError::Dots),
        _ if name.len() > MAX_NAME => Err(PathError::Long),
        _ if name.starts_with(['-', ' ']) || !name.chars().all(allowed) => {
            Err(PathError::Character)
        }
        _ => Ok(()),
    }
}

/// Checks the files of a bundle by themselves, before its manifest is read.
///
/// # Errors
/// The first rule that is broken.
pub fn check_files(entries: &[Entry<'_>]) -> Result<(), BundleError> {
    if entries.len() > MAX_FILES {
        return Err(BundleError::TooMany(entries.len()));
    }
    let total = entries.iter().fold(0_u64, |sum, e| sum.saturating_add(e.size));
    if total > MAX_TOTAL {
        return Err(BundleError::TooLarge(total));
    }
    let mut seen = BTreeSet::new();
    for Entry { path, .. } in entries {
        let shown = || Untrusted::new(*path).escaped(120);
        check_path(path).map_err(|reason| BundleError::Path { path: shown(), reason })?;
        if !seen.insert(*path) {
            return Err(BundleError::Twice(shown()));
        }
        if image_name(path).is_some_and(|name| name.contains('/') || !name.ends_with(".png")) {
            return Err(BundleError::Image(shown()));
        }
    }
    if !seen.contains(FILE_NAME) {
        return Err(BundleError::MissingManifest);
    }
    Ok(())
}

/// Checks that the files a manifest names are there.
///
/// # Errors
/// The first that is missing.
pub fn check_manifest(entries: &[Entry<'_>], manifest: &Manifest) -> Result<(), BundleError> {
    let there = |path: &str| entries.iter().any(|e| e.path == path);
    if !there(&manifest.entry) {
        return Err(BundleError::MissingEntry(manifest.entry.clone()));
    }
    for (name, path) in manifest.default_files() {
        if !there(path) {
            return Err(BundleError::MissingDefault {
                input: name.to_owned(),
                path: path.to_owned(),
            });
        }
    }
    Ok(())
}

/// What an `image:` target calls the file at `path`; none if it is not in `images/`.
#[must_use]
pub fn image_name(path: &str) -> Option<&str> {
    path.strip_prefix(IMAGES)?.strip_prefix('/')
}

#[cfg(test)]
mod tests;
