//! A journal that is not what was written: each byte flipped, cut at each length, frames repeated,
//! dropped and swapped. Every artifact is there afterwards, byte for byte, whatever is forgotten.

use std::fs;
use std::ops::Range;

use karakuri_spool::{ArtifactId, JournalFate, MANIFEST, Recovery, Spool, SpoolError};

use crate::oracle::drain;
use crate::rig::{Rig, bytes, directory, id, open, open_local, read, settings};

const RUN: &str = "20261121T101112-0badcafe";
const HEADER: usize = 16;

/// A spool's files, to be laid out with another journal.
struct Specimen {
    rig: Rig,
    artifacts: Vec<ArtifactId>,
    journal: Vec<u8>,
    frames: Vec<Range<usize>>,
}

impl Specimen {
    /// Two artifacts and a manifest that wait, one that is delivered, one that is gone.
    fn new() -> Self {
        let mut rig = Rig::new();
        let all: Vec<_> = ["1", "2", "3", "4", MANIFEST].iter().map(|file| id(RUN, file)).collect();
        rig.keep(&all[..2]);
        rig.deliver(&all[..1]);
        rig.delete_due();
        rig.keep(&all[2..4]);
        rig.deliver(&all[1..2]);
        rig.keep(&all[4..]);
        let journal = fs::read(rig.root().join("journal")).unwrap();
        let mut frames = Vec::new();
        let mut at = HEADER;
        while at < journal.len() {
            let length = u32::from_le_bytes(journal[at..at + 4].try_into().unwrap());
            let end = at + 16 + usize::try_from(length).unwrap();
            frames.push(at..end);
            at = end;
        }
        assert_eq!((frames.len(), at), (6, journal.len()));
        Self { rig, artifacts: all[1..].to_vec(), journal, frames }
    }

    /// Opens a copy with this journal: all artifacts must be there.
    fn open(&self, journal: &[u8]) -> (Spool, Recovery, tempfile::TempDir) {
        let directory = directory();
        let run = directory.path().join(RUN);
        fs::create_dir(&run).unwrap();
        for artifact in &self.artifacts {
            fs::copy(self.rig.path(artifact), run.join(artifact.file())).unwrap();
        }
        fs::write(directory.path().join("journal"), journal).unwrap();
        let (spool, recovery) = open_local(directory.path());
        for artifact in &self.artifacts {
            assert_eq!(read(&spool, artifact).unwrap(), bytes(artifact));
        }
        assert_eq!(spool.artifacts().count(), self.artifacts.len() + recovery.lost.len());
        (spool, recovery, directory)
    }

    fn is_set_aside(&self, journal: &[u8]) {
        let (spool, recovery, directory) = self.open(journal);
        let aside = directory.path().join("journal.damaged-1");
        assert_eq!(recovery.journal, JournalFate::Damaged);
        assert_eq!(recovery.set_aside, std::slice::from_ref(&aside));
        assert_eq!(recovery.adopted, self.artifacts);
        assert!(recovery.is_alarming());
        assert_eq!(fs::read(aside).unwrap(), journal);
        drop(spool);
        let (mut spool, recovery) = open_local(directory.path());
        assert!(recovery.is_alarming(), "until someone took it away");
        assert_eq!(recovery.journal, JournalFate::Sound);
        assert_eq!(drain(&mut spool), self.artifacts, "all are delivered again, the manifest last");
    }

    fn is_cut(&self, journal: &[u8], whole: usize) {
        let (mut spool, recovery, _directory) = self.open(journal);
        let bytes = journal.len() - self.frames.get(whole).map_or(HEADER, |frame| frame.start);
        let fate = if bytes == 0 { JournalFate::Sound } else { JournalFate::Cut { bytes } };
        assert_eq!(recovery.journal, fate);
        assert!(recovery.set_aside.is_empty(), "{recovery:?}");
        // That the first one went is not known before its deletion is, and then it is missed.
        let gone = id(RUN, "1");
        let missed = (1..3).contains(&whole).then_some(gone);
        assert_eq!(recovery.lost, missed.into_iter().collect::<Vec<_>>());
        recovery.lost.iter().for_each(|id| spool.write_off(id).unwrap());
        assert!(drain(&mut spool).contains(&id(RUN, MANIFEST)));
        assert_eq!(spool.artifacts().count(), 0);
    }
}

