//! `[retention]` of site.toml, for the local store: what is past its time is recorded and removed, at the
//! start of each run and by `karakuri artifacts expire`.
//!
//! Only what lies in the store goes, of runs whose manifest is there: what is not delivered is not touched,
//! and manifests stay. News of a run (`events/`) goes with the class `event`. A clock is not believed blindly, for nothing brings back what it wiped:
//!
//! - A run's time begins at the end that its manifest tells, or at the look before the one that found it,
//!   whichever is later. One that was made while the clock was years behind is therefore not old when the
//!   clock is right again.
//! - When the clock is more than [`LONGEST_STEP`] ahead of the last look, nothing expires until a person
//!   says that it is right. A clock that was set back lets nothing expire early and is not remembered.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use karakuri_audit::{Event, open_regular};
use karakuri_seal::Class;
use karakuri_seal::manifest::{Artifact, Reason};
use karakuri_site::retention::Retention;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::artifacts::fetch::day;
use crate::error::{CliError, at};
use crate::kept::Kept;
use crate::removal::{self, Remover};
use crate::site::Site;

/// A machine that was off for longer needs a person to say that it was.
const LONGEST_STEP: Duration = Duration::days(14);

/// What a look did, as `--json` prints it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Expired {
    /// Artifacts that were removed, by run.
    pub(crate) removed: BTreeMap<String, usize>,
    /// Runs that were left as they are, and why.
    pub(crate) refused: Vec<String>,
    /// The clock is so many days ahead of the last look, and nothing was removed.
    pub(crate) clock_doubted_days: Option<i64>,
}

