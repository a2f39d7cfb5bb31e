//! `karakuri lint`: what an author should know before the first run.

use std::fs;
use std::path::Path;

use karakuri_protocol::job::Exit;
use karakuri_workflow::lint::{self, Severity, Source};
use karakuri_workflow::manifest::FILE_NAME;

use crate::cli::Lint;
use crate::error::{CliError, at};

/// The deepest directory that is looked into, one more than a bundle may have.
const MAX_DEPTH: usize = 9;

pub(crate) fn run(arguments: &Lint) -> Result<Exit, CliError> {
    let manifest_path = arguments.dir.join(FILE_NAME);
    let manifest = fs::read_to_string(&manifest_path).map_err(at(&manifest_path))?;
    let mut files = Vec::new();
    collect(&arguments.dir, "", MAX_DEPTH, &mut files)?;
    let sources: Vec<Source<'_>> = files
        .iter()
        .map(|(path, size, text)| Source { path, size: *size, text: text.as_deref() })
        .collect();
    let findings = lint::lint(&manifest, &sources);
    if arguments.json {
        let text = serde_json::to_string_pretty(&findings);
        println!("{}", text.map_err(CliError::internal("writing JSON"))?);
    } else {
        for f in &findings {
            let severity = format!("{:?}", f.severity).to_lowercase();
            println!("{}:{}: {severity}: {} [{}]", f.file, f.line, f.message, f.rule);
        }
        if findings.is_empty() {
            println!("{}: nothing to say", arguments.dir.display());
        }
    }
    let bad = findings.iter().any(|f| f.severity == Severity::Error);
    Ok(if bad { Exit::InvalidWorkflow } else { Exit::Success })
}

/// Path, size, and the text where it is one.
type Found = (String, u64, Option<String>);

fn collect(
    directory: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<Found>,
) -> Result<(), CliError> {
    for entry in fs::read_dir(directory).map_err(at(directory))? {
        let entry = entry.map_err(at(directory))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // As the daemon does: these are not part of a bundle.
        if name.starts_with('.') || name == "__pycache__" {
            continue;
        }
        let path = entry.path();
        let shown = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let metadata = fs::symlink_metadata(&path).map_err(at(&path))?;
        if metadata.is_dir() && depth > 0 {
            collect(&path, &shown, depth - 1, files)?;
        } else if metadata.is_file() {
            let text = fs::read(&path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            files.push((shown, metadata.len(), text));
        }
    }
    Ok(())
}
