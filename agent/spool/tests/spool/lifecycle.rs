//! An artifact's way through the spool, and what the spool refuses.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use karakuri_spool::{
    ArtifactId, Change, JournalFate, LocalDisk, MANIFEST, Part, Spool, SpoolError, State,
    Timestamp, UPLOADED, Upload,
};

use crate::disk::Op;
use crate::oracle::drain;
use crate::rig::{
    NOW, Rig, STAY, bytes, delivered, id, later, open, read, settings, sha256, write,
};

const RUN: &str = "20261121T101112-0badcafe";

fn ids(run: &str, count: usize) -> Vec<ArtifactId> {
    (1..=count).map(|n| id(run, &format!("{n:04}-evidence.esdk"))).collect()
}

#[test]
fn kept_delivered_and_gone() {
    let mut rig = Rig::new();
    let [artifact] = ids(RUN, 1).try_into().unwrap();
    let kept = rig.keep(std::slice::from_ref(&artifact));
    assert_eq!(kept[0].id(), &artifact);
    assert_eq!(kept[0].content().sha256, sha256(&bytes(&artifact)));
    assert_eq!(read(&rig.spool, &artifact).unwrap(), bytes(&artifact));
    let (mut rig, recovery) = rig.reopen();
    assert_eq!(recovery.journal, JournalFate::Sound);
    assert!(recovery.adopted.is_empty() && !recovery.is_alarming(), "{recovery:?}");
    assert_eq!(rig.pending(), std::slice::from_ref(&artifact));
    rig.deliver(std::slice::from_ref(&artifact));
    assert_eq!(rig.pending(), []);
    let early = Timestamp(later().0 - 1);
    assert_eq!(rig.spool.due(early), []);
    let refused = rig.spool.delete(std::slice::from_ref(&artifact), early);
    assert!(
        matches!(refused, Err(SpoolError::Transition { from: "delivered", .. })),
        "{refused:?}"
    );
    assert_eq!(rig.delete_due(), std::slice::from_ref(&artifact));
    assert!(!rig.path(&artifact).exists());
    let (rig, _recovery) = rig.reopen();
    assert!(rig.spool.artifact(&artifact).is_none());
    assert_eq!(rig.spool.unfinished().collect::<Vec<_>>(), [RUN]);
}

#[test]
fn news_holds_nothing_back_and_the_last_of_it_follows_the_manifest() {
    let mut rig = Rig::new();
    let [started, evidence, uploaded, manifest] =
        ["event-0001-started.esdk", "0001-evidence.esdk", UPLOADED, MANIFEST]
            .map(|file| id(RUN, file));
    assert_eq!((started.event(), evidence.event()), (Some("0001-started.esdk"), None));
    rig.keep(&[started.clone(), evidence.clone(), uploaded.clone()]);
    assert_eq!(rig.pending(), [started.clone(), evidence.clone()], "the run has no end yet");
    rig.keep(std::slice::from_ref(&manifest));
    rig.deliver(&[evidence]);
    assert_eq!(rig.pending(), [started, manifest.clone()]);
    rig.deliver(&[manifest]);
    let (mut rig, _recovery) = rig.reopen();
    assert_eq!(rig.pending().last(), Some(&uploaded));
    rig.delete_due();
    let (rig, _recovery) = rig.reopen();
    assert_eq!(rig.pending().last(), Some(&uploaded), "the manifest is not even known any more");
}

#[test]
fn nobody_else_may_read() {
    let directory = crate::rig::directory();
    let root = directory.path().join("spool");
    let (mut spool, _) = open(&root, &Default::default(), settings()).unwrap();
    let artifact = id(RUN, "a");
    let draft = spool.draft(artifact.clone()).unwrap();
    let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&format!("{RUN}/a.tmp")), 0o600);
    drop(draft);
    let written = write(&mut spool, &artifact).unwrap();
    spool.commit(vec![written], NOW).unwrap();
    for (path, wanted) in [
        ("", 0o700),
        (RUN, 0o700),
        (&format!("{RUN}/a"), 0o600),
        ("journal", 0o600),
        ("reserve", 0o600),
    ] {
        assert_eq!(mode(path), wanted, "{path}");
    }
}

