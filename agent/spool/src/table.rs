//! What the journal adds up to, in memory: pure, without a file.

use std::collections::{BTreeMap, HashMap};

use crate::artifact::{Artifact, State, Timestamp};
use crate::frames::Entry;
use crate::id::ArtifactId;

/// Every artifact and run.
#[derive(Debug, Default)]
pub(crate) struct Table {
    artifacts: HashMap<ArtifactId, Artifact>,
    /// To be delivered, by age.
    waiting: BTreeMap<u64, ArtifactId>,
    runs: BTreeMap<String, Run>,
    next: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Run {
    artifacts: usize,
    /// Artifacts besides manifest and events that have to reach the store still.
    undelivered: usize,
    /// It has, or had, its manifest.
    complete: bool,
}

/// An entry about an artifact that no entry before has kept.
#[derive(Debug)]
pub(crate) struct Inconsistent;

impl Table {
    pub(crate) fn replay(entries: Vec<Entry>) -> Result<Self, Inconsistent> {
        let mut table = Self::default();
        entries.into_iter().try_for_each(|entry| table.apply(entry))?;
        Ok(table)
    }

    pub(crate) fn apply(&mut self, entry: Entry) -> Result<(), Inconsistent> {
        match entry {
            Entry::Run { run, complete } => self.runs.entry(run).or_default().complete |= complete,
            Entry::Kept { id, content, at } => {
                // Not forgotten: of a run that is only named so far nothing must be lost.
                self.take(&id);
                let (order, state) = (self.next, State::Kept);
                self.next += 1;
                self.insert(id, Artifact { content, kept_at: at, state, order });
            }
            Entry::Became { id, state } => {
                let artifact = self.take(&id).ok_or(Inconsistent)?;
                self.insert(id, Artifact { state, ..artifact });
            }
        }
        Ok(())
    }

    /// Entries that add up to this table.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let run =
            |(run, is): (&String, &Run)| Entry::Run { run: run.clone(), complete: is.complete };
        let mut entries: Vec<_> = self.runs.iter().map(run).collect();
        let mut artifacts: Vec<_> = self.artifacts.iter().collect();
        artifacts.sort_unstable_by_key(|(_, artifact)| artifact.order);
        for (id, Artifact { content, kept_at, state, .. }) in artifacts {
            let content = content.clone();
            entries.push(Entry::Kept { id: id.clone(), content, at: *kept_at });
            if *state != State::Kept {
                entries.push(Entry::Became { id: id.clone(), state: state.clone() });
            }
        }
        entries
    }

    pub(crate) fn get(&self, id: &ArtifactId) -> Option<&Artifact> {
        self.artifacts.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ArtifactId, &Artifact)> {
        self.artifacts.iter()
    }

    /// Takes a delivery of the future, by a clock that was set back since, for one of now.
    pub(crate) fn bound_deliveries(&mut self, now: Timestamp) {
        for artifact in self.artifacts.values_mut() {
            if let State::Delivered { at, .. } = &mut artifact.state {
                *at = now.min(*at);
            }
        }
    }

    /// What is to be delivered, the oldest first; a manifest only when all of its run is there, and the
    /// event that says so only after it.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (&ArtifactId, &Artifact)> {
        let ready = self.waiting.values().filter(|id| self.is_turn_of(id));
        ready.filter_map(|id| self.artifacts.get_key_value(id))
    }

    fn is_turn_of(&self, id: &ArtifactId) -> bool {
        if id.is_manifest() {
            return self.runs.get(id.run()).is_none_or(|run| run.undelivered == 0);
        }
        if id.follows_manifest() {
            // One that is not known any more has been delivered.
            let settled = |manifest: &Artifact| manifest.state.is_settled();
            return self.is_complete(id.run()) && self.get(&id.manifest()).is_none_or(settled);
        }
        true
    }

    /// Runs without a manifest.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().filter(|(_, run)| !run.complete).map(|(name, _)| name.as_str())
    }

    pub(crate) fn is_complete(&self, run: &str) -> bool {
        self.runs.get(run).is_some_and(|run| run.complete)
    }

    pub(crate) fn knows(&self, run: &str) -> bool {
        self.runs.contains_key(run)
    }

    /// Drops an artifact, and with the last one of a complete run the run.
    pub(crate) fn forget(&mut self, id: &ArtifactId) {
        self.take(id);
        if self.runs.get(id.run()).is_some_and(|run| run.complete && run.artifacts == 0) {
            self.runs.remove(id.run());
        }
    }

    fn insert(&mut self, id: ArtifactId, artifact: Artifact) {
        let run = self.runs.entry(id.run().to_owned()).or_default();
        run.artifacts += 1;
        run.undelivered += usize::from(holds_back(&id, &artifact.state));
        run.complete |= id.is_manifest();
        if artifact.state.is_waiting() {
            self.waiting.insert(artifact.order, id.clone());
        }
        self.artifacts.insert(id, artifact);
    }

    fn take(&mut self, id: &ArtifactId) -> Option<Artifact> {
        let artifact = self.artifacts.remove(id)?;
        self.waiting.remove(&artifact.order);
        if let Some(run) = self.runs.get_mut(id.run()) {
            run.artifacts -= 1;
            run.undelivered -= usize::from(holds_back(id, &artifact.state));
        }
        Some(artifact)
    }
}

/// Whether the manifest of its run has to wait for it.
fn holds_back(id: &ArtifactId, state: &State) -> bool {
    !id.is_manifest() && id.event().is_none() && !state.is_settled()
}
