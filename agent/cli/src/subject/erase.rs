//! `karakuri subject erase`: the keys of a person's values and the outputs that hold them are removed, with
//! every copy. What is encrypted under those keys is then noise; what is other people's stays as it is.
//!
//! 1. What waits in the spool is delivered.
//! 2. All runs are looked through. If something cannot be, or would take others' data with it, nothing is
//!    erased.
//! 3. Copies that only stay in the spool for a while are let go; one that cannot go is a refusal.
//! 4. Run by run: the audit log, the signed record, then the files. A kill leaves what the record completes.
//! 5. With an auditor's file the bucket follows: the records are put there, then every version goes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use karakuri_protocol::job::{Drain, Exit, Release};
use karakuri_seal::manifest::{Artifact, Reason};
use serde::Serialize;

use super::Asked;
use super::find::tell_unsearched;
use super::search::{Found, Searched, Unsearched, in_spool, name, search, unfinished, waiting};
use crate::artifacts::deliver;
use crate::artifacts::fetch::day;
use crate::auditor::{Auditor, Right};
use crate::error::CliError;
use crate::kept::{Kept, MANIFEST, read};
use crate::output;
use crate::removal::{self, Remover};
use crate::site::runs_in;

/// What was done, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Erased {
    runs: Vec<ErasedRun>,
}

#[derive(Debug, Serialize)]
struct ErasedRun {
    run: String,
    /// Ids of artifacts that were removed now.
    artifacts: Vec<String>,
    /// Files that were removed now.
    files: usize,
    /// Versions that were deleted in the bucket now.
    versions: u32,
}

pub(super) fn run(asked: &Asked, with_outputs: bool, json: bool) -> Result<Exit, CliError> {
    if !in_spool(&asked.site).is_empty() {
        deliver::quietly(&asked.site, &Drain::default())?;
    }
    let Searched { found, mut unsearched, runs } =
        search(&asked.wanted, (&asked.site, &asked.store), &asked.keys, &asked.trusted)?;
    unsearched.extend(left_in(asked));
    let auditor = asked.auditor.as_ref().map(|file| Auditor::start(file, Right::Erase));
    let auditor = auditor.transpose()?;
    if let Some(auditor) = &auditor {
        unsearched.extend(only_there(auditor, asked)?);
    }
    if !unsearched.is_empty() {
        tell_unsearched(&unsearched);
        return Err(CliError::NotVerified(
            "nothing was erased: not every run could be searched".to_owned(),
        ));
    }
    if !with_outputs {
        found.iter().try_for_each(refuse_shared)?;
    }
    if !copies(asked, &found).is_empty() {
        let release = found.iter().map(Found::release).collect();
        deliver::quietly(&asked.site, &Drain { parked: false, release })?;
    }
    if let Some(copy) = copies(asked, &found).first() {
        return Err(CliError::NotVerified(format!(
            "nothing was erased: {} is not delivered yet, and would bring it back; see `karakuri \
             artifacts deliver --parked`",
            copy.display()
        )));
    }
    let erased = erase(asked, found, auditor.as_ref())?;
    if json {
        output::json(&erased)?;
    } else {
        tell(&erased, runs);
    }
    Ok(Exit::Success)
}

fn erase(asked: &Asked, found: Vec<Found>, auditor: Option<&Auditor>) -> Result<Erased, CliError> {
    let mut remover = Remover::open(&asked.site)?;
    let mut erased = Erased { runs: Vec::new() };
    let mut done = BTreeSet::new();
    for mut found in found {
        let artifacts = found.to_erase();
        let run = found.kept.manifest.run.clone();
        let files = remover.remove(&mut found.kept, Reason::Erased, &artifacts)?;
        let files = files + removal::finish(&found.kept)?;
        let versions = auditor.map_or(Ok(0), |auditor| follow(auditor, &found.kept))?;
        let artifacts = artifacts.into_iter().map(|artifact| artifact.id).collect();
        done.insert(run.clone());
        erased.runs.push(ErasedRun { run, artifacts, files, versions });
    }
    // What an earlier call left that was cut short: a value whose key is recorded as gone is found no more.
    for directory in runs_in(&asked.store)? {
        let kept = Kept::read(&directory, &asked.trusted)?;
        let run = kept.manifest.run.clone();
        let was_erased = kept.removed().any(|(_, why)| why == Reason::Erased);
        if done.contains(&run) || !was_erased {
            continue;
        }
        let files = removal::finish(&kept)?;
        let versions = auditor.map_or(Ok(0), |auditor| follow(auditor, &kept))?;
        if files > 0 || versions > 0 {
            erased.runs.push(ErasedRun { run, artifacts: Vec::new(), files, versions });
        }
    }
    Ok(erased)
}

fn tell(erased: &Erased, searched: usize) {
    for ErasedRun { run, artifacts, files, versions } in &erased.runs {
        let count = artifacts.len();
        let bucket = match versions {
            0 => String::new(),
            count => format!(", {count} versions in the bucket deleted"),
        };
        output::line(format!(
            "run {run}: {count} artifacts erased now, {files} files removed{bucket}"
        ));
    }
    if erased.runs.is_empty() {
        output::line(format!("nothing was found, and nothing erased: {searched} runs searched"));
    }
}