#[test]
fn one_sync_of_the_journal_for_many() {
    let mut rig = Rig::new();
    let artifacts = ids(RUN, 50);
    let written: Vec<_> = artifacts.iter().map(|id| write(&mut rig.spool, id).unwrap()).collect();
    let before = rig.disk.ops().len();
    rig.spool.commit(written, NOW).unwrap();
    let syncs = |rig: &Rig, from: usize| {
        let ops = rig.disk.ops();
        let of = |wanted: fn(&Op) -> bool| ops[from..].iter().filter(|op| wanted(op)).count();
        (of(|op| matches!(op, Op::Sync(_))), of(|op| matches!(op, Op::SyncDir(_))))
    };
    assert_eq!(syncs(&rig, before), (1, 1), "files are synced when they are finished");
    let before = rig.disk.ops().len();
    rig.deliver(&artifacts);
    assert_eq!(syncs(&rig, before), (1, 0));
    let before = rig.disk.ops().len();
    assert_eq!(rig.delete_due().len(), 50);
    assert_eq!(syncs(&rig, before), (1, 1));
}

#[test]
fn a_draft_that_is_dropped_leaves_nothing() {
    let mut rig = Rig::new();
    let artifact = id(RUN, "a");
    let mut draft = rig.spool.draft(artifact.clone()).unwrap();
    draft.write_all(b"half").unwrap();
    let refused = rig.spool.draft(artifact.clone());
    assert!(matches!(refused, Err(SpoolError::Taken { .. })), "{refused:?}");
    assert_eq!(rig.spool.used(), (4, 2));
    drop(draft);
    assert_eq!(rig.spool.used(), (0, 1), "the directory of the run");
    assert_eq!(fs::read_dir(rig.root().join(RUN)).unwrap().count(), 0);
    drop(write(&mut rig.spool, &artifact).unwrap());
    assert_eq!(fs::read_dir(rig.root().join(RUN)).unwrap().count(), 0);
    let mut draft = rig.spool.draft(artifact).unwrap();
    draft.write_all(b"half").unwrap();
    let refused = draft.finish(5, [0; 32]);
    assert!(
        matches!(refused, Err(SpoolError::Length { found: 4, expected: 5, .. })),
        "{refused:?}"
    );
    let (rig, recovery) = rig.reopen();
    assert!(recovery.adopted.is_empty());
    assert_eq!(rig.spool.used(), (0, 0));
}

#[test]
fn the_oldest_first_and_the_manifest_last() {
    let mut rig = Rig::new();
    let (a, b) = (ids("20261121T000000-a", 3), ids("20261121T000001-b", 2));
    let manifest = id("20261121T000000-a", MANIFEST);
    rig.keep(&[b[0].clone()]);
    rig.keep(&[a[2].clone(), a[0].clone()]);
    rig.keep(&[b[1].clone(), a[1].clone(), manifest.clone()]);
    let by_age = [&b[0], &a[2], &a[0], &b[1], &a[1]].map(Clone::clone);
    assert_eq!(rig.pending(), by_age);
    let (mut rig, _) = rig.reopen();
    assert_eq!(rig.pending(), by_age);
    assert_eq!(rig.spool.unfinished().collect::<Vec<_>>(), ["20261121T000001-b"]);
    let refused = rig.spool.draft(id("20261121T000000-a", "late"));
    assert!(matches!(refused, Err(SpoolError::Complete { .. })), "{refused:?}");
    rig.deliver(&by_age[1..3]);
    let parked = Change::Parked { reason: "403".to_owned() };
    rig.spool.change(vec![(a[1].clone(), parked)], NOW).unwrap();
    assert_eq!(rig.pending(), [b[0].clone(), b[1].clone()], "a parked artifact holds it back");
    rig.spool.change(vec![(a[1].clone(), Change::Redeliver)], NOW).unwrap();
    rig.deliver(&a[1..2]);
    assert_eq!(rig.pending(), [b[0].clone(), b[1].clone(), manifest.clone()]);
    rig.spool.change(vec![(a[0].clone(), Change::Redeliver)], NOW).unwrap();
    assert_eq!(rig.pending(), [b[0].clone(), a[0].clone(), b[1].clone()], "not there after all");
    rig.deliver(&a[..1]);
    rig.deliver(&[manifest]);
    rig.delete_due();
    assert!(!rig.root().join("20261121T000000-a").exists());
    assert!(rig.root().join("20261121T000001-b").exists());
}

#[test]
fn a_run_without_artifacts_is_not_forgotten_before_its_manifest() {
    let mut rig = Rig::new();
    let artifact = id(RUN, "a");
    rig.keep(std::slice::from_ref(&artifact));
    drain(&mut rig.spool);
    let (rig, _) = rig.reopen();
    let (mut rig, _) = rig.reopen();
    assert_eq!(rig.spool.artifacts().count(), 0);
    assert_eq!(rig.spool.unfinished().collect::<Vec<_>>(), [RUN]);
    rig.keep(&[id(RUN, MANIFEST)]);
    assert_eq!(rig.spool.unfinished().count(), 0);
    drain(&mut rig.spool);
    let (rig, _) = rig.reopen();
    assert_eq!(rig.spool.used(), (0, 0));
    assert!(!rig.root().join(RUN).exists());
}

