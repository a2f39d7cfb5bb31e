//! The writer: what it puts on disk, how it goes on after a stop, and whom it keeps out.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use karakuri_audit::{
    Actor, AuditError, Class, Entry, Event, FILE_NAME, IntoEntry, Log, Redacted, Selector, Sha256,
    is_whole, verify,
};
use karakuri_protocol::untrusted::Untrusted;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::tempdir;

use crate::fixture::{act, records};

#[test]
fn a_record_says_what_happened_and_nothing_private() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    let mut log = Log::open(directory.path()).unwrap();
    let recorded = log.append(act(7)).unwrap();
    assert_eq!(recorded.intent(), &act(7));

    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(recorded.head().hash, Sha256::of(text.trim_end_matches('\n').as_bytes()));
    assert!(!text.contains("1,200,000"), "{text}");
    let record = records(&path).remove(0);
    assert_eq!((record.seq, record.prev, record.class), (0, Sha256::ZERO, Class::Activity));
    assert_eq!(record.run.as_deref(), Some("20261121-101112-0badcafe"));
    assert_eq!((record.actor.as_str(), record.event.as_str()), ("script", "act.intended"));
    assert_eq!(record.event(), Some(act(7).event));
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert_eq!(record.boot, boot.trim_end());
    assert_eq!(record.wall.len(), "2026-11-21T10:11:12.345Z".len());
    assert!(record.wall.ends_with('Z') && record.mono_ns > 0);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn security_events_are_a_class_of_their_own() {
    let directory = tempdir().unwrap();
    let mut log = Log::open(directory.path()).unwrap();
    let event = Event::CapabilityDenied { call: 3, capability: "clipboard".to_owned() };
    log.append(Entry { run: None, actor: Actor::Daemon, event }).unwrap();
    log.append(act(4)).unwrap();
    let path = directory.path().join(FILE_NAME);
    let records = records(&path);
    assert_eq!((records[0].class, records[1].class), (Class::Security, Class::Activity));
    assert!(records[0].event.starts_with("security."), "{}", records[0].event);
    assert_eq!(verify(&path).unwrap().security_events, 1);
}

#[test]
fn the_recorded_intent_is_handed_on() {
    struct Click(u32);
    impl IntoEntry for Click {
        fn entry(&self) -> Entry {
            act(self.0)
        }
    }
    let directory = tempdir().unwrap();
    let mut log = Log::open(directory.path()).unwrap();
    let Click(call) = log.append(Click(5)).unwrap().into_inner();
    assert_eq!(call, 5);
}

#[test]
fn reopening_goes_on_with_the_chain() {
    let directory = tempdir().unwrap();
    for call in 0..4 {
        let mut log = Log::open(directory.path()).unwrap();
        assert_eq!(log.head().map(|head| head.seq), u64::from(call).checked_sub(1));
        log.append(act(call)).unwrap();
    }
    let report = verify(&directory.path().join(FILE_NAME)).unwrap();
    assert!(report.is_intact(), "{report:?}");
    assert_eq!((report.records, report.head.unwrap().seq), (4, 3));
    assert_eq!((report.notes.len(), report.unknown_events), (0, 0));
}

#[test]
fn an_open_log_needs_no_path_any_more() {
    let directory = tempdir().unwrap();
    let (before, after) = (directory.path().join("before"), directory.path().join("after"));
    fs::create_dir(&before).unwrap();
    let mut log = Log::open(&before).unwrap();
    fs::rename(&before, &after).unwrap();
    log.append(act(0)).unwrap();
    assert_eq!(verify(&after.join(FILE_NAME)).unwrap().records, 1);
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let directory = tempdir().unwrap();
    let first = Log::open(directory.path()).unwrap();
    let refused = Log::open(directory.path()).unwrap_err();
    assert!(
        matches!(&refused, AuditError::InUse { path } if *path == directory.path().join(FILE_NAME)),
        "{refused}"
    );
    drop(first);
    Log::open(directory.path()).unwrap();
}

#[test]
fn a_torn_line_is_cut_off_and_that_is_recorded() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    for call in 0..3 {
        Log::open(directory.path()).unwrap().append(act(call)).unwrap();
    }
    let whole = fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|&b| b == b'\n').unwrap() + 1;
    for cut in [last + 1, last + 100, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        drop(Log::open(directory.path()).unwrap());
        let records = records(&path);
        let torn = &whole[last..cut];
        let event = Event::LogRepaired { cut: Redacted::of_bytes(torn) };
        assert_eq!(records.len(), 3);
        assert_eq!(records[2].event(), Some(event), "cut at {cut}");
        assert!(verify(&path).unwrap().is_intact());
    }
}

