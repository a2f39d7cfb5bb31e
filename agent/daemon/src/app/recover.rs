//! What an earlier karakurid left: the spool is opened, what was found is recorded, and runs that have no
//! end get one.
//!
//! A run without a manifest was cut short. It is closed as interrupted, with a manifest of what it had
//! sealed, made from the messages themselves; whether an act was going on, nobody knows.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use karakuri_audit::{Actor, Entry, Event, Log};
use karakuri_protocol::job::Exit;
use karakuri_seal::manifest::{Artifact, AuditHead, Manifest, SigningIdentity, VERSION, Workflow};
use karakuri_seal::{Sha256, describe};
use karakuri_site::Site;
use karakuri_site::store::Store;
use karakuri_spool::{ArtifactId, JournalFate, LocalDisk, Quota, Recovery, Settings, Spool};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use super::{StartError, failed};
use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::Hours;
use crate::evidence::{Shared, keep_manifest};

/// Taken from the disk beforehand for the journal: of a site, and during development.
const RESERVE: [u64; 2] = [64 << 20, 1 << 20];

/// Opens the spool and closes the runs that were cut short; which these are.
pub(super) fn open(
    site: &Site,
    config: &Config,
    signer: &SigningIdentity,
    audit: &mut Log,
) -> Result<(Shared, Vec<String>), StartError> {
    let clock = Clock::start();
    let path = config.state.join("spool");
    let opened = Spool::open(&path, Arc::new(LocalDisk), settings(site, config), clock.now());
    let (spool, recovery) = opened.map_err(failed("opening the spool"))?;
    note(&recovery, audit)?;
    let spool = Rc::new(RefCell::new(spool));
    // Asked for while the files about it can be read and there is one thread.
    let offset = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
    let hours = site.network.window.map(|window| Hours { window, offset });
    let shared = Shared { spool, more: Rc::default(), less: Rc::default(), clock, hours };
    let unfinished: Vec<_> = shared.spool.borrow().unfinished().map(str::to_owned).collect();
    for run in &unfinished {
        close(run, site, signer, audit, &shared)?;
    }
    Ok((shared, unfinished))
}

fn settings(site: &Site, config: &Config) -> Settings {
    let quota = Quota {
        bytes: site.spool.bytes.get(),
        files: site.spool.inodes.get(),
        ..Settings::default().quota
    };
    // The local store is on the same disk, and its word is our own.
    let minutes = match site.store {
        Store::Local => 0,
        _ => site.spool.keep_delivered_minutes,
    };
    let reserve = RESERVE[usize::from(config.site.is_none())];
    Settings { quota, reserve, stay: Duration::from_secs(u64::from(minutes) * 60) }
}

fn note(recovery: &Recovery, audit: &mut Log) -> Result<(), StartError> {
    let usual = matches!(recovery.journal, JournalFate::Sound | JournalFate::New);
    let Recovery { journal, adopted, lost, set_aside, foreign } = recovery;
    if usual && adopted.is_empty() && lost.is_empty() && set_aside.is_empty() && foreign.is_empty()
    {
        return Ok(());
    }
    let found = format!(
        "journal {journal:?}, {} files without a record, {} lost, {} damaged journals, {} foreign files",
        adopted.len(),
        lost.len(),
        set_aside.len(),
        foreign.len()
    );
    if recovery.is_alarming() {
        tracing::error!("the spool: {found}");
    }
    append(audit, None, Event::SpoolRecovered { found, alarm: recovery.is_alarming() })
}

/// Closes a run that was cut short.
fn close(
    run: &str,
    site: &Site,
    signer: &SigningIdentity,
    audit: &mut Log,
    shared: &Shared,
) -> Result<(), StartError> {
    let artifacts = left_of(run, shared);
    let count = u32::try_from(artifacts.len()).unwrap_or(u32::MAX);
    let event = Event::RunFinished { outcome: Exit::Interrupted, acts: 0, artifacts: count };
    append(audit, Some(run), event)?;
    let finished = OffsetDateTime::now_utc();
    let head = audit.head();
    let manifest = Manifest {
        version: VERSION,
        tenant: site.tenant.clone(),
        site: site.site.clone(),
        run: run.to_owned(),
        workflow: Workflow { name: "unknown".to_owned(), version: String::new() },
        started: began(run).unwrap_or(finished),
        finished,
        outcome: Exit::Interrupted,
        artifacts,
        audit: head.map(|head| AuditHead {
            seq: head.seq,
            hash: Sha256::from_bytes(*head.hash.as_bytes()),
        }),
    };
    keep_manifest(&manifest, signer, shared).map_err(failed("closing a run that was cut short"))
}

/// What is in the spool of a run, as the messages themselves say. One that is not what was journalled is
/// left out; it is delivered all the same, and `artifacts verify` tells of it.
fn left_of(run: &str, shared: &Shared) -> Vec<Artifact> {
    let spool = shared.spool.borrow();
    let of_run = |id: &&ArtifactId| id.run() == run && !id.is_manifest() && id.event().is_none();
    let mut ids: Vec<_> = spool.artifacts().map(|(id, _)| id).filter(of_run).collect();
    ids.sort_by_key(|id| id.file());
    let artifact = |id: &ArtifactId| {
        let described = describe(spool.open_artifact(id).ok()?).ok()?;
        let known = spool.artifact(id)?.content();
        let name = id.file().strip_suffix(".esdk")?;
        let whole = *described.summary.message_sha256.as_bytes() == known.sha256;
        (whole && described.context.run == run).then(|| Artifact {
            id: name.to_owned(),
            name: name.to_owned(),
            class: described.context.class,
            media_type: "application/octet-stream".to_owned(),
            summary: described.summary,
        })
    };
    ids.into_iter().filter_map(artifact).collect()
}

/// A run's id begins with its time.
fn began(run: &str) -> Option<OffsetDateTime> {
    let format =
        format_description!("[year][month][day]T[hour][minute][second][subsecond digits:3]");
    PrimitiveDateTime::parse(run.split_once('Z')?.0, format).ok().map(PrimitiveDateTime::assume_utc)
}

fn append(audit: &mut Log, run: Option<&str>, event: Event) -> Result<(), StartError> {
    let entry = Entry { run: run.map(str::to_owned), actor: Actor::Daemon, event };
    Ok(audit.append(entry).map(drop)?)
}