#[test]
fn an_upload_is_gone_on_with() {
    let mut rig = Rig::new();
    let artifact = id(RUN, "a");
    rig.keep(std::slice::from_ref(&artifact));
    let part = Part { number: 1, etag: "\"e\"".to_owned(), checksum: None };
    let upload = Upload { id: "u/1".to_owned(), parts: vec![part] };
    let change = Change::Uploading(upload.clone());
    rig.spool.change(vec![(artifact.clone(), change)], NOW).unwrap();
    let (mut rig, _) = rig.reopen();
    assert_eq!(rig.spool.pending().next().unwrap().1.upload(), Some(&upload));
    rig.spool.change(vec![(artifact.clone(), Change::Redeliver)], NOW).unwrap();
    assert_eq!(rig.spool.pending().next().unwrap().1.upload(), None);
    rig.deliver(std::slice::from_ref(&artifact));
    for change in [Change::Uploading(upload), delivered(), Change::Parked { reason: String::new() }]
    {
        let refused = rig.spool.change(vec![(artifact.clone(), change)], NOW);
        assert!(matches!(refused, Err(SpoolError::Transition { .. })), "{refused:?}");
    }
    let unknown = rig.spool.change(vec![(id(RUN, "b"), delivered())], NOW);
    assert!(matches!(unknown, Err(SpoolError::Unknown { .. })), "{unknown:?}");
}

#[test]
fn what_is_not_delivered_is_never_deleted() {
    let mut rig = Rig::new();
    let artifacts = ids(RUN, 3);
    rig.keep(&artifacts);
    let parked = Change::Parked { reason: "403".to_owned() };
    let upload = Change::Uploading(Upload { id: "u".to_owned(), parts: Vec::new() });
    let changes = vec![(artifacts[1].clone(), parked), (artifacts[2].clone(), upload)];
    rig.spool.change(changes, NOW).unwrap();
    let end = Timestamp(u64::MAX);
    assert_eq!(rig.spool.due(end), []);
    for artifact in &artifacts {
        let refused = rig.spool.delete(std::slice::from_ref(artifact), end);
        assert!(matches!(refused, Err(SpoolError::Transition { .. })), "{refused:?}");
        let refused = rig.spool.write_off(artifact);
        assert!(matches!(refused, Err(SpoolError::Transition { .. })), "{refused:?}");
        assert!(rig.path(artifact).exists());
    }
}

#[test]
fn what_is_delivered_may_be_released_before_its_stay_is_over_and_nothing_else() {
    let mut rig = Rig::new();
    let all = ids(RUN, 3);
    rig.keep(&all);
    rig.deliver(&all[..2]);
    assert_eq!(rig.spool.due(NOW), []);
    let refused = rig.spool.release(&all[1..]);
    assert!(matches!(refused, Err(SpoolError::Transition { .. })), "{refused:?}");
    assert!(all.iter().all(|id| rig.path(id).exists()));
    rig.spool.release(&all[..1]).unwrap();
    assert_eq!([0, 1, 2].map(|i| rig.path(&all[i]).exists()), [false, true, true]);
    let (rig, _) = rig.reopen();
    assert!(rig.spool.artifact(&all[0]).is_none());
    assert_eq!(rig.pending(), all[2..]);
}

#[test]
fn a_clock_set_back_makes_the_stay_begin_anew() {
    let mut rig = Rig::new();
    let artifact = id(RUN, "a");
    rig.keep(std::slice::from_ref(&artifact));
    rig.deliver(std::slice::from_ref(&artifact));
    let three_hours_ago = Timestamp(NOW.0 - 3 * 3_600_000);
    assert_eq!(rig.spool.due(three_hours_ago), []);
    assert_eq!(rig.spool.due(Timestamp(three_hours_ago.0 + STAY - 1)), []);
    assert_eq!(rig.spool.due(Timestamp(three_hours_ago.0 + STAY)), [artifact]);
}

