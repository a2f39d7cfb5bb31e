//! `karakuri artifacts events`: the news of a run, as its site's event bus has it.

use std::fs;
use std::path::{Path, PathBuf};

use karakuri_audit::open_regular;
use karakuri_protocol::event::CloudEvent;
use karakuri_protocol::job::Exit;
use karakuri_seal::{Class, Unwrap, open};

use crate::cli::Events;
use crate::error::{CliError, at};
use crate::kept::not_opened;
use crate::output;
use crate::site::Site;

pub(crate) fn run(arguments: &Events) -> Result<Exit, CliError> {
    let site = Site::find()?;
    let store = arguments.store.clone().unwrap_or_else(|| site.store());
    let keys = site.keyrings(&arguments.opening)?;
    let (run, files) = files(&store.join("events"), &arguments.run)?;
    for path in files {
        output::json_line(&read(&path, &run, &keys)?)?;
    }
    Ok(Exit::Success)
}

/// A run, or the last one, and its events by their numbers; the one that it was uploaded comes last.
fn files(events: &Path, run: &str) -> Result<(String, Vec<PathBuf>), CliError> {
    let named = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let within = |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten();
    let runs = within(events.to_owned()).flat_map(|day| within(day.path()));
    let runs = runs.filter_map(|entry| Some((named(&entry.path())?, entry.path())));
    let found = runs.filter(|(name, _)| run == "last" || name == run).max();
    let (run, directory) = found.ok_or_else(|| {
        let which = if run == "last" { "any run".to_owned() } else { format!("run {run:?}") };
        CliError::Usage(format!(
            "there is no news of {which} in {}: a site has it unless site.toml says `events = false`, \
             a laptop has none",
            events.display()
        ))
    })?;
    let entries = fs::read_dir(&directory).map_err(at(&directory))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "esdk"));
    files.sort();
    Ok((run, files))
}

fn read<U: Unwrap>(path: &Path, run: &str, keys: &[U]) -> Result<CloudEvent, CliError> {
    let refused = |what: String| CliError::NotVerified(format!("{}: {what}", path.display()));
    let mut json = Vec::new();
    let opened = open(keys, None, open_regular(path).map_err(at(path))?, &mut json)
        .map_err(|e| not_opened(path, &e))?;
    if (opened.context.run.as_str(), opened.context.class) != (run, Class::Event) {
        return Err(refused("it is no event of this run".to_owned()));
    }
    serde_json::from_slice(&json).map_err(|e| refused(format!("it is no event: {e}")))
}
