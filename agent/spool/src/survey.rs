//! What lies in the spool's directory when it is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::disk::{Disk, Kind};
use crate::error::SpoolError;
use crate::id::{ArtifactId, MANIFEST, UNFINISHED};
use crate::journal::{JOURNAL, SUCCESSOR};
use crate::reserve;

/// Name of a journal that was set aside, before its number.
pub(crate) const SET_ASIDE: &str = "journal.damaged-";

/// The files, sorted by what they are.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Directories of runs.
    pub(crate) dirs: BTreeSet<String>,
    /// Files with the names of artifacts, and their lengths.
    pub(crate) files: BTreeMap<ArtifactId, u64>,
    /// Drafts that were not finished.
    pub(crate) unfinished: Vec<PathBuf>,
    /// Damaged journals.
    pub(crate) set_aside: BTreeSet<PathBuf>,
    /// What is not the spool's.
    pub(crate) foreign: Vec<PathBuf>,
    /// Length of the reserve.
    pub(crate) reserve: Option<u64>,
}

impl Survey {
    pub(crate) fn of(disk: &dyn Disk, root: &Path) -> Result<Self, SpoolError> {
        let mut survey = Self::default();
        for found in disk.list(root).map_err(SpoolError::at("list", root))? {
            let path = root.join(&found.name);
            let name = found.name.to_str().unwrap_or_default();
            match found.kind {
                Kind::Directory if ArtifactId::new(name, MANIFEST).is_ok() => {
                    survey.run(disk, name, &path)?;
                }
                Kind::File if name == reserve::RESERVE => survey.reserve = Some(found.length),
                Kind::File if [JOURNAL, SUCCESSOR, reserve::UNFINISHED].contains(&name) => {}
                Kind::File if name.starts_with(SET_ASIDE) => {
                    survey.set_aside.insert(path);
                }
                _ => survey.foreign.push(path),
            }
        }
        Ok(survey)
    }

    fn run(&mut self, disk: &dyn Disk, run: &str, dir: &Path) -> Result<(), SpoolError> {
        self.dirs.insert(run.to_owned());
        for found in disk.list(dir).map_err(SpoolError::at("list", dir))? {
            let path = dir.join(&found.name);
            let name = found.name.to_str().unwrap_or_default();
            let artifact = |name: &str| ArtifactId::new(run, name).ok();
            match (found.kind, artifact(name)) {
                (Kind::File, Some(id)) => {
                    self.files.insert(id, found.length);
                }
                (Kind::File, None)
                    if name.strip_suffix(UNFINISHED).and_then(artifact).is_some() =>
                {
                    self.unfinished.push(path);
                }
                _ => self.foreign.push(path),
            }
        }
        Ok(())
    }

    /// A name for a damaged journal that none has yet.
    pub(crate) fn free_name(&self, root: &Path) -> PathBuf {
        let name = |number: usize| root.join(format!("{SET_ASIDE}{number}"));
        let taken = |path: &PathBuf| self.set_aside.contains(path);
        (1..=self.set_aside.len())
            .map(name)
            .find(|path| !taken(path))
            .unwrap_or_else(|| name(self.set_aside.len() + 1))
    }
}