#[test]
fn a_missing_file_is_named_until_it_is_written_off() {
    let mut rig = Rig::new();
    let (artifacts, manifest) = (ids(RUN, 3), id(RUN, MANIFEST));
    rig.keep(&artifacts);
    rig.keep(std::slice::from_ref(&manifest));
    rig.deliver(&artifacts[1..]);
    let aside = rig.root().with_extension("aside");
    fs::rename(rig.path(&artifacts[0]), &aside).unwrap();
    fs::remove_file(rig.path(&artifacts[1])).unwrap();
    fs::write(rig.path(&artifacts[2]), b"cut").unwrap();
    let (rig, recovery) = rig.reopen();
    assert_eq!(recovery.lost, artifacts);
    let (rig, recovery) = rig.reopen();
    assert!(recovery.is_alarming());
    assert_eq!((recovery.lost, recovery.adopted), (artifacts.clone(), Vec::new()));
    assert_eq!(rig.pending(), []);
    fs::rename(&aside, rig.path(&artifacts[0])).unwrap();
    let (mut rig, recovery) = rig.reopen();
    assert_eq!(recovery.lost, artifacts[1..], "the first is back");
    assert_eq!(rig.pending(), artifacts[..1]);
    rig.deliver(&artifacts[..1]);
    rig.spool.write_off(&artifacts[1]).unwrap();
    assert_eq!(rig.pending(), []);
    rig.spool.write_off(&artifacts[2]).unwrap();
    assert_eq!(rig.pending(), [manifest], "nothing holds it back any more");
    let (_, recovery) = rig.reopen();
    assert!(!recovery.is_alarming() && recovery.adopted.is_empty(), "{recovery:?}");
}

#[test]
fn one_process_has_it() {
    let rig = Rig::new();
    let second = Spool::open(rig.root(), Arc::new(LocalDisk), settings(), NOW);
    assert!(matches!(second, Err(SpoolError::InUse { .. })), "{second:?}");
}

#[test]
fn a_draft_of_another_spool_is_refused() {
    let (mut one, mut two) = (Rig::new(), Rig::new());
    let written = write(&mut one.spool, &id(RUN, "a")).unwrap();
    let refused = two.spool.commit(vec![written], NOW);
    assert!(matches!(refused, Err(SpoolError::Foreign { .. })), "{refused:?}");
}

#[test]
fn what_is_not_the_spools_is_left_alone_and_named() {
    let rig = Rig::new();
    let (note, link) = (rig.root().join("note"), rig.root().join("run/link"));
    fs::write(&note, b"").unwrap();
    fs::create_dir(rig.root().join("run")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    let (rig, mut recovery) = rig.reopen();
    recovery.foreign.sort();
    assert_eq!(recovery.foreign, [note.clone(), link.clone()]);
    assert!(note.exists() && link.is_symlink());
    assert_eq!(rig.spool.artifacts().count(), 0);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let long = "a".repeat(201);
    for name in ["", ".", "..", ".a", "a/b", "a\0", "a\n", "金", "a.tmp", &long] {
        assert!(matches!(ArtifactId::new(name, "a"), Err(SpoolError::Name { .. })), "{name:?}");
        assert!(matches!(ArtifactId::new("a", name), Err(SpoolError::Name { .. })), "{name:?}");
    }
    ArtifactId::new(&"a".repeat(200), "0001-evidence.esdk").unwrap();
}

#[test]
fn opening_forgets_what_is_deleted() {
    let mut rig = Rig::new();
    let empty = fs::metadata(rig.root().join("journal")).unwrap().len();
    let artifacts = [id(RUN, "a"), id(RUN, MANIFEST)];
    for artifact in artifacts {
        rig.keep(std::slice::from_ref(&artifact));
    }
    drain(&mut rig.spool);
    let (rig, _) = rig.reopen();
    assert_eq!(fs::metadata(rig.root().join("journal")).unwrap().len(), empty);
}

#[test]
fn the_journal_does_not_grow_for_ever() {
    let mut rig = Rig::new();
    let artifact = id(RUN, "a");
    rig.keep(std::slice::from_ref(&artifact));
    let part = |number| Part { number, etag: "e".repeat(100), checksum: None };
    let upload = Upload { id: "u".to_owned(), parts: (1..=500).map(part).collect() };
    let mut longest = 0;
    for _ in 0..60 {
        let change = Change::Uploading(upload.clone());
        rig.spool.change(vec![(artifact.clone(), change)], NOW).unwrap();
        longest = fs::metadata(rig.root().join("journal")).unwrap().len().max(longest);
    }
    assert!(longest < 1_200_000, "{longest} bytes");
    assert_eq!(rig.disk.count(|op| matches!(op, Op::Rename(_, to) if to.ends_with("journal"))), 5);
    let (rig, recovery) = rig.reopen();
    assert_eq!(recovery.journal, JournalFate::Sound);
    assert_eq!(rig.spool.artifact(&artifact).unwrap().state(), &State::Uploading { upload });
}