#[test]
fn each_byte_flipped() {
    let specimen = Specimen::new();
    let last = specimen.frames.last().unwrap().clone();
    for at in 0..specimen.journal.len() {
        for bit in [0, 7] {
            let mut journal = specimen.journal.clone();
            journal[at] ^= 1 << bit;
            if last.contains(&at) {
                specimen.is_cut(&journal, specimen.frames.len() - 1);
            } else {
                specimen.is_set_aside(&journal);
            }
        }
    }
}

#[test]
fn cut_at_each_length() {
    let specimen = Specimen::new();
    for length in 0..specimen.journal.len() {
        let journal = &specimen.journal[..length];
        if length < HEADER {
            specimen.is_set_aside(journal);
        } else {
            let whole = specimen.frames.iter().filter(|frame| frame.end <= length).count();
            specimen.is_cut(journal, whole);
        }
    }
}

#[test]
fn frames_repeated_dropped_and_swapped() {
    let specimen = Specimen::new();
    let frames: Vec<_> =
        specimen.frames.iter().map(|frame| specimen.journal[frame.clone()].to_vec()).collect();
    let joined = |frames: &[Vec<u8>]| [&specimen.journal[..HEADER], &frames.concat()].concat();
    assert_eq!(joined(&frames), specimen.journal);
    for one in 0..frames.len() {
        let mut repeated = frames.clone();
        repeated.insert(one, frames[one].clone());
        specimen.is_set_aside(&joined(&repeated));
        repeated.push(frames[one].clone());
        specimen.is_set_aside(&joined(&repeated));
        if one + 1 < frames.len() {
            let mut dropped = frames.clone();
            dropped.remove(one);
            specimen.is_set_aside(&joined(&dropped));
        }
        for other in 0..one {
            let mut swapped = frames.clone();
            swapped.swap(one, other);
            specimen.is_set_aside(&joined(&swapped));
        }
    }
}

#[test]
fn what_follows_the_last_frame_is_cut_off() {
    let specimen = Specimen::new();
    for length in [1, 16, 17, 4096] {
        let journal = [&specimen.journal[..], &vec![0; length]].concat();
        let (spool, recovery, _directory) = specimen.open(&journal);
        assert_eq!(recovery.journal, JournalFate::Cut { bytes: length });
        assert!(recovery.adopted.is_empty() && recovery.lost.is_empty(), "{recovery:?}");
        assert_eq!(spool.pending().count(), 2);
    }
}

#[test]
fn a_journal_that_is_gone_is_told() {
    let specimen = Specimen::new();
    let (rig, artifacts) = (specimen.rig, specimen.artifacts);
    fs::remove_file(rig.root().join("journal")).unwrap();
    let (_rig, recovery) = rig.reopen();
    assert_eq!((recovery.journal, recovery.adopted.clone()), (JournalFate::Missing, artifacts));
    assert!(recovery.is_alarming());
}

#[test]
fn a_second_damaged_journal_does_not_replace_the_first() {
    let specimen = Specimen::new();
    let mut rig = specimen.rig;
    for number in 1..=3 {
        fs::write(rig.root().join("journal"), number.to_string()).unwrap();
        let recovery;
        (rig, recovery) = rig.reopen();
        assert_eq!(recovery.set_aside.len(), number);
    }
    for number in 1..=3 {
        let path = rig.root().join(format!("journal.damaged-{number}"));
        assert_eq!(fs::read_to_string(path).unwrap(), number.to_string());
    }
}

#[test]
fn a_newer_version_is_left_alone() {
    let specimen = Specimen::new();
    let mut journal = specimen.journal.clone();
    journal[8] = 2;
    let crc = crc32c::crc32c(&journal[..12]);
    journal[12..HEADER].copy_from_slice(&crc.to_le_bytes());
    let Rig { directory, disk, spool } = specimen.rig;
    drop(spool);
    let path = directory.path().join("journal");
    fs::write(&path, &journal).unwrap();
    let refused = open(directory.path(), &disk, settings());
    assert!(matches!(refused, Err(SpoolError::Version { found: 2, .. })), "{refused:?}");
    assert_eq!(fs::read(path).unwrap(), journal);
}
