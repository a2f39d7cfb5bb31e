//! A run as it lies in a store: its signed manifest, its sealed artifacts, and what was sealed for other
//! keys later. Nothing is believed but what a trusted key signed.
//!
//! | path in the run's directory | what |
//! | --- | --- |
//! | `manifest.dsse.json` | the manifest, last to come |
//! | `<id>.esdk` | an artifact |
//! | `rewrap/<time>/record.dsse.json` | the record of one rewrapping, last to come |
//! | `rewrap/<time>/<id>.esdk` | the artifact sealed for other keys |
//! | `removed/<time>/record.dsse.json` | the record of artifacts that are there no more |

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use karakuri_audit::open_regular;
use karakuri_protocol::job::Exit;
use karakuri_seal::manifest::{
    self, Artifact, MAX_ENVELOPE, Manifest, ManifestError, Payload, Reason, Removal, Rewrap,
    VerifyingKey,
};
use karakuri_seal::{Class, Context, OpenError, Sha256, Summary, Unwrap};

use crate::error::{CliError, at};

/// Name of a run's signed manifest.
pub(crate) const MANIFEST: &str = "manifest.dsse.json";
/// Name of the signed record of a rewrapping, and of a removal.
pub(crate) const RECORD: &str = "record.dsse.json";
/// Directory of a run with its rewrapped artifacts.
const REWRAP: &str = "rewrap";
/// Directory of a run with the records of what was removed.
pub(crate) const REMOVED: &str = "removed";

/// A run whose manifest is verified.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) directory: PathBuf,
    pub(crate) manifest: Manifest,
    /// The latest message of each rewrapped artifact, by the artifact's id.
    rewrapped: BTreeMap<String, (PathBuf, Summary)>,
    /// Why each removed artifact is not there, by its id.
    removed: BTreeMap<String, Reason>,
}

impl Kept {
    /// Reads what a trusted key signed of the run in `directory`.
    pub(crate) fn read(directory: &Path, trusted: &[VerifyingKey]) -> Result<Self, CliError> {
        let manifest = manifest_in(directory, trusted)?;
        let directory = directory.to_owned();
        let mut kept =
            Self { directory, manifest, rewrapped: BTreeMap::new(), removed: BTreeMap::new() };
        for place in kept.finished(REWRAP) {
            let (record, _): (Rewrap, _) = read_signed(&place.join(RECORD), trusted)?;
            kept.follow(&place, &record)?;
        }
        for place in kept.finished(REMOVED) {
            let path = place.join(RECORD);
            let (record, _): (Removal, _) = read_signed(&path, trusted)?;
            if !kept.is_about(&record) {
                let path = path.display();
                let what =
                    "it is of another run, or of an artifact that the manifest does not have";
                return Err(CliError::NotVerified(format!("{path}: {what}")));
            }
            kept.lacks(&record);
        }
        Ok(kept)
    }

    /// The directories in `below` that have a record, in the order of their times.
    fn finished(&self, below: &str) -> Vec<PathBuf> {
        let mut places = self.places(below);
        places.retain(|place| place.join(RECORD).exists());
        places.sort();
        places
    }