#[test]
fn a_log_of_nothing_but_a_torn_line_begins_anew() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    fs::write(&path, "{\"actor").unwrap();
    drop(Log::open(directory.path()).unwrap());
    assert_eq!(records(&path)[0].event, "log.repaired");
    assert!(verify(&path).unwrap().is_intact());
}

#[test]
fn a_log_with_a_damaged_end_is_not_continued() {
    let directory = tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    for call in 0..3 {
        Log::open(directory.path()).unwrap().append(act(call)).unwrap();
    }
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = whole.lines().collect();
    let torn_but_too_long = format!("{whole}{}", "x".repeat(karakuri_audit::MAX_LINE + 1));
    for damaged in [
        whole.replacen("\"seq\":2", "\"seq\":5", 1),
        whole.replacen("\"call\":1", "\"call\":9", 1),
        format!("{}\n{}\n", lines[0], lines[2]),
        format!("{}\n", lines[1]),
        format!("{whole}\n"),
        format!("{whole}not a record\n"),
        torn_but_too_long,
    ] {
        fs::write(&path, &damaged).unwrap();
        let refused = Log::open(directory.path()).unwrap_err();
        assert!(matches!(refused, AuditError::Damaged { .. }), "{refused}: {damaged}");
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged, "it was changed");
    }
}

#[test]
fn a_missing_directory_is_refused() {
    let directory = tempdir().unwrap();
    let refused = Log::open(&directory.path().join("none")).unwrap_err();
    assert!(matches!(refused, AuditError::Open { .. }), "{refused}");
}

#[test]
fn what_is_no_file_is_neither_waited_for_nor_followed() {
    let beside = tempdir().unwrap();
    drop(Log::open(beside.path()).unwrap().append(act(0)).unwrap());
    let log = beside.path().join(FILE_NAME);
    let pipe = |at: &Path| mknodat(CWD, at, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    type Put<'a> = &'a dyn Fn(&Path);
    let put: [(&str, Put<'_>); 5] = [
        ("a pipe", &pipe),
        ("a directory", &|at| fs::create_dir(at).unwrap()),
        ("a link to a log", &|at| symlink(&log, at).unwrap()),
        ("a link to a device", &|at| symlink("/dev/zero", at).unwrap()),
        ("a socket", &|at| drop(UnixListener::bind(at).unwrap())),
    ];
    for (what, put) in put {
        let directory = tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        put(&path);
        let refused = Log::open(directory.path()).unwrap_err();
        assert!(matches!(refused, AuditError::NotAFile { .. }), "{what}: {refused:?}");
        let unread = verify(&path).unwrap_err();
        assert_eq!(unread.source.kind(), ErrorKind::InvalidInput, "{what}: {unread}");
        let unchecked = is_whole(&path, None).unwrap_err();
        assert_eq!(unchecked.to_string(), "it is no regular file", "{what}");
    }
    assert_eq!(verify(&log).unwrap().records, 1);
}

#[test]
fn a_record_too_long_is_refused_and_the_log_goes_on() {
    let directory = tempdir().unwrap();
    let mut log = Log::open(directory.path()).unwrap();
    let event = Event::RunGranted { permissions: vec!["p".repeat(karakuri_audit::MAX_LINE)] };
    let refused = log.append(Entry { run: None, actor: Actor::Daemon, event }).unwrap_err();
    assert!(matches!(refused, AuditError::TooLong { .. }), "{refused}");
    log.append(act(0)).unwrap();
    let report = verify(&directory.path().join(FILE_NAME)).unwrap();
    assert_eq!((report.records, report.is_intact()), (1, true));
}

#[test]
fn the_longest_lines_are_continued_too() {
    let directory = tempdir().unwrap();
    for _ in 0..3 {
        let mut log = Log::open(directory.path()).unwrap();
        let event = Event::RunGranted { permissions: vec!["p".repeat(65_100)] };
        log.append(Entry { run: None, actor: Actor::Daemon, event }).unwrap();
    }
    let report = verify(&directory.path().join(FILE_NAME)).unwrap();
    assert_eq!((report.records, report.is_intact()), (3, true));
}

#[test]
fn a_selector_cannot_break_a_line_or_grow() {
    let selector = Selector::new(&Untrusted::new("text:\"a\nb\u{202e}\""));
    assert_eq!(selector.as_str(), "text:\"a\\u{a}b\\u{202e}\"");
    let long = Selector::new(&Untrusted::new("x".repeat(1000)));
    assert_eq!(long.as_str().chars().count(), 257);
}
