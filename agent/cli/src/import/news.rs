//! The news of a run as it lies on the disk, below `events/`. No manifest lists it and nobody signed it, so it
//! proves nothing: what is taken are regular files of moderate size whose messages say that they are events of
//! this run of this site. Whether they are is seen by who has the key (`karakuri artifacts events`).

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use karakuri_seal::manifest::Manifest;
use karakuri_seal::{Class, Context, describe};
use rustix::fs::OFlags;

use super::Fault;
use super::copy::{create, is_there, place};
use crate::error::{CliError, at};

/// Where news is in a store.
const EVENTS: &str = "events";
/// The longest event: a line of JSON, and the data key wrapped for several keys.
const MAX_EVENT: u64 = 64 * 1024;
/// The most events of a run; a run tells of 500 steps at most.
const MAX_EVENTS: usize = 4096;

/// The news of one run.
#[derive(Debug, Default)]
pub(super) struct News {
    /// The directory of the run's news in a store.
    place: PathBuf,
    /// Names and bytes of the events.
    events: Vec<(String, Vec<u8>)>,
    /// Files that are no event of the run.
    pub(super) foreign: Vec<PathBuf>,
}

impl News {
    /// Reads what is there of a run whose manifest is verified. A link, a pipe or a device is a fault.
    pub(super) fn read(disk: &Path, day: &str, manifest: &Manifest) -> Result<Self, Fault> {
        let place = Path::new(EVENTS).join(day).join(&manifest.run);
        let mut news = Self { place, ..Self::default() };
        let mut directory = disk.to_owned();
        for part in &news.place {
            directory.push(part);
            if !is_directory(&directory)? {
                return Ok(news);
            }
        }
        let paths = files(&directory)?;
        if paths.len() > MAX_EVENTS {
            let fault = format!("holds {} files; no run has so many events", paths.len());
            return Err(Fault::new(&directory, fault));
        }
        let Manifest { tenant, site, run, .. } = manifest;
        let (tenant, site, run) = (tenant.clone(), site.clone(), run.clone());
        let own = Context { tenant, site, run, class: Class::Event };
        for path in paths {
            match event(&path, &own)? {
                Some(event) => news.events.push(event),
                None => news.foreign.push(path),
            }
        }
        Ok(news)
    }

    /// Files of the store that are in the way and not the same.
    pub(super) fn conflicts(&self, store: &Path) -> Result<Vec<Fault>, CliError> {
        let mut found = Vec::new();
        for (name, bytes) in &self.events {
            let path = store.join(&self.place).join(name);
            if is_there(&path)? && fs::read(&path).map_err(at(&path))? != *bytes {
                let fault = "is another file than the one to be imported; it was left";
                found.push(Fault::new(&path, fault));
            }
        }
        Ok(found)
    }

    /// Copies what is not there; how many files.
    pub(super) fn copy(&self, store: &Path) -> Result<usize, CliError> {
        let mut copied = 0;
        for (name, bytes) in &self.events {
            let to = store.join(&self.place).join(name);
            if !is_there(&to)? {
                let (mut file, temporary) = create(&to)?;
                file.write_all(bytes).map_err(at(&temporary))?;
                place(&file, &temporary, &to)?;
                copied += 1;
            }
        }
        Ok(copied)
    }
}

/// Whether there is a directory; anything else in its place is a fault.
fn is_directory(path: &Path) -> Result<bool, Fault> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(Fault::new(path, "is not a directory")),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Fault::new(path, e.to_string())),
    }
}

/// The files of a directory, by their names; anything but a file is a fault.
fn files(directory: &Path) -> Result<Vec<PathBuf>, Fault> {
    let failed = |e: std::io::Error| Fault::new(directory, e.to_string());
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_type().map_err(failed)?.is_file() {
            return Err(Fault::new(&entry.path(), "is not a regular file"));
        }
        all.push(entry.path());
    }
    all.sort();
    Ok(all)
}

/// Name and bytes of an event; nothing where the file is none of this run.
fn event(path: &Path, own: &Context) -> Result<Option<(String, Vec<u8>)>, Fault> {
    let failed = |e: std::io::Error| Fault::new(path, e.to_string());
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_plain = |stem: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=32).contains(&stem.len()) && stem.bytes().all(plain)
    };
    if !name.strip_suffix(".esdk").is_some_and(is_plain) {
        return Ok(None);
    }
    // What was a file may be a link or a pipe by now.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_EVENT + 1).read_to_end(&mut bytes).map_err(failed)?;
    let is_short = u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_EVENT);
    let is_own = is_short && describe(&bytes[..]).is_ok_and(|found| found.context == *own);
    Ok(is_own.then_some((name, bytes)))
}
