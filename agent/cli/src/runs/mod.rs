//! `karakuri runs`: the runs of this state directory, the newest first: those that the audit log tells of,
//! and those that were imported or fetched into the store.
//!
//! One that cannot be read hides no other: it is listed with what is known of it, the reason goes to
//! stderr, and the exit code says that the list is not to be relied on.

mod log;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::PathBuf;

use karakuri_protocol::job::Exit;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_seal::manifest::VerifyingKey;
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::audit::log_path;
use crate::cli::Runs;
use crate::error::CliError;
use crate::kept::manifest_in;
use crate::output;
use crate::site::{Site, runs_in};
use log::{Log, Told};

/// The list, as `--json` prints it.
#[derive(Debug, Serialize)]
struct List {
    runs: Vec<Run>,
    /// How many older ones `--limit` left out.
    older: usize,
    /// What could not be read.
    faults: Vec<String>,
}

/// One run.
#[derive(Debug, Serialize)]
struct Run {
    run: String,
    /// Name and version; none of a job that was refused before its manifest was read.
    workflow: Option<Workflow>,
    #[serde(with = "time::serde::rfc3339::option")]
    started: Option<OffsetDateTime>,
    /// How it ended; none while it goes on, and of one that was cut short and is not closed yet.
    outcome: Option<Exit>,
    artifacts: Option<usize>,
    place: Place,
}

#[derive(Debug, Serialize)]
struct Workflow {
    name: String,
    version: String,
}

/// Where a run's artifacts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// In the store, all of them.
    Delivered,
    /// In the store, and made by another machine.
    Imported,
    /// In the spool, some of them: the store does not have the manifest.
    Waiting,
    /// Nowhere here, although they were in the store.
    Missing,
    /// In the store with a manifest that is not to be believed.
    Refused,
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Imported => "imported",
            Self::Waiting => "waiting",
            Self::Missing => "MISSING",
            Self::Refused => "REFUSED",
        }
    }
}

pub(crate) fn run(arguments: &Runs) -> Result<Exit, CliError> {
    let site = Site::find()?;
    let list = list(&site, arguments.limit)?;
    if arguments.json {
        output::json(&list)?;
    } else {
        print(&list, &site);
    }
    Ok(if list.faults.is_empty() { Exit::Success } else { Exit::NotVerified })
}

fn list(site: &Site, limit: usize) -> Result<List, CliError> {
    let path = log_path(site);
    let Log { runs: told, unreadable } = log::read(&path)?;
    let mut faults = Vec::new();
    if let Some(first) = unreadable.first() {
        faults.push(format!(
            "{}: line {first} is no record, with {} more: runs may lack here; `karakuri audit verify` says \
             what is wrong",
            path.display(),
            unreadable.len() - 1
        ));
    }
    let stored = stored(site)?;
    let all: BTreeSet<&String> = told.keys().chain(stored.keys()).collect();
    let older = all.len().saturating_sub(limit);
    let reading = Reading {
        trusted: if stored.is_empty() { Vec::new() } else { site.trusted(&[])? },
        is_elsewhere: site.delivers_elsewhere()?,
    };
    // Ids begin with the time, so the greatest is the newest.
    let newest = all.into_iter().rev().take(limit);
    let runs =
        newest.map(|run| reading.one(run, told.get(run), stored.get(run), &mut faults)).collect();
    Ok(List { runs, older, faults })
}

/// The directories of the runs in the store, by id.
fn stored(site: &Site) -> Result<BTreeMap<String, PathBuf>, CliError> {
    let store = site.store();
    let all = if store.exists() { runs_in(&store)? } else { Vec::new() };
    let named = all.into_iter().filter_map(|path| {
        let run = path.file_name()?.to_string_lossy().into_owned();
        Some((run, path))
    });
    Ok(named.collect())
}

/// How runs are looked at.
struct Reading {
    trusted: Vec<VerifyingKey>,
    /// Whether artifacts go to another store than the one in the state directory.
    is_elsewhere: bool,
}

impl Reading {
    fn one(
        &self,
        run: &str,
        told: Option<&Told>,
        stored: Option<&PathBuf>,
        faults: &mut Vec<String>,
    ) -> Run {
        let manifest = stored.map(|directory| manifest_in(directory, &self.trusted));
        let (manifest, is_refused) = match manifest {
            Some(Ok(manifest)) => (Some(manifest), false),
            Some(Err(e)) => {
                faults.push(format!("run {run}: {e}"));
                (None, true)
            }
            None => (None, false),
        };
        let place = match (told, stored) {
            _ if is_refused => Place::Refused,
            (None, _) => Place::Imported,
            (Some(_), Some(_)) => Place::Delivered,
            (Some(told), None) if !told.is_delivered => Place::Waiting,
            (Some(_), None) if self.is_elsewhere => Place::Delivered,
            (Some(_), None) => Place::Missing,
        };
        let workflow = |(name, version): &(String, String)| Workflow {
            name: name.clone(),
            version: version.clone(),
        };
        // A run that was cut short is closed by one who does not know its workflow, but the log does.
        let workflow = told.and_then(|told| told.workflow.as_ref()).map(workflow).or_else(|| {
            let named = manifest.as_ref().map(|manifest| &manifest.workflow);
            let named = named.filter(|workflow| !workflow.version.is_empty())?;
            Some(Workflow { name: named.name.clone(), version: named.version.clone() })
        });
        let end = told.and_then(|told| told.end);
        let counted = end.and_then(|(_, artifacts)| usize::try_from(artifacts).ok());
        Run {
            run: run.to_owned(),
            workflow,
            started: manifest.as_ref().map(|m| m.started).or(told.map(|told| told.began)),
            outcome: manifest.as_ref().map(|m| m.outcome).or(end.map(|(outcome, _)| outcome)),
            artifacts: manifest.as_ref().map(|m| m.artifacts.len()).or(counted),
            place,
        }
    }
}

fn print(list: &List, site: &Site) {
    if list.runs.is_empty() {
        output::line(site.no_run_yet());
    } else if std::io::stdout().is_terminal() {
        output::line(format!(
            "{:<28} {:<19} {:<18} {:>9} {:<9}  {}",
            "RUN", "BEGUN (UTC)", "ENDED", "ARTIFACTS", "PLACE", "WORKFLOW"
        ));
    }
    for run in &list.runs {
        output::line(line(run));
    }
    if list.older > 0 {
        output::line(format!("{} older ones are left out: --limit N", list.older));
    }
    for fault in &list.faults {
        eprintln!("karakuri: {}", Untrusted::new(fault.as_str()).escaped(1000));
    }
}

fn line(run: &Run) -> String {
    let shown = |text: &str| Untrusted::new(text).escaped(100);
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let started =
        run.started.and_then(|at| at.to_offset(time::UtcOffset::UTC).format(&format).ok());
    let workflow = run.workflow.as_ref().map_or_else(
        || "-".to_owned(),
        |workflow| format!("{} {}", shown(&workflow.name), shown(&workflow.version)),
    );
    let artifacts = run.artifacts.map_or_else(|| "-".to_owned(), |count| count.to_string());
    format!(
        "{:<28} {:<19} {:<18} {artifacts:>9} {:<9}  {workflow}",
        shown(&run.run),
        started.unwrap_or_else(|| "-".to_owned()),
        run.outcome.map_or("not ended", Exit::word),
        run.place.word()
    )
}
