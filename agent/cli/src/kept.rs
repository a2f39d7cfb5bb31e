//! A run as it lies in a store: its signed manifest, its sealed artifacts, and what was sealed for other
//! keys later. Nothing is believed but what a trusted key signed.
//!
//! | path in the run's directory | what |
//! | --- | --- |
//! | `manifest.dsse.json` | the manifest, last to come |
//! | `<id>.esdk` | an artifact |
//! | `rewrap/<time>/record.dsse.json` | the record of one rewrapping, last to come |
//! | `rewrap/<time>/<id>.esdk` | the artifact sealed for other keys |

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use karakuri_protocol::job::Exit;
use karakuri_seal::manifest::{self, Artifact, Manifest, Payload, Rewrap, VerifyingKey};
use karakuri_seal::{Context, OpenError, Sha256, Summary, Unwrap};

use crate::error::{CliError, at};

/// Name of a run's signed manifest.
pub(crate) const MANIFEST: &str = "manifest.dsse.json";
/// Name of the signed record of a rewrapping.
pub(crate) const RECORD: &str = "record.dsse.json";
/// Directory of a run with its rewrapped artifacts.
const REWRAP: &str = "rewrap";

/// A run whose manifest is verified.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) directory: PathBuf,
    pub(crate) manifest: Manifest,
    /// The latest message of each rewrapped artifact, by the artifact's id.
    rewrapped: BTreeMap<String, (PathBuf, Summary)>,
}

impl Kept {
    /// Reads what a trusted key signed of the run in `directory`.
    pub(crate) fn read(directory: &Path, trusted: &[VerifyingKey]) -> Result<Self, CliError> {
        let (manifest, _) = read_signed(&directory.join(MANIFEST), trusted)?;
        let directory = directory.to_owned();
        let mut kept = Self { directory, manifest, rewrapped: BTreeMap::new() };
        for place in kept.rewraps() {
            let (record, _): (Rewrap, _) = read_signed(&place.join(RECORD), trusted)?;
            kept.follow(&place, &record)?;
        }
        Ok(kept)
    }

    /// The directories of finished rewrappings, in the order of their times.
    fn rewraps(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.directory.join(REWRAP)).into_iter().flatten().flatten();
        let mut places: Vec<_> = entries.map(|entry| entry.path()).collect();
        places.retain(|place| place.join(RECORD).exists());
        places.sort();
        places
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
        if let Some(fault) = fault(&path, &summary)? {
            let path = path.display();
            return Err(CliError::NotVerified(format!("{path}: the artifact {fault}")));
        }
        let file = File::open(&path).map_err(at(&path))?;
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
    let file = match File::open(path) {
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

/// Reads a signed document of a store, and the bytes it was read from.
pub(crate) fn read_signed<P: Payload>(
    path: &Path,
    trusted: &[VerifyingKey],
) -> Result<(P, Vec<u8>), CliError> {
    let envelope = fs::read(path).map_err(at(path))?;
    let payload = manifest::verify(&envelope, trusted)
        .map_err(|e| CliError::NotVerified(format!("{}: {e}", path.display())))?;
    Ok((payload, envelope))
}