/// What is known of runs beside their manifests; `retention.json` in the state directory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ledger {
    version: u32,
    /// The latest time at which it was looked.
    #[serde(with = "time::serde::rfc3339")]
    looked: OffsetDateTime,
    /// When the time of each run began.
    runs: BTreeMap<String, Began>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Began(#[serde(with = "time::serde::rfc3339")] OffsetDateTime);

/// Looks at the start of a run. What keeps it from that is told and keeps no run from starting.
pub(crate) fn before_a_run(site: &Site) {
    match look(site, false) {
        Ok(Expired { clock_doubted_days: Some(days), .. }) => {
            eprintln!("karakuri: {}", doubt(days));
        }
        Ok(_) => {}
        Err(e) => eprintln!("karakuri: nothing was let expire: {e}"),
    }
}

/// What a person is told of a clock that is not believed.
pub(crate) fn doubt(days: i64) -> String {
    format!(
        "the clock is {days} days ahead of the last time it was looked what expires, so nothing was let \
         expire; if it is right, say so: `karakuri artifacts expire --clock-is-right`"
    )
}

/// Removes what is past its time.
pub(crate) fn look(site: &Site, clock_is_right: bool) -> Result<Expired, CliError> {
    let retention = site.settings()?.retention;
    let mut expired = Expired::default();
    if retention == Retention::default() {
        return Ok(expired);
    }
    let now = OffsetDateTime::now_utc();
    let all = runs(site, &mut expired)?;
    let Some(newest) = all.iter().map(|kept| kept.manifest.finished).max() else {
        return Ok(expired);
    };
    let path = ledger_path(site);
    let before = read(&path)?;
    let last = before.as_ref().map_or(newest, |ledger| ledger.looked);
    let step = now - last;
    let mut remover = Remover::open(site)?;
    if step > LONGEST_STEP && !clock_is_right {
        let days = u32::try_from(step.whole_days()).unwrap_or(u32::MAX);
        remover.note(None, Event::RetentionClockDoubted { days })?;
        expired.clock_doubted_days = Some(step.whole_days());
        // Kept, so that no run that is made by this clock makes it believable.
        write(&path, &brought_up(before, &all, last))?;
        return Ok(expired);
    }
    let ledger = brought_up(before, &all, now);
    write(&path, &ledger)?;
    for kept in all {
        let run = kept.manifest.run.clone();
        let Some(Began(began)) = ledger.runs.get(&run).copied() else { continue };
        let is_past = |class| {
            days(&retention, class)
                .is_some_and(|days| began.checked_add(days).is_some_and(|end| end <= now))
        };
        let mut count = let_go(site, &mut remover, kept, is_past)?;
        if is_past(Class::Event) {
            count += let_news_go(site, &mut remover, &run)?;
        }
        if count > 0 {
            expired.removed.insert(run, count);
        }
    }
    Ok(expired)
}

/// Whether the time of a class of a run is over. What is not known here has not begun to expire.
pub(crate) fn is_over(site: &Site, run: &str, class: Class) -> Result<bool, CliError> {
    let Some(days) = days(&site.settings()?.retention, class) else { return Ok(false) };
    let ledger = read(&ledger_path(site))?;
    let began = ledger.and_then(|ledger| ledger.runs.get(run).copied());
    let end = began.and_then(|Began(began)| began.checked_add(days));
    Ok(end.is_some_and(|end| end <= OffsetDateTime::now_utc()))
}

fn ledger_path(site: &Site) -> PathBuf {
    site.path().join("retention.json")
}

/// All runs in the store whose manifest is believed; the others are named.
fn runs(site: &Site, expired: &mut Expired) -> Result<Vec<Kept>, CliError> {
    let trusted = site.trusted(&[])?;
    let mut all = Vec::new();
    for directory in site.runs() {
        match Kept::read(&directory, &trusted) {
            Ok(kept) => all.push(kept),
            Err(e) => expired.refused.push(e.to_string()),
        }
    }
    Ok(all)
}

/// Removes the artifacts of a run whose class is past its time; how many.
fn let_go(
    site: &Site,
    remover: &mut Remover,
    mut kept: Kept,
    is_past: impl Fn(Class) -> bool,
) -> Result<usize, CliError> {
    // What a kill left of an earlier removal.
    removal::finish(&kept)?;
    let due: Vec<Artifact> = kept.present().filter(|a| is_past(a.class)).cloned().collect();
    remover.remove(&mut kept, Reason::Expired, &due)?;
    if kept.evidence("report").is_some_and(|report| due.contains(report)) {
        remove_opened(site, &kept.manifest.run)?;
    }
    Ok(due.len())
}

/// Removes the news of a run, which no manifest lists; how many.
fn let_news_go(site: &Site, remover: &mut Remover, run: &str) -> Result<usize, CliError> {
    let directory = site.store().join("events").join(day(run)?).join(run);
    let entries = match fs::read_dir(&directory) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(0),
        other => other.map_err(at(&directory))?,
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let name = |path: &PathBuf| {
        path.file_stem()
            .map_or_else(String::new, |stem| format!("event-{}", stem.to_string_lossy()))
    };
    let ids = paths.iter().map(name).collect();
    remover.note(Some(run), Event::ArtifactExpired { ids })?;
    for path in &paths {
        fs::remove_file(path).map_err(at(path))?;
    }
    fs::remove_dir(&directory).map_err(at(&directory))?;
    Ok(paths.len())
}

fn days(retention: &Retention, class: Class) -> Option<Duration> {
    let days = match class {
        Class::Evidence => retention.evidence,
        Class::Output => retention.output,
        Class::Pii => retention.pii,
        Class::Event => retention.event,
    };
    days.map(|days| Duration::days(days.get().into()))
}

/// The ledger with the runs of today.
fn brought_up(before: Option<Ledger>, all: &[Kept], now: OffsetDateTime) -> Ledger {
    let known = before.as_ref().map(|ledger| &ledger.runs);
    let looked = before.as_ref().map(|ledger| ledger.looked);
    let began = |kept: &Kept| {
        let manifest = &kept.manifest;
        let known = known.and_then(|runs| runs.get(&manifest.run)).copied();
        let new = || Began(looked.map_or(manifest.finished, |at| at.max(manifest.finished)));
        (manifest.run.clone(), known.unwrap_or_else(new))
    };
    let runs = all.iter().map(began).collect();
    Ledger { version: 1, looked: looked.map_or(now, |at| at.max(now)), runs }
}

/// The report that was opened for the holder of the key goes with the sealed one.
fn remove_opened(site: &Site, run: &str) -> Result<(), CliError> {
    let path = site.path().join("reports").join(format!("{run}.html"));
    match fs::remove_file(&path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(at(&path)(e)),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Option<Ledger>, CliError> {
    let mut bytes = Vec::new();
    match open_regular(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(at(path))?,
    };
    let unread = |e: &dyn std::fmt::Display| {
        let path = path.display();
        CliError::NotVerified(format!(
            "{path}: {e}; when it is moved away, what is kept is counted from the ends of the runs"
        ))
    };
    let ledger: Ledger = serde_json::from_slice(&bytes).map_err(|e| unread(&e))?;
    match ledger.version {
        1 => Ok(Some(ledger)),
        other => Err(unread(&format_args!("it is of version {other}, this program knows 1"))),
    }
}

fn write(path: &std::path::Path, ledger: &Ledger) -> Result<(), CliError> {
    let json = serde_json::to_vec(ledger).map_err(CliError::internal("writing the ledger"))?;
    removal::write_whole(path, &json)
}
