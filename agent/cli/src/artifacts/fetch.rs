//! `karakuri artifacts fetch`: a run from the tenant's bucket, for who may read it.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use karakuri_protocol::auditor::Object;
use karakuri_protocol::job::Exit;
use karakuri_seal::manifest::VerifyingKey;

use super::verify;
use crate::auditor::{Auditor, Right};
use crate::cli::Fetch;
use crate::error::{CliError, at};
use crate::kept::{Kept, MANIFEST};
use crate::output;
use crate::site::{Site, runs_in};

pub(crate) fn run(arguments: &Fetch) -> Result<Exit, CliError> {
    let Fetch { run, auditor, trust } = arguments;
    let below = match run.as_str() {
        "all" => String::new(),
        run => format!("{}/{run}/", day(run)?),
    };
    let site = Site::find()?;
    let auditor = Auditor::start(auditor, Right::Read)?;
    let mut objects = auditor.list(&format!("events/{below}"))?;
    objects.extend(auditor.list(&format!("runs/{below}"))?);
    if objects.is_empty() {
        return Err(CliError::Usage(format!("there is no run {run:?} in the bucket")));
    }
    let trusted = site.trusted(trust)?;
    let (fetched, present) = fetch_all(&auditor, &site.store(), &trusted, objects)?;
    output::line(format!("{fetched} files fetched, {present} were there"));
    let directories = match run.as_str() {
        "all" => site.runs(),
        run => vec![site.run(run)?],
    };
    let mut exit = Exit::Success;
    for directory in directories {
        let trusted = site.trusted(trust)?;
        match Kept::read(&directory, &trusted).and_then(|kept| verify::tell(&kept)) {
            Ok(Exit::Success) => site.trust(trust, &directory)?,
            Ok(_) => exit = Exit::NotVerified,
            // One that cannot be believed keeps nobody from the others.
            Err(e) => {
                output::line(format!("FAULT {e}"));
                exit = Exit::NotVerified;
            }
        }
    }
    Ok(exit)
}

/// Fetches what is not there; how many were fetched, and how many were there.
fn fetch_all(
    auditor: &Auditor,
    store: &Path,
    trusted: &[VerifyingKey],
    mut objects: Vec<Object>,
) -> Result<(usize, usize), CliError> {
    let (mut fetched, mut present) = (0, 0);
    // Manifests last: without one there is no run.
    objects.sort_by_key(|object| object.key.ends_with(MANIFEST));
    // What a console calls a folder.
    objects.retain(|object| !object.key.ends_with('/'));
    // What is recorded as removed here is not brought back.
    let removed = removed(store, trusted);
    objects.retain(|object| !removed.contains(&store.join(&object.key)));
    for object in &objects {
        let path = store.join(plain(&object.key)?);
        if there(&path, object)? {
            present += 1;
        } else {
            fetch(auditor, object, &path)?;
            fetched += 1;
        }
    }
    Ok((fetched, present))
}

/// Where messages were that signed records here say are removed.
fn removed(store: &Path, trusted: &[VerifyingKey]) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    for directory in runs_in(store).unwrap_or_default() {
        // One that cannot be believed is told of afterwards.
        let Ok(kept) = Kept::read(&directory, trusted) else { continue };
        all.extend(kept.removed().map(|(artifact, _)| kept.original(artifact).0));
    }
    all
}

/// The day that a run's id begins with, as the layout has it.
pub(crate) fn day(run: &str) -> Result<String, CliError> {
    let date = run.get(..8).filter(|date| date.bytes().all(|b| b.is_ascii_digit()));
    let plain = run.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let date = date.filter(|_| plain).ok_or_else(|| {
        CliError::Usage(format!("{run:?} is no run: an id is like 20261122T101112345Z-0badcafe"))
    })?;
    Ok(format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]))
}

/// A key as a path below the store: who writes to the bucket does not choose what is written here.
fn plain(key: &str) -> Result<&Path, CliError> {
    let path = Path::new(key);
    if path.components().all(|part| matches!(part, Component::Normal(_))) {
        Ok(path)
    } else {
        Err(CliError::NotVerified(format!("{key:?} is no key of a run: who made that object?")))
    }
}

/// Whether the file is there; one of another length is somebody's, and stays.
fn there(path: &Path, object: &Object) -> Result<bool, CliError> {
    match fs::metadata(path) {
        Ok(found) if found.len() == object.bytes => Ok(true),
        Ok(_) => Err(CliError::NotVerified(format!(
            "{}: another file than in the bucket; move it away and fetch again",
            path.display()
        ))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(at(path)(e)),
    }
}

fn fetch(auditor: &Auditor, object: &Object, path: &Path) -> Result<(), CliError> {
    let directory = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(at(&directory))?;
    let temporary = path.with_extension("part");
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file: File = options.open(&temporary).map_err(at(&temporary))?;
    auditor.fetch(object, &mut file)?;
    file.sync_all().map_err(at(&temporary))?;
    fs::rename(&temporary, path).map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_writes_to_the_bucket_does_not_choose_a_place() {
        for key in ["../x", "/etc/x", "runs/../../x", "./x"] {
            assert!(matches!(plain(key), Err(CliError::NotVerified(_))), "{key}");
        }
        assert_eq!(plain("runs/d/r/0001.esdk").ok(), Some(Path::new("runs/d/r/0001.esdk")));
    }

    #[test]
    fn a_day_is_that_of_a_run() {
        assert_eq!(day("20261122T101112345Z-0badcafe").ok().as_deref(), Some("2026-11-22"));
        for run in ["last", "2026112", "2026-11-22", "20261122/../x", ""] {
            assert!(day(run).is_err(), "{run}");
        }
    }
}
