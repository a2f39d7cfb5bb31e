//! A run as it lies on the disk it was exported to: which files make it up, and whether they are as they
//! were signed. A link, a pipe or a device among them is never opened.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use karakuri_seal::Summary;
use karakuri_seal::manifest::{Manifest, Removal, Rewrap, VerifyingKey};
use karakuri_workflow::bundle::check_file_name;

use super::Fault;
use super::news::News;
use crate::error::CliError;
use crate::kept::{Kept, MANIFEST, RECORD, REMOVED, fault, read_signed};

/// The directory of days of a run whose id tells none.
const UNDATED: &str = "undated";

/// A run whose manifest and records are verified; its messages are not read yet.
#[derive(Debug)]
pub(super) struct Exported {
    pub(super) directory: PathBuf,
    /// The directory of the store that its directory is in.
    pub(super) day: String,
    pub(super) artifacts: usize,
    /// Sealed messages, and what was signed of each; by their paths in the run's directory.
    pub(super) messages: Vec<(PathBuf, Summary)>,
    /// Signed documents, the manifest last.
    pub(super) documents: Vec<(PathBuf, Vec<u8>)>,
    /// What nobody signed and is taken all the same.
    pub(super) news: News,
    /// Files that nobody signed.
    pub(super) unsigned: Vec<PathBuf>,
}

impl Exported {
    /// Reads what a trusted key signed. What keeps the run from being read is its fault.
    pub(super) fn read(
        (disk, directory): (&Path, &Path),
        trusted: &[VerifyingKey],
    ) -> Result<Self, Fault> {
        let fault = |e: CliError| Fault::new(directory, e.to_string());
        let files = files(directory)?;
        let manifest = directory.join(MANIFEST);
        if !files.contains(&manifest) {
            return Err(Fault::new(&manifest, "is missing: the export was not finished"));
        }
        let kept = Kept::read(directory, trusted).map_err(fault)?;
        let day = day(directory, &kept.manifest)?;
        let news = News::read(disk, &day, &kept.manifest)?;
        let mut exported = Self {
            directory: directory.to_owned(),
            day,
            artifacts: kept.manifest.artifacts.len(),
            messages: Vec::new(),
            documents: Vec::new(),
            news,
            unsigned: Vec::new(),
        };
        exported.list_messages(&kept, &files)?;
        for record in files.iter().filter(|path| path.ends_with(RECORD)) {
            let relative = exported.relative(record);
            let bytes = if relative.starts_with(REMOVED) {
                read_signed::<Removal>(record, trusted).map_err(fault)?.1
            } else {
                read_signed::<Rewrap>(record, trusted).map_err(fault)?.1
            };
            exported.documents.push((relative, bytes));
        }
        // The bytes that are kept are those that were verified, whatever the disk says a second time.
        let (again, bytes) = read_signed::<Manifest>(&manifest, trusted).map_err(fault)?;
        if again != kept.manifest {
            return Err(Fault::new(&manifest, "changed while it was read"));
        }
        exported.documents.push((MANIFEST.into(), bytes));
        exported.note_unsigned(files);
        Ok(exported)
    }

    /// What is not as it was signed.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let of = |(path, signed): &(PathBuf, Summary)| {
            let path = self.directory.join(path);
            match fault(&path, signed) {
                Ok(found) => found.map(|found| Fault::new(&path, found)),
                Err(e) => Some(Fault::new(&path, e.to_string())),
            }
        };
        self.messages.iter().filter_map(of).collect()
    }

    /// The latest message of each artifact must be there, unless a record says that it was removed; the
    /// first one may have been deleted when it was sealed for other keys.
    fn list_messages(&mut self, kept: &Kept, files: &BTreeSet<PathBuf>) -> Result<(), Fault> {
        for artifact in &kept.manifest.artifacts {
            if check_file_name(&artifact.id).is_err() {
                let fault = format!("names an artifact {:?}, which is no file name", artifact.id);
                return Err(Fault::new(&self.directory.join(MANIFEST), fault));
            }
            if kept.removal(artifact).is_some() {
                continue;
            }
            let (latest, original) = (kept.message(artifact), kept.original(artifact));
            if latest.0 != original.0 && files.contains(&original.0) {
                self.messages.push((self.relative(&original.0), original.1));
            }
            self.messages.push((self.relative(&latest.0), latest.1));
        }
        Ok(())
    }

    /// Leaves out what was removed from the store: what expired or was erased does not come back.
    pub(super) fn leave_out(&mut self, store: &Kept) {
        let removed: BTreeSet<_> =
            store.removed().map(|(artifact, _)| format!("{}.esdk", artifact.id)).collect();
        let is_removed = |path: &Path| {
            path.file_name().is_some_and(|name| removed.contains(&*name.to_string_lossy()))
        };
        self.messages.retain(|(path, _)| !is_removed(path));
    }

    fn note_unsigned(&mut self, mut files: BTreeSet<PathBuf>) {
        let documents = self.documents.iter().map(|(path, _)| path);
        for path in documents.chain(self.messages.iter().map(|(path, _)| path)) {
            files.remove(&self.directory.join(path));
        }
        self.unsigned = files.into_iter().collect();
        self.unsigned.append(&mut self.news.foreign);
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.directory).unwrap_or(path).to_owned()
    }
}

/// Every file below `directory`; anything but a file or a directory is a fault.
fn files(directory: &Path) -> Result<BTreeSet<PathBuf>, Fault> {
    let failed = |e: std::io::Error| Fault::new(directory, e.to_string());
    let mut all = BTreeSet::new();
    let mut open = vec![directory.to_owned()];
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(&place).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                all.insert(entry.path());
            } else {
                return Err(Fault::new(&entry.path(), "is neither a file nor a directory"));
            }
        }
    }
    Ok(all)
}

/// The directory of the day, which must be the one that the run's id tells, as its own must be its id:
/// else a run could be put in the place of another.
fn day(directory: &Path, manifest: &Manifest) -> Result<String, Fault> {
    let name = |path: Option<&Path>| {
        path.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned())
    };
    let day = name(directory.parent()).unwrap_or_default();
    let date = manifest.run.get(..8).filter(|date| date.bytes().all(|b| b.is_ascii_digit()));
    let dated = |date: &str| format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
    let own = date.map_or(UNDATED.to_owned(), dated);
    if name(Some(directory)).as_ref() != Some(&manifest.run) || day != own {
        let fault = format!("is of another run, {:?}", manifest.run);
        return Err(Fault::new(&directory.join(MANIFEST), fault));
    }
    Ok(day)
}