    fn places(&self, below: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory.join(below)).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }

    /// A new directory for a record of removal at this time.
    pub(crate) fn removal_at(&self, time: &str) -> PathBuf {
        self.directory.join(REMOVED).join(time)
    }

    /// The signed records of removals.
    pub(crate) fn removals(&self) -> Vec<PathBuf> {
        self.finished(REMOVED).into_iter().map(|place| place.join(RECORD)).collect()
    }

    fn is_about(&self, record: &Removal) -> bool {
        let Manifest { tenant, site, run, artifacts, .. } = &self.manifest;
        let is_known = |id: &str, message| {
            artifacts.iter().any(|a| a.id == id && a.summary.message_sha256 == message)
        };
        (&record.tenant, &record.site, &record.run) == (tenant, site, run)
            && record.artifacts.iter().all(|one| is_known(&one.id, one.message))
    }

    /// Takes over a record of removal. What was erased stays erased, whatever expires later.
    pub(crate) fn lacks(&mut self, record: &Removal) {
        for one in &record.artifacts {
            self.removed.entry(one.id.clone()).or_insert(record.reason);
        }
    }

    /// What karakurid itself kept under this name, last of all; a script chooses names for its files too.
    pub(crate) fn evidence(&self, name: &str) -> Option<&Artifact> {
        let mut last_first = self.manifest.artifacts.iter().rev();
        last_first.find(|artifact| artifact.class == Class::Evidence && artifact.name == name)
    }

    /// Why an artifact is not there, if it was removed.
    pub(crate) fn removal(&self, artifact: &Artifact) -> Option<Reason> {
        self.removed.get(&artifact.id).copied()
    }

    /// What was removed, and why.
    pub(crate) fn removed(&self) -> impl Iterator<Item = (&Artifact, Reason)> {
        self.manifest.artifacts.iter().filter_map(|a| Some((a, self.removal(a)?)))
    }

    /// What was not removed.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Artifact> {
        self.manifest.artifacts.iter().filter(|artifact| self.removal(artifact).is_none())
    }

    /// Every file that can hold a message of an artifact, also of a rewrapping that was not finished.
    pub(crate) fn copies(&self, artifact: &Artifact) -> Vec<PathBuf> {
        let rewrapped = self.places(REWRAP).into_iter();
        let mut all: Vec<_> =
            rewrapped.map(|place| place.join(format!("{}.esdk", artifact.id))).collect();
        all.push(self.original(artifact).0);
        all.retain(|path| path.exists());
        all
    }

    /// A new directory for a rewrapping at this time.
    pub(crate) fn rewrap_at(&self, time: &str) -> PathBuf {
        self.directory.join(REWRAP).join(time)
    }

    /// Takes over a record, which must go on from what is known.
    fn follow(&mut self, place: &Path, record: &Rewrap) -> Result<(), CliError> {
        let refused = |what: &str| {
            let path = place.join(RECORD);
            CliError::NotVerified(format!("{}: {what}", path.display()))
        };
        let Manifest { tenant, site, run, .. } = &self.manifest;
        if (&record.tenant, &record.site, &record.run) != (tenant, site, run) {
            return Err(refused("it is of another run"));
        }
        for one in &record.artifacts {
            let artifact = self.manifest.artifacts.iter().find(|artifact| artifact.id == one.id);
            let original = artifact.map(|artifact| artifact.summary);
            let known = self.rewrapped.get(&one.id).map(|(_, summary)| *summary).or(original);
            let (Some(original), Some(known)) = (original, known) else {
                return Err(refused(&format!("the manifest has no artifact {:?}", one.id)));
            };
            let body = |s: &Summary| (s.message_id, s.body_length, s.body_sha256);
            if one.before != known.message_sha256 || body(&one.after) != body(&original) {
                return Err(refused(&format!("it does not go on from artifact {:?}", one.id)));
            }
            let path = place.join(format!("{}.esdk", one.id));
            self.rewrapped.insert(one.id.clone(), (path, one.after));
        }
        Ok(())
    }

    /// The latest message of an artifact, and what was signed of it.
    pub(crate) fn message(&self, artifact: &Artifact) -> (PathBuf, Summary) {
        self.rewrapped.get(&artifact.id).cloned().unwrap_or_else(|| self.original(artifact))
    }

    /// The message that the run made.
    pub(crate) fn original(&self, artifact: &Artifact) -> (PathBuf, Summary) {
        (self.directory.join(format!("{}.esdk", artifact.id)), artifact.summary)
    }

    /// What the artifacts of a class are bound to.
    pub(crate) fn context(&self, artifact: &Artifact) -> Context {
        let Manifest { tenant, site, run, .. } = &self.manifest;
        let (tenant, site, run) = (tenant.clone(), site.clone(), run.clone());
        Context { tenant, site, run, class: artifact.class }
    }

    /// Decrypts an artifact and checks that it is the one that was signed.
    pub(crate) fn open<U: Unwrap>(
        &self,
        keys: &[U],
        artifact: &Artifact,
    ) -> Result<Vec<u8>, CliError> {
        let (path, summary) = self.message(artifact);
        if let Some(reason) = self.removal(artifact) {
            let (id, run) = (&artifact.id, &self.manifest.run);
            return Err(CliError::Usage(format!("artifact {id} of run {run} is gone: {reason}")));
        }
        if let Some(fault) = fault(&path, &summary)? {
            let path = path.display();
            return Err(CliError::NotVerified(format!("{path}: the artifact {fault}")));
        }
        let file = open_regular(&path).map_err(at(&path))?;
        let mut plaintext = Vec::new();
        let expected = self.context(artifact);
        let opened = karakuri_seal::open(keys, Some(&expected), file, &mut plaintext)
            .map_err(|e| not_opened(&path, &e))?;
        if opened.summary != summary {
            return Err(CliError::NotVerified(format!(
                "{}: {}; it is not the message that was signed",
                path.display(),
                Exit::NotVerified.meaning()
            )));
        }
        Ok(plaintext)
    }
}

