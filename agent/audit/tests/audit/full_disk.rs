//! A write that fails half way is taken back.

use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

use karakuri_audit::{AuditError, FILE_NAME, Log, verify};
use tempfile::tempdir;

use crate::fixture::act;

const DIRECTORY: &str = "KARAKURI_TEST_LIMITED_DIRECTORY";

/// This test runs itself once more under a file size limit, which cuts a line in half as a full
/// disk would (setrlimit(2), `RLIMIT_FSIZE`), because the limit is one of the whole process.
#[test]
fn the_log_is_as_it_was_and_goes_on() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return fill(Path::new(&directory));
    }
    let directory = tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "full_disk::the_log_is_as_it_was_and_goes_on"])
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let path = directory.path().join(FILE_NAME);
    let before = verify(&path).unwrap();
    assert!(before.is_intact() && before.notes.is_empty(), "{before:?}");
    assert!(before.records > 0);
    Log::open(directory.path()).unwrap().append(act(99)).unwrap();
    assert_eq!(verify(&path).unwrap().records, before.records + 1);
}

fn fill(directory: &Path) {
    let mut log = Log::open(directory).unwrap();
    let mut last = None;
    let refused = loop {
        match log.append(act(0)) {
            Ok(recorded) => last = Some(recorded.head()),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(&refused, AuditError::Write(e) if e.kind() == io::ErrorKind::FileTooLarge),
        "{refused:?}"
    );
    assert_eq!(log.head(), last);
    let bytes = fs::read(directory.join(FILE_NAME)).unwrap();
    assert_eq!(bytes.last(), Some(&b'\n'), "half a line was left");
    assert!(matches!(log.append(act(0)), Err(AuditError::Write(_))), "the log was given up");
}
