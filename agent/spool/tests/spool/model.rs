//! Any sequence of calls, crashes of the process and failures of the disk, against a model that is
//! a list; and then the power goes at every moment of it.

use std::collections::{BTreeMap, BTreeSet};

use karakuri_spool::{ArtifactId, Change, EVENT, MANIFEST, SpoolError, UPLOADED};
use proptest::prelude::*;
use proptest::sample::Index;
use rustix::io::Errno;

use crate::disk::{Fault, Mark, Outcome};
use crate::power_loss::{at_every_moment, marked};
use crate::rig::{NOW, Rig, delivered, id, later, outcome, write};

#[derive(Clone, Debug)]
enum Step {
    /// Commit so many artifacts or events of a run together, and its manifest with the event after it.
    Keep {
        run: usize,
        count: usize,
        event: bool,
        manifest: bool,
    },
    Change {
        artifact: Index,
        to: Outcome,
    },
    Delete,
    /// The process is killed with a draft begun.
    Crash,
    /// A call to the disk fails once.
    Fail(usize),
}

const CALLS: [(&str, &str); 6] = [
    ("sync_data", "journal"),
    ("write", "journal"),
    ("sync_data", "run"),
    ("rename", "run"),
    ("sync_dir", "run"),
    ("remove", "run"),
];

fn step() -> impl Strategy<Value = Step> {
    let to = prop_oneof![
        3 => Just(Outcome::Delivered),
        1 => Just(Outcome::Pending),
        1 => Just(Outcome::Parked),
    ];
    prop_oneof![
        4 => (0..3usize, 1..3usize, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(run, count, event, manifest)| Step::Keep { run, count, event, manifest }),
        5 => (any::<Index>(), to).prop_map(|(artifact, to)| Step::Change { artifact, to }),
        2 => Just(Step::Delete),
        2 => Just(Step::Crash),
        1 => (0..CALLS.len()).prop_map(Step::Fail),
    ]
}

/// What each artifact is, by age; those whose call failed are not known until the next crash.
#[derive(Default)]
struct Model {
    artifacts: Vec<(ArtifactId, Outcome)>,
    unknown: BTreeMap<ArtifactId, ()>,
    /// Runs of which something is there, and that have or had a manifest.
    complete: BTreeSet<String>,
    made: usize,
}

impl Model {
    /// Takes from the spool what a failure left open.
    fn learn(&mut self, rig: &Rig) {
        for (id, ()) in std::mem::take(&mut self.unknown) {
            let found = outcome(&rig.spool, &id);
            rig.disk.mark(Mark::Now(id.clone(), found));
            match self.artifacts.iter_mut().find(|(known, _)| *known == id) {
                Some(known) => known.1 = found,
                None => self.artifacts.push((id, found)),
            }
        }
        self.artifacts.retain(|(_, outcome)| *outcome != Outcome::Absent);
    }

    fn follow_manifests(&mut self) {
        let manifests = self.artifacts.iter().map(|(id, _)| id).filter(|id| id.is_manifest());
        self.complete.extend(manifests.map(|id| id.run().to_owned()));
        self.complete.retain(|run| self.artifacts.iter().any(|(id, _)| id.run() == run));
    }

    fn pending(&self) -> Vec<ArtifactId> {
        let pending = self.artifacts.iter().filter(|(_, outcome)| *outcome == Outcome::Pending);
        pending.filter(|(id, _)| self.is_turn_of(id)).map(|(id, _)| id.clone()).collect()
    }

    fn is_turn_of(&self, id: &ArtifactId) -> bool {
        let mut others = self.artifacts.iter().filter(|(other, _)| other.run() == id.run());
        let delivered = |is: Outcome| is == Outcome::Delivered;
        if id.is_manifest() {
            return others.all(|(o, is)| o.is_manifest() || o.event().is_some() || delivered(*is));
        }
        if id.file() == UPLOADED {
            // A manifest that was deleted is not in the list any more.
            let manifest = others.find(|(other, _)| other.is_manifest());
            let is_known = self.complete.contains(id.run());
            return is_known && manifest.is_none_or(|(_, is)| delivered(*is));
        }
        true
    }