/// A message that cannot be opened, and whether another key would.
pub(crate) fn not_opened(path: &Path, error: &OpenError) -> CliError {
    let said = format!("{}: {error}", path.display());
    match error {
        OpenError::NoKey { .. } => CliError::NoKey(said),
        _ => CliError::NotVerified(said),
    }
}

/// What is wrong with the file of a message, if anything is.
pub(crate) fn fault(path: &Path, signed: &Summary) -> Result<Option<&'static str>, CliError> {
    let file = match open_regular(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Some("is missing")),
        other => other.map_err(at(path))?,
    };
    let length = file.metadata().map_err(at(path))?.len();
    if length < signed.message_length {
        return Ok(Some("was altered: it is shorter than the one that was signed"));
    }
    if length > signed.message_length {
        return Ok(Some("was altered: it is longer than the one that was signed"));
    }
    let found = Sha256::read(BufReader::with_capacity(1 << 20, file)).map_err(at(path))?;
    let altered = "was altered: its SHA-256 is not the one that was signed";
    Ok((found != signed.message_sha256).then_some(altered))
}

/// The whole of a file of a store or of the state directory.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = open_regular(path).and_then(|mut file| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(at(path))
}

/// The manifest of the run that `directory` is named after.
pub(crate) fn manifest_in(
    directory: &Path,
    trusted: &[VerifyingKey],
) -> Result<Manifest, CliError> {
    let path = directory.join(MANIFEST);
    let (manifest, _): (Manifest, _) = read_signed(&path, trusted)?;
    if directory.file_name().is_some_and(|name| name == manifest.run.as_str()) {
        return Ok(manifest);
    }
    let what = format!("it is of run {:?}, put in the place of another", manifest.run);
    Err(CliError::NotVerified(format!("{}: {what}", path.display())))
}

/// A record of removal in `from` that is not in `there`, of the same run, and that another key than that of
/// the run's manifest signed.
pub(crate) fn foreign_removal(
    from: &Kept,
    there: &Kept,
    trusted: &[VerifyingKey],
) -> Option<PathBuf> {
    let path = there.directory.join(MANIFEST);
    let signed =
        |key: &&VerifyingKey| read_signed::<Manifest>(&path, std::slice::from_ref(*key)).is_ok();
    let own: Vec<VerifyingKey> = trusted.iter().filter(signed).cloned().collect();
    let known = |record: &PathBuf| {
        record.strip_prefix(&from.directory).is_ok_and(|part| there.directory.join(part).exists())
    };
    let new = from.removals().into_iter().filter(|record| !known(record));
    new.into_iter().find(|record| read_signed::<Removal>(record, &own).is_err())
}

/// Reads a signed document of a store, and the bytes it was read from.
pub(crate) fn read_signed<P: Payload>(
    path: &Path,
    trusted: &[VerifyingKey],
) -> Result<(P, Vec<u8>), CliError> {
    let mut envelope = Vec::new();
    let limited = open_regular(path).map(|file| file.take(MAX_ENVELOPE as u64 + 1));
    limited.and_then(|mut file| file.read_to_end(&mut envelope)).map_err(at(path))?;
    let payload = manifest::verify(&envelope, trusted).map_err(|e| {
        let hint = match &e {
            ManifestError::Origin { key, .. } => {
                format!("; if that site has a new name, remove trusted/{key}.json and import again")
            }
            _ => String::new(),
        };
        CliError::NotVerified(format!("{}: {e}{hint}", path.display()))
    })?;
    Ok((payload, envelope))
}
