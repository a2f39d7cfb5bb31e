//! Removing artifacts from a store: the audit log and a signed record first, then every message of them.
//!
//! A store is a directory: the local one, an exported disk, a copy of a bucket. What a kill leaves is gone
//! on with by [`finish`], which believes the record; a second removal of the same artifacts changes nothing.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use karakuri_audit::{Actor, AuditError, Entry, Event, Log};
use karakuri_protocol::job::Exit;
use karakuri_seal::manifest::{
    self, Artifact, Manifest, Reason, Removal, RemovedArtifact, SigningIdentity,
};
use rustix::fs::OFlags;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::error::{CliError, at};
use crate::kept::Kept;
use crate::site::Site;

/// Ids in one record of the audit log, whose lines have a limit.
const IDS: usize = 1000;

/// Who removes: the audit log, locked, and the key that signs.
#[derive(Debug)]
pub(crate) struct Remover {
    log: Log,
    signer: SigningIdentity,
}

impl Remover {
    /// Opens the audit log of this installation; nothing else can be going on meanwhile.
    pub(crate) fn open(site: &Site) -> Result<Self, CliError> {
        let log = Log::open(&site.path().join("audit")).map_err(refused)?;
        Ok(Self { log, signer: site.signer()? })
    }

    /// Appends to the audit log what is about to be done.
    pub(crate) fn note(&mut self, run: Option<&str>, event: Event) -> Result<(), CliError> {
        let entry = Entry { run: run.map(str::to_owned), actor: Actor::User, event };
        self.log.append(entry).map(drop).map_err(refused)
    }

    /// Records the removal of `artifacts`, then removes them; how many files are gone.
    pub(crate) fn remove(
        &mut self,
        kept: &mut Kept,
        reason: Reason,
        artifacts: &[Artifact],
    ) -> Result<usize, CliError> {
        if artifacts.is_empty() {
            return Ok(0);
        }
        let run = kept.manifest.run.clone();
        for some in artifacts.chunks(IDS) {
            let ids = some.iter().map(|artifact| artifact.id.clone()).collect();
            let event = match reason {
                Reason::Expired => Event::ArtifactExpired { ids },
                Reason::Erased => Event::ArtifactErased { ids },
            };
            self.note(Some(&run), event)?;
        }
        let removal = removal(&kept.manifest, reason, artifacts);
        let envelope = manifest::sign(&removal, &self.signer)
            .map_err(CliError::internal("signing the record of removal"))?;
        write_record(kept, removal.made, &envelope)?;
        kept.lacks(&removal);
        finish(kept)
    }
}

/// Removes what the records of a run say is removed and is there all the same; how many files were.
pub(crate) fn finish(kept: &Kept) -> Result<usize, CliError> {
    let mut gone = 0;
    for (artifact, _) in kept.removed() {
        for path in kept.copies(artifact) {
            match fs::remove_file(&path) {
                Ok(()) => gone += 1,
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) => return Err(at(&path)(e)),
            }
            sync(path.parent().unwrap_or(&path))?;
        }
    }
    Ok(gone)
}

fn removal(manifest: &Manifest, reason: Reason, artifacts: &[Artifact]) -> Removal {
    let Manifest { tenant, site, run, .. } = manifest;
    let removed = |artifact: &Artifact| RemovedArtifact {
        id: artifact.id.clone(),
        message: artifact.summary.message_sha256,
    };
    Removal {
        version: 1,
        tenant: tenant.clone(),
        site: site.clone(),
        run: run.clone(),
        made: OffsetDateTime::now_utc(),
        reason,
        artifacts: artifacts.iter().map(removed).collect(),
    }
}

/// The record has its name only when it is whole and on disk.
fn write_record(kept: &Kept, made: OffsetDateTime, envelope: &[u8]) -> Result<(), CliError> {
    let stamp = made
        .format(format_description!(
            "[year][month][day]T[hour][minute][second][subsecond digits:9]Z"
        ))
        .map_err(CliError::internal("naming the record of removal"))?;
    let place = kept.removal_at(&stamp);
    DirBuilder::new().recursive(true).mode(0o700).create(&place).map_err(at(&place))?;
    write_whole(&place.join(crate::kept::RECORD), envelope)?;
    sync(&kept.directory)?;
    sync(place.parent().unwrap_or(&place))
}

/// Writes a file that is there whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let temporary = path.with_extension("tmp");
    let mut options = OpenOptions::new();
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(flags);
    let mut file = options.open(&temporary).map_err(at(&temporary))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(&temporary))?;
    fs::rename(&temporary, path).map_err(at(path))?;
    sync(path.parent().unwrap_or(path))
}

fn sync(directory: &Path) -> Result<(), CliError> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(at(directory))
}

fn refused(error: AuditError) -> CliError {
    let exit = match &error {
        AuditError::InUse { .. } => Exit::Busy,
        AuditError::Damaged { .. } | AuditError::NotAFile { .. } => Exit::NotVerified,
        _ => Exit::EvidenceFailed,
    };
    CliError::Refused { exit, message: error.to_string() }
}
