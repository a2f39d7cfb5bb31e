//! `karakuri import`: takes the runs that another machine exported to a disk into the store.
//!
//! Nothing on the disk is believed but what a trusted key signed. A run is taken when every file of it
//! is there as it was signed, and has no manifest in the store before all its other files are: what an
//! interruption leaves is no run, and the next import goes on from it. Its news comes last.

mod copy;
mod exported;
mod news;

use std::fs;
use std::path::{Path, PathBuf};

use karakuri_protocol::job::Exit;
use karakuri_seal::Class;
use karakuri_seal::manifest::VerifyingKey;
use serde::Serialize;

use crate::cli::Import;
use crate::error::{CliError, at};
use crate::kept::{Kept, MANIFEST, foreign_removal};
use crate::output;
use crate::site::Site;
use crate::{removal, retention};
use copy::Placed;
use exported::Exported;
use news::News;

/// What was found, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Report {
    runs: Vec<Taken>,
}

/// One run of the disk.
#[derive(Debug, Serialize)]
struct Taken {
    run: String,
    state: State,
    /// Artifacts of its manifest.
    artifacts: usize,
    /// Files that are in the store now and were not before.
    copied: usize,
    /// What keeps it from being taken.
    faults: Vec<Fault>,
    /// Files that nobody signed; they stay where they are.
    unsigned: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It is in the store now.
    Taken,
    /// It was there already, just so.
    Present,
    /// It is not whole, or something else is in its place.
    Refused,
}

/// What is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Fault {
    path: PathBuf,
    fault: String,
}

impl Fault {
    fn new(path: &Path, fault: impl Into<String>) -> Self {
        Self { path: path.to_owned(), fault: fault.into() }
    }
}

pub(crate) fn run(arguments: &Import) -> Result<Exit, CliError> {
    let site = Site::find()?;
    let mut report = Report { runs: Vec::new() };
    for directory in runs_on(&arguments.dir)? {
        let trusted = site.trusted(&arguments.trust)?;
        let taken = take((&arguments.dir, &directory), &site, &trusted)?;
        if taken.state != State::Refused {
            // Who was believed once is believed by the commands that read the store, for that site.
            site.trust(&arguments.trust, &directory)?;
        }
        report.runs.push(taken);
    }
    if report.runs.is_empty() {
        let dir = arguments.dir.display();
        return Err(CliError::Usage(format!(
            "there is no run in {dir}/runs; name the directory that [store.export] of the other \
             machine names"
        )));
    }
    if arguments.json {
        output::json(&report)?;
    } else {
        report.runs.iter().for_each(tell);
    }
    let whole = report.runs.iter().all(|taken| taken.state != State::Refused);
    Ok(if whole { Exit::Success } else { Exit::NotVerified })
}

/// The directories of all runs, the oldest first; also of those without a manifest.
fn runs_on(disk: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut all = Vec::new();
    for day in directories(&disk.join("runs"))? {
        all.extend(directories(&day)?);
    }
    all.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(all)
}

/// The directories in one; a link is none.
fn directories(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut all = Vec::new();
    for entry in fs::read_dir(path).map_err(at(path))? {
        let entry = entry.map_err(at(path))?;
        if entry.file_type().map_err(at(path))?.is_dir() {
            all.push(entry.path());
        }
    }
    Ok(all)
}

/// Checks one run, and takes it if it is whole. Errors are those of the store; the disk's are faults.
fn take(
    (disk, from): (&Path, &Path),
    site: &Site,
    trusted: &[VerifyingKey],
) -> Result<Taken, CliError> {
    let store = site.store();
    let run = from.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (state, faults, unsigned) = (State::Refused, Vec::new(), Vec::new());
    let mut taken = Taken { run, state, artifacts: 0, copied: 0, faults, unsigned };
    let mut exported = match Exported::read((disk, from), trusted) {
        Ok(exported) => exported,
        Err(fault) => {
            taken.faults.push(fault);
            return Ok(taken);
        }
    };
    taken.artifacts = exported.artifacts;
    taken.unsigned.clone_from(&exported.unsigned);
    taken.faults = exported.faults();
    let to = store.join("runs").join(&exported.day).join(&taken.run);
    if to.join(MANIFEST).exists() {
        match Kept::read(&to, trusted) {
            Ok(store) => {
                let what = "removes what is in the store, and is not signed with the key of the run; \
                            erase it here with `karakuri subject erase`";
                match Kept::read(from, trusted) {
                    Ok(from) => {
                        let foreign = foreign_removal(&from, &store, trusted);
                        taken.faults.extend(foreign.map(|path| Fault::new(&path, what)));
                    }
                    Err(e) => taken.faults.push(Fault::new(from, e.to_string())),
                }
                exported.leave_out(&store);
            }
            Err(e) => taken.faults.push(Fault::new(&to, e.to_string())),
        }
    }
    if taken.faults.is_empty() {
        taken.faults = copy::conflicts(&exported, &to)?;
        // What expired does not come back.
        if retention::is_over(site, &taken.run, Class::Event)? {
            exported.news = News::default();
        }
        taken.faults.extend(exported.news.conflicts(&store)?);
    }
    if taken.faults.is_empty() {
        match copy::all(&exported, &to)? {
            Placed::All(copied) => {
                taken.copied = copied;
                // What the other side removed since it was taken goes here too.
                removal::finish(&Kept::read(&to, trusted)?)?;
                taken.copied += exported.news.copy(&store)?;
            }
            Placed::Faulty(fault) => taken.faults.push(fault),
        }
    }
    taken.state = match (taken.faults.is_empty(), taken.copied) {
        (false, _) => State::Refused,
        (true, 0) => State::Present,
        (true, _) => State::Taken,
    };
    Ok(taken)
}

fn tell(taken: &Taken) {
    // Names on a disk that is carried around may hold anything.
    for Fault { path, fault } in &taken.faults {
        output::line(format!("FAULT {path:?} {}", fault.escape_debug()));
    }
    for path in &taken.unsigned {
        output::line(format!("NOTE  {path:?} is in no signed list and was not taken"));
    }
    let verdict = match taken.state {
        State::Taken => format!("taken into the store, {} files", taken.copied),
        State::Present => "in the store already, as it was signed".to_owned(),
        State::Refused => "NOT taken".to_owned(),
    };
    let run = taken.run.escape_debug();
    output::line(format!("run {run}: {} artifacts, {verdict}", taken.artifacts));
}