    fn keep(&mut self, rig: &mut Rig, run: usize, files: &[String], manifest: bool) {
        let run = format!("run-{run}");
        let mut ids: Vec<_> = files.iter().map(|file| id(&run, file)).collect();
        if manifest {
            ids.extend([id(&run, UPLOADED), id(&run, MANIFEST)]);
        }
        let disk = rig.disk.clone();
        let kept = marked(&disk, &ids, Outcome::Pending, || {
            let written =
                ids.iter().map(|id| write(&mut rig.spool, id)).collect::<Result<_, _>>()?;
            rig.spool.commit(written, NOW)
        });
        let complete = self.artifacts.iter().any(|(id, _)| id.is_manifest() && id.run() == run);
        assert!(!(complete && kept.is_some()), "{run} is complete");
        match kept {
            Some(_) => self.artifacts.extend(ids.into_iter().map(|id| (id, Outcome::Pending))),
            None => self.unknown.extend(ids.into_iter().map(|id| (id, ()))),
        }
    }

    fn change(&mut self, rig: &mut Rig, artifact: &Index, to: Outcome) {
        if self.artifacts.is_empty() {
            return;
        }
        let known = artifact.index(self.artifacts.len());
        let (id, from) = self.artifacts[known].clone();
        let change = match to {
            Outcome::Delivered => delivered(),
            Outcome::Parked => Change::Parked { reason: "403".to_owned() },
            _ => Change::Redeliver,
        };
        let allowed = match to {
            Outcome::Delivered => from != Outcome::Delivered,
            Outcome::Parked => from == Outcome::Pending,
            _ => true,
        };
        let disk = rig.disk.clone();
        if !allowed {
            let refused = rig.spool.change(vec![(id.clone(), change)], NOW);
            let right =
                matches!(refused, Err(SpoolError::Transition { .. } | SpoolError::Io { .. }));
            assert!(right, "{id}: {from:?} to {to:?}: {refused:?}");
            return;
        }
        let done = marked(&disk, std::slice::from_ref(&id), to, || {
            rig.spool.change(vec![(id.clone(), change)], NOW)
        });
        match done {
            Some(()) => self.artifacts[known].1 = to,
            None => self.unknown.extend([(id, ())]),
        }
    }

    fn delete(&mut self, rig: &mut Rig) {
        let due = rig.spool.due(later());
        let delivered = |id: &ArtifactId| {
            self.artifacts.iter().any(|(known, is)| known == id && *is == Outcome::Delivered)
        };
        assert!(due.iter().all(delivered), "{due:?}");
        let disk = rig.disk.clone();
        match marked(&disk, &due, Outcome::Absent, || rig.spool.delete(&due, later())) {
            Some(()) => self.artifacts.retain(|(id, _)| !due.contains(id)),
            None => self.unknown.extend(due.into_iter().map(|id| (id, ()))),
        }
    }
}

fn live(steps: Vec<Step>) -> (Rig, Model) {
    let (mut rig, mut model) = (Rig::new(), Model::default());
    for step in steps {
        match step {
            Step::Keep { run, count, event, manifest } => {
                model.made += 1;
                let kind = if event { EVENT } else { "" };
                let file = |n| format!("{kind}{:04}-{n}", model.made);
                let files: Vec<_> = (0..count).map(file).collect();
                model.keep(&mut rig, run, &files, manifest);
            }
            Step::Change { artifact, to } => model.change(&mut rig, &artifact, to),
            Step::Delete => model.delete(&mut rig),
            Step::Fail(call) => {
                let (call, path) = CALLS[call];
                rig.disk.fail(Fault { call, path, errno: Errno::IO.raw_os_error(), times: 1 });
                continue;
            }
            Step::Crash => {}
        }
        let failed = !model.unknown.is_empty();
        if failed || matches!(step, Step::Crash) {
            if let Ok(draft) = rig.spool.draft(id("run-9", "draft")) {
                std::mem::forget(draft);
            }
            rig.disk.heal();
            let recovery;
            (rig, recovery) = rig.reopen();
            assert!(!recovery.is_alarming(), "{recovery:?}");
            model.learn(&rig);
        }
        model.follow_manifests();
        let found: Vec<_> = rig.spool.artifacts().map(|(id, _)| id).collect();
        assert_eq!(found.len(), model.artifacts.len());
        for (id, is) in &model.artifacts {
            assert_eq!(outcome(&rig.spool, id), *is, "{id}");
        }
        assert_eq!(rig.pending(), model.pending());
    }
    (rig, model)
}

fn cases() -> u32 {
    let soak = std::env::var("KARAKURI_SOAK").is_ok_and(|value| value == "1");
    if soak { 1000 } else { 24 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn the_spool_is_what_the_model_is(steps in prop::collection::vec(step(), 1..20)) {
        let (Rig { directory, disk, spool }, _model) = live(steps);
        drop(spool);
        at_every_moment(directory.path(), &disk, 1);
    }
}
