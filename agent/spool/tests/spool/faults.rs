//! A disk that fails: what the caller is told, that nothing acknowledged is harmed, and that no file
//! is synced again after an error.

use std::fs;
use std::io::Write;

use karakuri_spool::{JournalFate, SpoolError};
use rustix::io::Errno;

use crate::disk::{Fault, Op, Outcome};
use crate::oracle::Oracle;
use crate::power_loss::{at_every_moment, marked};
use crate::rig::{NOW, Rig, bytes, delivered, id, later, open, read, settings, write};

const RUN: &str = "20261121T101112-0badcafe";

fn fault(call: &'static str, path: &'static str, errno: Errno) -> Fault {
    Fault { call, path, errno: errno.raw_os_error(), times: 1 }
}

fn errno<T: std::fmt::Debug>(result: &Result<T, SpoolError>) -> Option<Errno> {
    match result {
        Err(SpoolError::Io { source, .. }) => Errno::from_io_error(source),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_draft_whose_sync_failed_is_written_anew() {
    let mut rig = Rig::new();
    let artifact = id(RUN, "a");
    rig.disk.fail(fault("sync_data", "a.tmp", Errno::IO));
    assert_eq!(errno(&write(&mut rig.spool, &artifact)), Some(Errno::IO));
    assert!(!rig.root().join(RUN).join("a.tmp").exists());
    rig.keep(std::slice::from_ref(&artifact));
    let created = |op: &Op| matches!(op, Op::Create(_, path) if path.ends_with("a.tmp"));
    assert_eq!(rig.disk.count(created), 2, "not the same file");
    assert_eq!(read(&rig.spool, &artifact).unwrap(), bytes(&artifact));
}

#[test]
fn a_journal_whose_sync_failed_is_replaced() {
    let mut rig = Rig::new();
    let artifacts = ["a", "b", "c"].map(|file| id(RUN, file));
    rig.keep(&artifacts[..1]);
    let written = write(&mut rig.spool, &artifacts[1]).unwrap();
    rig.disk.fail(fault("sync_data", "journal", Errno::IO));
    let syncs = |rig: &Rig| rig.disk.ops().len();
    assert_eq!(errno(&rig.spool.commit(vec![written], NOW)), Some(Errno::IO));
    assert!(rig.path(&artifacts[1]).exists(), "its record may be on disk");
    let before = syncs(&rig);
    rig.keep(&artifacts[2..]);
    let ops = rig.disk.ops();
    let new = |op: &Op| matches!(op, Op::Create(_, path) if path.ends_with("journal.new"));
    let made = ops[before..].iter().position(new).unwrap();
    let Op::Create(journal, _) = ops[before + made] else { panic!() };
    let synced = |op: &Op| matches!(op, Op::Sync(file) if *file == journal);
    assert_eq!(ops.iter().filter(|op| synced(op)).count(), 2, "made, and appended to");
    assert!(!rig.path(&artifacts[1]).exists(), "now it is not");
    let (mut rig, recovery) = rig.reopen();
    assert!(recovery.adopted.is_empty() && !recovery.is_alarming(), "{recovery:?}");
    assert_eq!(rig.pending(), [artifacts[0].clone(), artifacts[2].clone()]);
    rig.keep(&artifacts[1..2]);
}

#[test]
fn half_a_frame_is_taken_back() {
    let mut rig = Rig::new();
    let artifacts = ["a", "b"].map(|file| id(RUN, file));
    rig.keep(&artifacts[..1]);
    let journal = fs::read(rig.root().join("journal")).unwrap();
    rig.disk.fail(fault("write", "journal", Errno::IO));
    let refused = rig.spool.change(vec![(artifacts[0].clone(), delivered())], NOW);
    assert_eq!(errno(&refused), Some(Errno::IO));
    assert_eq!(fs::read(rig.root().join("journal")).unwrap(), journal);
    assert_eq!(rig.pending(), artifacts[..1]);
    // Where it cannot be taken back, the journal is replaced.
    rig.disk.fail(fault("write", "journal", Errno::IO));
    rig.disk.fail(fault("truncate", "journal", Errno::IO));
    rig.spool.change(vec![(artifacts[0].clone(), delivered())], NOW).unwrap_err();
    rig.keep(&artifacts[1..]);
    let (rig, recovery) = rig.reopen();
    assert_eq!(recovery.journal, JournalFate::Sound);
    assert_eq!(rig.pending(), artifacts);
}

#[test]
fn short_writes_are_gone_on_with() {
    let mut rig = Rig::new();
    rig.disk.short_writes(7);
    let artifact = id(RUN, "a");
    rig.keep(std::slice::from_ref(&artifact));
    let (rig, recovery) = rig.reopen();
    assert_eq!(recovery.journal, JournalFate::Sound);
    assert_eq!(read(&rig.spool, &artifact).unwrap(), bytes(&artifact));
    assert_eq!(rig.spool.used(), (bytes(&artifact).len() as u64, 2));
}

#[test]
fn a_read_only_disk_changes_nothing() {
    let mut rig = Rig::new();
    let artifacts = ["a", "b"].map(|file| id(RUN, file));
    rig.keep(&artifacts[..1]);
    rig.deliver(&artifacts[..1]);
    let mut draft = rig.spool.draft(artifacts[1].clone()).unwrap();
    draft.write_all(b"x").unwrap();
    for call in ["make_dir", "create", "write", "rename", "remove", "sync_data", "truncate"] {
        rig.disk.fail(Fault { times: usize::MAX, ..fault(call, "", Errno::ROFS) });
    }
    assert!(draft.write_all(b"y").is_err());
    assert_eq!(errno(&draft.finish(1, [0; 32])), Some(Errno::ROFS));
    assert_eq!(errno(&rig.spool.draft(id(RUN, "c"))), Some(Errno::ROFS));
    assert_eq!(errno(&rig.spool.delete(&artifacts[..1], later())), Some(Errno::ROFS));
    assert_eq!(read(&rig.spool, &artifacts[0]).unwrap(), bytes(&artifacts[0]));
    let Rig { directory, disk, spool } = rig;
    drop(spool);
    assert_eq!(errno(&open(directory.path(), &disk, settings())), Some(Errno::ROFS));
    disk.heal();
    let (spool, recovery) = open(directory.path(), &disk, settings()).unwrap();
    assert!(!recovery.is_alarming(), "{recovery:?}");
    assert_eq!(read(&spool, &artifacts[0]).unwrap(), bytes(&artifacts[0]));
}

#[test]
fn a_deletion_that_failed_stays_due() {
    for (call, path) in [("remove", "/a"), ("sync_dir", RUN)] {
        let mut rig = Rig::new();
        let artifacts = ["a", "b"].map(|file| id(RUN, file));
        rig.keep(&artifacts);
        rig.deliver(&artifacts);
        rig.disk.fail(fault(call, path, Errno::IO));
        assert_eq!(errno(&rig.spool.delete(&artifacts, later())), Some(Errno::IO), "{call}");
        assert_eq!(rig.pending(), []);
        assert_eq!(rig.delete_due(), artifacts, "{call}");
        assert_eq!(rig.spool.used(), (0, 1), "{call}");
    }
}

/// One failure of each call in turn, wherever it falls in a life; then the power goes at every
/// moment, also of what came after.
#[test]
fn a_failure_anywhere_and_then_power_loss() {
    let calls = ["make_dir", "create", "write", "sync_data", "rename", "remove", "sync_dir"];
    for (call, path) in calls.iter().flat_map(|call| [(*call, "journal"), (*call, RUN)]) {
        for skipped in 0..3 {
            let mut rig = Rig::new();
            let artifacts = ["a", "b", "c"].map(|file| id(RUN, file));
            for (number, artifact) in artifacts.iter().enumerate() {
                if number == skipped {
                    rig.disk.fail(fault(call, path, Errno::IO));
                }
                let own = std::slice::from_ref(artifact);
                let kept = marked(&rig.disk, own, Outcome::Pending, || {
                    let written = write(&mut rig.spool, artifact)?;
                    rig.spool.commit(vec![written], NOW)
                });
                if kept.is_none() {
                    continue;
                }
                let change = vec![(artifact.clone(), delivered())];
                let done =
                    marked(&rig.disk, own, Outcome::Delivered, || rig.spool.change(change, NOW));
                if done.is_some() && number < 2 {
                    marked(&rig.disk, own, Outcome::Absent, || rig.spool.delete(own, later()));
                }
            }
            let Rig { directory, disk, spool } = rig;
            drop(spool);
            disk.heal();
            let (_spool, recovery) = open(directory.path(), &disk, settings()).unwrap();
            assert!(!recovery.is_alarming(), "{call} {path}: {recovery:?}");
            at_every_moment(directory.path(), &disk, 1);
            let mut oracle = Oracle::default();
            disk.ops().iter().for_each(|op| oracle.see(op));
            drop(_spool);
            oracle.check(directory.path());
        }
    }
}
