//! `karakuri audit verify`: the chain of records, and whether the log and the store tell of the same
//! runs; without the daemon.
//!
//! The manifest of a run names the last record there was when it was signed. A log that was cut off
//! lacks the records of the manifests in the store; a store that lost a run lacks what the log tells
//! of. Both gone together leave no trace here. What the log says was removed from the store and is there
//! again was put back.

use std::path::{Path, PathBuf};

use karakuri_audit::{Head, Sha256, VerifyReport};
use karakuri_protocol::job::Exit;
use karakuri_seal::manifest::AuditHead;
use serde::Serialize;

use crate::cli::{Audit, AuditCommand};
use crate::error::CliError;
use crate::output;
use crate::site::Site;

pub(crate) fn run(arguments: &Audit) -> Result<Exit, CliError> {
    let AuditCommand::Verify(json) = &arguments.command;
    let site = Site::find()?;
    let verdict = Verdict::of(&site)?;
    if json.json {
        output::json(&verdict)?;
    } else {
        verdict.print(&log_path(&site));
    }
    Ok(if verdict.is_good() { Exit::Success } else { Exit::NotVerified })
}

/// What `karakuri run` demands: a whole log that still has the end of the last run.
pub(crate) fn require_whole_log(site: &Site) -> Result<(), CliError> {
    let mut runs = site.runs().into_iter().rev();
    let last = runs.find_map(|directory| site.own_manifest(&directory).ok());
    let last = last.and_then(|manifest| manifest.audit).map(head);
    let path = log_path(site);
    if !path.exists() && last.is_none() {
        return Ok(());
    }
    if karakuri_audit::is_whole(&path, last.as_ref()).unwrap_or(false) {
        return Ok(());
    }
    let (log, state) = (path.display(), site.path().display());
    Err(CliError::NotVerified(format!(
        "the audit log {log} is damaged, and nothing is run on a damaged log: `karakuri audit \
         verify` says what is wrong; move audit/ and store/ out of {state} together, and keep them"
    )))
}

/// What the log and the store say together.
#[derive(Debug, Serialize)]
struct Verdict {
    #[serde(flatten)]
    log: VerifyReport,
    /// Runs of the store that agree with the log.
    agreeing: usize,
    /// Runs of the store whose end is not in the log.
    cut_off: Vec<CutOff>,
    /// Runs of the log that are not in the store.
    missing_runs: Vec<String>,
    /// Runs of the log that the courier has not taken to the store.
    waiting_runs: Vec<String>,
    /// Runs of the log that went to the site's store, which is not looked at.
    runs_elsewhere: Vec<String>,
    /// Runs of other sites, which this log does not tell of.
    imported_runs: Vec<String>,
    /// Artifacts in the store that the log says were removed.
    undone_removals: Vec<Undone>,
    /// Manifests that are not to be believed, and why.
    refused_manifests: Vec<String>,
}

/// A run, and the record of its end.
#[derive(Debug, Serialize)]
struct CutOff {
    run: String,
    seq: u64,
}

/// A run of which artifacts are in the store that were to be gone.
#[derive(Debug, Serialize)]
struct Undone {
    run: String,
    ids: Vec<String>,
}

impl Verdict {
    /// Reads the store before the log, so that a run that ends meanwhile is in both.
    fn of(site: &Site) -> Result<Self, CliError> {
        let (mut heads, mut refused_manifests, mut known) = (Vec::new(), Vec::new(), Vec::new());
        let mut imported_runs = Vec::new();
        for directory in site.runs() {
            match (site.own_manifest(&directory), site.manifest(&directory)) {
                (Ok(manifest), _) => {
                    heads.extend(manifest.audit.map(|a| (manifest.run.clone(), head(a))));
                    known.push(manifest.run);
                }
                // By its place: a run of this log may not be replaced by another site's.
                (Err(_), Ok(_)) => {
                    let name = directory.file_name().unwrap_or_default();
                    imported_runs.push(name.to_string_lossy().into_owned());
                }
                (Err(_), Err(e)) => refused_manifests.push(e.to_string()),
            }
        }
        let path = log_path(site);
        if !path.exists() && known.is_empty() && refused_manifests.is_empty() {
            return Err(site.no_run_yet());
        }
        let log = karakuri_audit::verify_to(&path, &heads.iter().map(|h| h.1).collect::<Vec<_>>())
            .map_err(|e| CliError::NotVerified(e.to_string()))?;
        let gone = heads.iter().filter(|(_, head)| log.absent.contains(head));
        let cut_off: Vec<_> =
            gone.map(|(run, head)| CutOff { run: run.clone(), seq: head.seq }).collect();
        let unknown = log.finished_runs.iter().filter(|run| !known.contains(run)).cloned();
        // The spool is emptied when the store has all: what is in neither is gone.
        let (waiting_runs, others): (Vec<_>, Vec<_>) =
            unknown.partition(|run| site.path().join("spool").join(run).exists());
        // One that somebody else signed is not the one that the log tells of.
        let gone = |run: &String| site.run(run).is_err() || imported_runs.contains(run);
        let elsewhere = site.delivers_elsewhere()?;
        let (runs_elsewhere, missing_runs) =
            others.into_iter().filter(gone).partition(|_| elsewhere);
        let agreeing = heads.len() - cut_off.len();
        let undone_removals = undone(site, &log);
        Ok(Self {
            log,
            agreeing,
            cut_off,
            missing_runs,
            waiting_runs,
            runs_elsewhere,
            imported_runs,
            undone_removals,
            refused_manifests,
        })
    }

