//! What the script and the applications leave in `/work` and `/files`, as artifacts: one file while
//! the script runs (`attach`), the paths named in the manifest when everything is dead.

use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use karakuri_protocol::script::Level;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_sandbox::collect::{self, Caps, Refusal, Refused, Taken};
use karakuri_seal::Class;
use tokio::time::{Instant, sleep};

use super::Record;
use crate::end::End;
use crate::evidence::Sealed;
use crate::timeline::What;
use crate::walls::Ground;

/// An application may write its file when the dialog that asked for the name is gone already: so long it is
/// waited for.
const WRITTEN: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);

/// Takes the one file the script calls `path`, waiting a moment for it to be there.
pub(super) async fn one(ground: &Ground, path: &str) -> Result<Taken, String> {
    let shown = Untrusted::new(path).escaped(120);
    let (area, name) = beneath(ground, path).filter(|(_, name)| *name != ".").ok_or_else(|| {
        format!("{shown:?} is not below /files or /work; give an absolute path there")
    })?;
    let until = Instant::now() + WRITTEN;
    let (mut waited, mut last) = (false, None);
    loop {
        let taken = collect::file(area, name, &Caps::AREA);
        let is_early = match &taken {
            Err(Refusal::Open(e)) => e.kind() == ErrorKind::NotFound,
            Err(_) => false,
            // One that has just come may still be written.
            Ok(taken) => waited && (taken.bytes.is_empty() || last != Some(taken.bytes.len())),
        };
        if !is_early || Instant::now() > until {
            return taken.map_err(|e| format!("{shown:?} {e}"));
        }
        (waited, last) = (true, taken.ok().map(|taken| taken.bytes.len()));
        sleep(LOOK).await;
    }
}

/// Takes and seals everything at `paths`. What is refused is named in the report and the outcome.
///
/// # Errors
/// When sealing fails.
pub fn rest(record: &Record, ground: &Ground, paths: &[String]) -> Result<(), End> {
    for path in paths {
        let Some((area, name)) = beneath(ground, path) else { continue };
        let root = path.split('/').nth(1).unwrap_or_default();
        let refused = collect::tree(area, name, &Caps::AREA, |taken| {
            let name = record.file_name(&format!("{root}/{}", taken.path)).escaped(200);
            seal(record, &name, &taken).map(drop)
        })?;
        for Refused { path, why } in refused {
            let why = match why {
                Refusal::Open(e) if e.kind() == ErrorKind::NotFound => "is not there".to_owned(),
                other => other.to_string(),
            };
            let text = format!("/{root}/{path} was not collected: it {why}");
            record.not_collected.borrow_mut().push(text.clone());
            record.push(What::Line { level: Level::Warning, text: text.into() });
        }
    }
    Ok(())
}

/// Seals what was taken.
pub(super) fn seal(record: &Record, name: &str, taken: &Taken) -> Result<Sealed, End> {
    record.seal(Class::Output, name, "application/octet-stream", taken.bytes.as_slice())
}

/// The area a path of the script lies in, and the path there.
fn beneath<'a>(ground: &'a Ground, path: &'a str) -> Option<(BorrowedFd<'a>, &'a str)> {
    let (area, name) = path.strip_prefix('/')?.split_once('/').unwrap_or((path.get(1..)?, "."));
    match area {
        "work" => Some((ground.work.as_fd(), name)),
        "files" => Some((ground.files.as_fd(), name)),
        _ => None,
    }
}
