//! The only place where the file of an artifact is removed: journalled, then unlinked, then forgotten.

use std::collections::BTreeSet;

use crate::artifact::{State, Timestamp};
use crate::error::SpoolError;
use crate::frames::Entry;
use crate::id::ArtifactId;
use crate::journal::clear;
use crate::spool::Spool;

/// Artifacts that are deleted together, at most.
const TOGETHER: usize = 4096;

impl Spool {
    /// What may be deleted: delivered, and since then here for the minimum stay. At most 4,096, the
    /// oldest first.
    ///
    /// A clock that was set back since a delivery makes the stay begin anew.
    pub fn due(&mut self, now: Timestamp) -> Vec<ArtifactId> {
        self.table.bound_deliveries(now);
        let due = |state: &State| match state {
            State::Delivered { at, .. } => at.is_past(self.stay, now),
            // What an error left when it was deleted.
            State::Deleted => true,
            _ => false,
        };
        let mut found: Vec<_> =
            self.table.iter().filter(|(_, artifact)| due(&artifact.state)).collect();
        found.sort_unstable_by_key(|(_, artifact)| artifact.order);
        found.into_iter().take(TOGETHER).map(|(id, _)| id.clone()).collect()
    }

    /// Deletes what is [`due`](Self::due): journals it (step 9), unlinks the files (step 10), makes
    /// that durable (step 11), and removes the directories of complete runs (step 12).
    ///
    /// # Errors
    /// [`SpoolError::Unknown`] and [`SpoolError::Transition`], with nothing deleted. After
    /// [`SpoolError::Io`] what is not gone yet stays due.
    pub fn delete(&mut self, ids: &[ArtifactId], now: Timestamp) -> Result<(), SpoolError> {
        for id in ids {
            let state = &self.known(id)?.state;
            let allowed = match state {
                State::Delivered { at, .. } => at.is_past(self.stay, now),
                state => *state == State::Deleted,
            };
            if !allowed {
                return Err(not_deleted(id, state));
            }
        }
        self.remove(ids)
    }

    /// Deletes delivered artifacts before their stay is over, as [`delete`](Self::delete) does: what is erased
    /// in the store must not stay here.
    ///
    /// # Errors
    /// As there; what is not delivered is not deleted.
    pub fn release(&mut self, ids: &[ArtifactId]) -> Result<(), SpoolError> {
        for id in ids {
            let state = &self.known(id)?.state;
            if !matches!(state, State::Delivered { .. } | State::Deleted) {
                return Err(not_deleted(id, state));
            }
        }
        self.remove(ids)
    }

    /// Gives up an artifact that is lost, so that its run's manifest can be delivered. What is left
    /// of its file is deleted.
    ///
    /// # Errors
    /// [`SpoolError::Unknown`], [`SpoolError::Transition`] or [`SpoolError::Io`].
    pub fn write_off(&mut self, id: &ArtifactId) -> Result<(), SpoolError> {
        match &self.known(id)?.state {
            State::Lost => self.remove(std::slice::from_ref(id)),
            state => Err(not_deleted(id, state)),
        }
    }

    /// Goes on from step 9 after a crash. That an old journal was read does not mean that it was
    /// durable: only the new one lets files go.
    pub(crate) fn finish_deletions(&mut self) -> Result<(), SpoolError> {
        let deleted = self.table.iter().filter(|(_, artifact)| artifact.state == State::Deleted);
        let deleted: Vec<_> = deleted.map(|(id, _)| id.clone()).collect();
        self.remove(&deleted)
    }

    fn remove(&mut self, ids: &[ArtifactId]) -> Result<(), SpoolError> {
        self.ready()?;
        let ids: BTreeSet<&ArtifactId> = ids.iter().collect();
        let undeleted = ids.iter().filter(|id| {
            self.table.get(id).is_some_and(|artifact| artifact.state != State::Deleted)
        });
        let entry = |id: &&ArtifactId| Entry::Became { id: (*id).clone(), state: State::Deleted };
        self.record(undeleted.map(entry).collect())?;
        for id in &ids {
            clear(&*self.disk, &self.path(id))?;
        }
        let runs: BTreeSet<_> = ids.iter().map(|id| id.run()).collect();
        for run in runs.iter().filter(|run| self.dirs.contains(**run)) {
            let dir = self.root.join(run);
            self.disk.sync_dir(&dir).map_err(SpoolError::at("sync", &dir))?;
        }
        for id in ids {
            let length = self.known(id)?.content.length;
            self.table.forget(id);
            self.room.give_back(length, 1);
        }
        for run in runs {
            self.remove_run(run);
        }
        // With what was freed there may be room for it again; if not, later.
        let _held = self.hold_reserve();
        Ok(())
    }

    /// Removes the directory of a run that is not known any more. One that is not empty stays, with
    /// what is not ours in it.
    pub(crate) fn remove_run(&mut self, run: &str) {
        let gone = !self.table.knows(run)
            && self.dirs.contains(run)
            && self.disk.remove_dir(&self.root.join(run)).is_ok();
        if gone {
            self.dirs.remove(run);
            self.room.give_back(0, 1);
        }
    }
}

fn not_deleted(id: &ArtifactId, from: &State) -> SpoolError {
    SpoolError::Transition { id: id.clone(), from: from.name(), to: "deleted" }
}