    fn is_good(&self) -> bool {
        let missing = self.missing_runs.len() + self.refused_manifests.len();
        let faults = self.cut_off.len() + self.undone_removals.len() + missing;
        self.log.is_intact() && faults == 0
    }

    fn print(&self, path: &Path) {
        for fault in &self.log.faults {
            output::line(format!("FAULT {fault}"));
        }
        for CutOff { run, seq } in &self.cut_off {
            output::line(format!(
                "FAULT run {run}: its end, record {seq}, is not in the log, which was cut off or written anew"
            ));
        }
        for run in &self.missing_runs {
            output::line(format!(
                "FAULT run {run}: the log tells of it, but it is not in the store"
            ));
        }
        for Undone { run, ids } in &self.undone_removals {
            let ids = ids.join(", ");
            output::line(format!(
                "FAULT run {run}: the log tells of the removal of {ids}, but the store has it: it was put \
                 back, or the removal was cut short; remove it again"
            ));
        }
        for refused in &self.refused_manifests {
            output::line(format!("FAULT {refused}"));
        }
        for note in &self.log.notes {
            output::line(format!("note  {note}"));
        }
        for run in &self.waiting_runs {
            output::line(format!(
                "note  run {run} is not in this store; the spool has it, delivered elsewhere or not yet"
            ));
        }
        if !self.runs_elsewhere.is_empty() {
            output::line(format!(
                "note  {} runs went to the store of site.toml, which is not looked at here",
                self.runs_elsewhere.len()
            ));
        }
        for run in &self.imported_runs {
            output::line(format!("note  run {run} was imported: another site's log tells of it"));
        }
        let (records, security) = (self.log.records, self.log.security_events);
        output::line(format!(
            "{}: {records} records, {security} of them security events",
            path.display()
        ));
        output::line(format!("manifests in the store that agree with it: {}", self.agreeing));
        if let Some(head) = self.log.head {
            output::line(format!("head: record {} with SHA-256 {}", head.seq, head.hash));
            output::line(
                "the end of the log and the runs it tells of, both removed, leave no trace here: keep heads elsewhere",
            );
        }
    }
}

/// What the log says was removed and a run of the store has all the same.
fn undone(site: &Site, log: &VerifyReport) -> Vec<Undone> {
    let mut all = Vec::new();
    for directory in site.runs() {
        let run = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(removed) = log.removals.get(&run) else { continue };
        // One that is not to be believed is told of anyway.
        let Ok(kept) = site.kept(&directory) else { continue };
        let gone = kept.manifest.artifacts.iter().filter(|one| removed.contains(&one.id));
        let ids = gone.filter(|one| !kept.copies(one).is_empty()).map(|one| one.id.clone());
        let ids: Vec<String> = ids.collect();
        if !ids.is_empty() {
            all.push(Undone { run, ids });
        }
    }
    all
}

/// The file of the audit log.
pub(crate) fn log_path(site: &Site) -> PathBuf {
    site.path().join("audit").join(karakuri_audit::FILE_NAME)
}

fn head(audit: AuditHead) -> Head {
    Head { seq: audit.seq, hash: Sha256::from_bytes(*audit.hash.as_bytes()) }
}