/// Does in the bucket what the records of the run say was erased, also by an earlier call that was cut short;
/// how many versions were deleted.
fn follow(auditor: &Auditor, kept: &Kept) -> Result<u32, CliError> {
    let run = &kept.manifest.run;
    let prefix = format!("runs/{}/{run}/", day(run)?);
    for record in kept.removals() {
        let bytes = read(&record)?;
        let name = record.strip_prefix(&kept.directory).unwrap_or(&record).display().to_string();
        auditor.record(&format!("{prefix}{name}"), &bytes)?;
    }
    let erased = kept.removed().filter(|(_, why)| *why == Reason::Erased);
    let files: BTreeSet<_> = erased.map(|(artifact, _)| file(artifact)).collect();
    let mut versions = 0;
    for object in auditor.list(&prefix)? {
        if object.key.rsplit('/').next().is_some_and(|name| files.contains(name)) {
            versions += auditor.erase(&object.key)?;
        }
    }
    // One that is only hidden by a delete marker is not listed.
    for name in &files {
        versions += auditor.erase(&format!("{prefix}{name}"))?;
    }
    Ok(versions)
}

/// Runs that are neither in the store nor out of this machine's reach.
fn left_in(asked: &Asked) -> Vec<Unsearched> {
    let known: BTreeSet<_> =
        waiting(&asked.site, &asked.store).into_iter().map(|one| one.run).collect();
    let why = "has no manifest in the store: it is not delivered wholly".to_owned();
    let left = unfinished(&asked.store).into_iter().filter(|run| !known.contains(run));
    left.map(|run| Unsearched { run, why: why.clone() }).collect()
}

/// Runs of the bucket that are not here.
fn only_there(auditor: &Auditor, asked: &Asked) -> Result<Vec<Unsearched>, CliError> {
    let here: BTreeSet<_> = runs_in(&asked.store)?.iter().map(|path| name(path)).collect();
    let why = "is in the bucket alone; `karakuri artifacts fetch all` brings it".to_owned();
    let objects = auditor.list("runs/")?;
    let manifests = objects.iter().filter_map(|object| object.key.strip_suffix(MANIFEST));
    let runs = manifests.filter_map(|key| key.trim_end_matches('/').rsplit('/').next());
    let missing = runs.filter(|run| !here.contains(*run));
    Ok(missing.map(|run| Unsearched { run: run.to_owned(), why: why.clone() }).collect())
}

/// Copies in the spool of this machine of what has to go.
fn copies(asked: &Asked, found: &[Found]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for found in found {
        let run = &found.kept.manifest.run;
        let Some(spool) = in_spool(&asked.site).into_iter().find(|path| name(path) == *run) else {
            continue;
        };
        all.extend(found.to_erase().iter().map(|artifact| spool.join(file(artifact))));
    }
    all.retain(|copy| copy.exists());
    all
}

fn file(artifact: &Artifact) -> String {
    format!("{}.esdk", artifact.id)
}

/// An output that is sealed whole goes as a whole: with what else is personal in it.
fn refuse_shared(found: &Found) -> Result<(), CliError> {
    let own: BTreeSet<_> = found.hits.iter().map(|hit| &hit.value.token).collect();
    for artifact in found.whole() {
        let others = found.index.values.iter().filter(|value| !own.contains(&value.token));
        let is_here = |place: &karakuri_protocol::personal::Place| {
            place.artifact.as_ref() == Some(&artifact.id) && place.kind.is_some()
        };
        let count = others.filter(|value| value.places.iter().any(is_here)).count();
        if count > 0 {
            let (run, id, name) = (&found.kept.manifest.run, &artifact.id, &artifact.name);
            return Err(CliError::Usage(format!(
                "nothing was erased: {id} ({name}) of run {run} is sealed whole and holds {count} other \
                 personal values, which would go with it; say --with-outputs if they may"
            )));
        }
    }
    Ok(())
}

impl Found {
    /// Outputs that are sealed whole and hold the value, and are there.
    pub(super) fn whole(&self) -> Vec<&Artifact> {
        let places = self.hits.iter().flat_map(|hit| &hit.value.places);
        let ids: BTreeSet<_> = places.filter_map(|place| place.artifact.as_ref()).collect();
        let is_pii = |artifact: &&Artifact| artifact.class == karakuri_seal::Class::Pii;
        self.kept.present().filter(is_pii).filter(|artifact| ids.contains(&artifact.id)).collect()
    }

    fn release(&self) -> Release {
        let run = self.kept.manifest.run.clone();
        Release { run, files: self.to_erase().iter().map(file).collect() }
    }

    /// What has to go.
    fn to_erase(&self) -> Vec<Artifact> {
        let keys: BTreeSet<_> = self.hits.iter().filter_map(|hit| hit.value.key.as_ref()).collect();
        let keys = self.kept.present().filter(|artifact| keys.contains(&artifact.id));
        keys.chain(self.whole()).cloned().collect()
    }
}
