//! A workflow's directory as it was named on the command line.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use karakuri_workflow::manifest::FILE_NAME;

use crate::error::{CliError, at};

/// The deepest directory that is looked into, one more than a bundle may have.
const MAX_DEPTH: usize = 9;

/// A file of a workflow as it lies there.
#[derive(Debug)]
pub(crate) struct Found {
    /// Relative to the workflow's directory.
    pub(crate) path: String,
    pub(crate) size: u64,
    /// Its content where that is text.
    pub(crate) text: Option<String>,
    /// Whether it is a file at all: a run takes no links, pipes or devices.
    pub(crate) plain: bool,
}

/// Opens the directory.
pub(crate) fn open(path: &Path) -> Result<File, CliError> {
    let wrong = |what: &str| {
        let shown = path.display();
        CliError::Usage(format!("{shown}: {what}; name the one that holds {FILE_NAME}"))
    };
    let directory = File::open(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => wrong("there is no such directory"),
        _ => at(path)(e),
    })?;
    if directory.metadata().map_err(at(path))?.is_dir() {
        Ok(directory)
    } else {
        Err(wrong("that is not a directory"))
    }
}

/// The text of its manifest.
pub(crate) fn manifest(directory: &Path) -> Result<String, CliError> {
    open(directory)?;
    let path = directory.join(FILE_NAME);
    fs::read_to_string(&path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => {
            let shown = directory.display();
            CliError::Usage(format!("there is no {FILE_NAME} in {shown}: every workflow has one"))
        }
        _ => at(&path)(e),
    })
}

/// All that lies in it, but for what the daemon leaves out too.
pub(crate) fn files(directory: &Path) -> Result<Vec<Found>, CliError> {
    let mut found = Vec::new();
    collect(directory, "", MAX_DEPTH, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn collect(
    directory: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<Found>,
) -> Result<(), CliError> {
    for entry in fs::read_dir(directory).map_err(at(directory))? {
        let entry = entry.map_err(at(directory))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "__pycache__" {
            continue;
        }
        let path = entry.path();
        let shown = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let metadata = fs::symlink_metadata(&path).map_err(at(&path))?;
        if metadata.is_dir() {
            if depth > 0 {
                collect(&path, &shown, depth - 1, found)?;
            }
            continue;
        }
        let plain = metadata.is_file();
        let bytes = if plain { fs::read(&path).ok() } else { None };
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        found.push(Found { path: shown, size: metadata.len(), text, plain });
    }
    Ok(())
}
