//! Back-pressure: high mark, low mark, the quota itself, and the reserve.

use std::io::{ErrorKind, Write};

use karakuri_spool::{ArtifactId, Full, Limit, MANIFEST, Quota, Settings, SpoolError};
use rustix::io::Errno;

use crate::disk::{Fault, Op};
use crate::rig::{NOW, Rig, id, settings, sha256, write};

const RUN: &str = "20261121T101112-0badcafe";

fn small(bytes: u64, files: u64) -> Settings {
    let quota = Quota { bytes, files, high_percent: 80, low_percent: 50 };
    Settings { quota, ..settings() }
}

/// Keeps an artifact of so many bytes.
fn keep(rig: &mut Rig, file: &str, length: usize) -> Result<ArtifactId, SpoolError> {
    let artifact = id(RUN, file);
    let bytes = vec![7; length];
    let mut draft = rig.spool.draft(artifact.clone())?;
    if draft.write_all(&bytes).is_err() {
        return Err(draft.into_failure().unwrap());
    }
    let written = draft.finish(length as u64, sha256(&bytes))?;
    rig.spool.commit(vec![written], NOW)?;
    Ok(artifact)
}

fn limit<T: std::fmt::Debug>(result: &Result<T, SpoolError>) -> Limit {
    match result {
        Err(SpoolError::Full(Full { limit, .. })) => *limit,
        other => panic!("{other:?}"),
    }
}

#[test]
fn above_the_high_mark_until_below_the_low_one() {
    let mut rig = Rig::with(small(1000, 100));
    let kept: Vec<_> = (0..4).map(|n| keep(&mut rig, &format!("{n}"), 200).unwrap()).collect();
    let refused = keep(&mut rig, "more", 1);
    assert_eq!(limit(&refused), Limit::Bytes);
    let Err(SpoolError::Full(full)) = refused else { panic!() };
    assert_eq!((full.bytes, full.files), (800, 5));
    for (deleted, admitted) in [(0, false), (1, true), (2, true)] {
        rig.deliver(&kept[deleted..=deleted]);
        rig.delete_due();
        assert_eq!(keep(&mut rig, &format!("after-{deleted}"), 1).is_ok(), admitted, "{deleted}");
    }
    assert_eq!(rig.spool.used(), (202, 4));
}

#[test]
fn what_ends_a_run_has_room_above_the_high_mark() {
    let mut rig = Rig::with(small(1_000_000, 10));
    for n in 0..7 {
        keep(&mut rig, &format!("{n}"), 1).unwrap();
    }
    assert_eq!(limit(&rig.spool.draft(id(RUN, "more"))), Limit::Files);
    let last = ["log", "report"].map(|file| rig.spool.draft_last(id(RUN, file)).unwrap());
    assert_eq!(rig.spool.used(), (7, 10));
    assert_eq!(limit(&rig.spool.draft_last(id(RUN, "and-more"))), Limit::Files);
    drop(last);
}

#[test]
fn files_and_directories_count() {
    let mut rig = Rig::with(small(1_000_000, 10));
    for n in 0..7 {
        keep(&mut rig, &format!("{n}"), 1).unwrap();
    }
    assert_eq!(rig.spool.used(), (7, 8));
    assert_eq!(limit(&keep(&mut rig, "more", 1)), Limit::Files);
}

#[test]
fn drafts_and_manifests_may_go_on_to_the_quota() {
    let mut rig = Rig::with(small(1000, 100));
    let mut draft = rig.spool.draft(id(RUN, "long")).unwrap();
    draft.write_all(&[7; 850]).unwrap();
    assert_eq!(limit(&rig.spool.draft(id(RUN, "more"))), Limit::Bytes);
    keep(&mut rig, MANIFEST, 100).unwrap();
    let refused = draft.write_all(&[7; 51]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::QuotaExceeded);
    assert_eq!(limit(&draft.finish(850, [0; 32])), Limit::Bytes);
    assert_eq!(rig.spool.used(), (100, 2), "what was drafted is given back");
    let mut rig = Rig::with(small(0, 0));
    assert_eq!(limit(&rig.spool.draft(id(RUN, MANIFEST))), Limit::Bytes);
}

#[test]
fn what_is_there_counts_when_it_is_opened() {
    let mut rig = Rig::with(small(1000, 100));
    keep(&mut rig, "a", 300).unwrap();
    let used = rig.spool.used();
    let (rig, _) = rig.reopen();
    assert_eq!(rig.spool.used(), used);
}

#[test]
fn the_reserve_is_for_records_alone() {
    let mut rig = Rig::new();
    let artifacts = ["a", "b"].map(|file| id(RUN, file));
    rig.keep(&artifacts);
    let reserve = rig.root().join("reserve");
    let full = |call, path, times| Fault { call, path, errno: Errno::NOSPC.raw_os_error(), times };
    let mut begun = rig.spool.draft(id(RUN, "begun")).unwrap();
    rig.disk.fail(full("write", "journal", 1));
    rig.disk.fail(full("allocate", "reserve", usize::MAX));
    rig.deliver(&artifacts[..1]);
    assert!(!reserve.exists(), "its space went to the journal");
    assert_eq!(limit(&rig.spool.draft(id(RUN, "c"))), Limit::Disk);
    begun.write_all(b"more").unwrap_err();
    assert_eq!(limit(&begun.finish(0, [0; 32])), Limit::Disk);
    rig.disk.fail(full("write", "journal", 1));
    let refused = rig.spool.change(vec![(artifacts[1].clone(), crate::rig::delivered())], NOW);
    assert!(refused.unwrap_err().is_full(), "there is nothing left to free");
    rig.deliver(&artifacts[1..]);
    rig.disk.heal();
    rig.delete_due();
    assert!(reserve.exists(), "there is room for it again");
    write(&mut rig.spool, &id(RUN, "c")).unwrap();
    assert!(rig.spool.release_reserve().unwrap());
    assert!(!rig.spool.release_reserve().unwrap());
    write(&mut rig.spool, &id(RUN, "d")).unwrap();
    assert!(reserve.exists(), "taken in again as there is room");
    assert_eq!(rig.disk.count(|op| matches!(op, Op::Allocate(_, 4096))), 3);
}

#[test]
fn opening_may_use_the_reserve() {
    let mut rig = Rig::new();
    let artifact = id(RUN, "a");
    rig.keep(std::slice::from_ref(&artifact));
    let full = |call, path, times| Fault { call, path, errno: Errno::NOSPC.raw_os_error(), times };
    rig.disk.fail(full("write", "journal.new", 1));
    rig.disk.fail(full("allocate", "reserve", usize::MAX));
    let (mut rig, _) = rig.reopen();
    assert_eq!(rig.pending(), [artifact]);
    assert_eq!(limit(&rig.spool.draft(id(RUN, "b"))), Limit::Disk);
}
