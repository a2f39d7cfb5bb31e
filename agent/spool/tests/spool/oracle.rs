//! What may be found after a crash, from the marks of a record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use karakuri_spool::{ArtifactId, JournalFate, MANIFEST, Spool, Timestamp, UPLOADED};

use crate::disk::{Mark, Op, Outcome};
use crate::rig::{bytes, delivered, later, open_local, outcome, read, sha256};

/// The outcomes that each artifact may have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle(BTreeMap<ArtifactId, Vec<Outcome>>);

impl Oracle {
    pub(crate) fn see(&mut self, op: &Op) {
        match op {
            Op::Mark(Mark::Maybe(id, outcome)) => {
                self.0.entry(id.clone()).or_insert_with(|| vec![Outcome::Absent]).push(*outcome);
            }
            Op::Mark(Mark::Now(id, outcome)) => {
                self.0.insert(id.clone(), vec![*outcome]);
            }
            _ => {}
        }
    }

    /// Opens what a crash left, twice, and empties it.
    ///
    /// # Panics
    /// When anything is not as it may be.
    pub(crate) fn check(&self, root: &Path) {
        let (spool, recovery) = open_local(root);
        assert!(!recovery.is_alarming(), "{recovery:?}");
        assert!(recovery.foreign.is_empty(), "{recovery:?}");
        for id in &recovery.adopted {
            let unsure = self.0.get(id).is_some_and(|allowed| allowed.contains(&Outcome::Absent));
            assert!(unsure, "{id} was acknowledged and then adopted");
        }
        let found = self.compare(&spool);
        let unfinished: BTreeSet<_> = spool.unfinished().map(str::to_owned).collect();
        drop(spool);
        let (mut spool, recovery) = open_local(root);
        assert_eq!(recovery.journal, JournalFate::Sound);
        assert!(recovery.adopted.is_empty(), "{recovery:?}");
        assert_eq!(self.compare(&spool), found, "opened again it is another");
        drain(&mut spool);
        for (id, outcome) in &found {
            let of_run = || found.iter().filter(|(other, _)| other.run() == id.run());
            let evidence = |id: &ArtifactId| !id.is_manifest() && id.event().is_none();
            let held = of_run().any(|(id, is)| evidence(id) && *is == Outcome::Parked);
            let manifest_stays = of_run().any(|(id, is)| {
                id.is_manifest() && (*is == Outcome::Parked || (*is == Outcome::Pending && held))
            });
            let waits = match id.file() {
                MANIFEST => held,
                UPLOADED => manifest_stays || unfinished.contains(id.run()),
                _ => false,
            };
            let stays = match outcome {
                Outcome::Pending => waits,
                Outcome::Parked => true,
                Outcome::Delivered | Outcome::Absent => false,
            };
            assert_eq!(spool.artifact(id).is_some(), stays, "{id} after emptying");
        }
    }

    fn compare(&self, spool: &Spool) -> Vec<(ArtifactId, Outcome)> {
        for (id, artifact) in spool.artifacts() {
            assert!(self.0.contains_key(id), "{id} came from nowhere");
            let (read, made) = (read(spool, id).unwrap(), bytes(id));
            assert_eq!(read, made, "{id} has other bytes");
            assert_eq!(artifact.content().length, made.len() as u64);
            assert_eq!(artifact.content().sha256, sha256(&made));
        }
        let found = self.0.keys().map(|id| (id.clone(), outcome(spool, id))).collect::<Vec<_>>();
        for (id, outcome) in &found {
            assert!(self.0[id].contains(outcome), "{id} is {outcome:?}, not {:?}", self.0[id]);
        }
        found
    }
}

/// Delivers and deletes all that can be, as a courier does; each once.
pub(crate) fn drain(spool: &mut Spool) -> Vec<ArtifactId> {
    let mut order = Vec::new();
    loop {
        let ready: Vec<_> = spool.pending().map(|(id, _)| id.clone()).collect();
        if ready.is_empty() {
            break;
        }
        order.extend(ready.iter().cloned());
        spool.change(ready.into_iter().map(|id| (id, delivered())).collect(), later()).unwrap();
    }
    let end = Timestamp(later().0 * 2);
    let due = spool.due(end);
    spool.delete(&due, end).unwrap();
    let mut once = order.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), order.len(), "delivered twice");
    order
}
