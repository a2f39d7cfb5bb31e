//! From the disk into the store: each file under another name, synchronised, then renamed; documents
//! after messages, the manifest last.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use karakuri_audit::open_regular;
use karakuri_seal::Summary;
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

use super::Fault;
use super::exported::Exported;
use crate::error::{CliError, at};
use crate::kept::{fault, read};

/// What came of copying.
#[derive(Debug)]
pub(super) enum Placed {
    /// Everything is there; so many files were not before.
    All(usize),
    /// The disk did not yield again what it yielded before.
    Faulty(Fault),
}

/// Files of the store that are in the way and not the same.
pub(super) fn conflicts(exported: &Exported, to: &Path) -> Result<Vec<Fault>, CliError> {
    let mut found = Vec::new();
    let mut differs = |path: &Path| {
        found.push(Fault::new(path, "is another file than the one to be imported; it was left"));
    };
    for (path, signed) in &exported.messages {
        let path = to.join(path);
        if is_there(&path)? && fault(&path, signed)?.is_some() {
            differs(&path);
        }
    }
    for (path, bytes) in &exported.documents {
        let path = to.join(path);
        if is_there(&path)? && read(&path)? != *bytes {
            differs(&path);
        }
    }
    Ok(found)
}

/// Copies what is not there.
pub(super) fn all(exported: &Exported, to: &Path) -> Result<Placed, CliError> {
    let mut copied = 0;
    for (path, signed) in &exported.messages {
        let (from, to) = (exported.directory.join(path), to.join(path));
        if is_there(&to)? {
            continue;
        }
        match read_into(&from, &to, signed)? {
            Some(fault) => return Ok(Placed::Faulty(fault)),
            None => copied += 1,
        }
    }
    for (path, bytes) in &exported.documents {
        let to = to.join(path);
        if !is_there(&to)? {
            let (mut file, temporary) = create(&to)?;
            file.write_all(bytes).map_err(at(&temporary))?;
            place(&file, &temporary, &to)?;
            copied += 1;
        }
    }
    Ok(Placed::All(copied))
}

pub(super) fn is_there(path: &Path) -> Result<bool, CliError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(at(path)(e)),
    }
}

/// Copies one message; what is wrong with it if it is not the one that was signed.
fn read_into(from: &Path, to: &Path, signed: &Summary) -> Result<Option<Fault>, CliError> {
    // What was a file may be a link or a pipe by now.
    let source = open_regular(from);
    let (mut file, temporary) = create(to)?;
    let copy = || -> Result<bool, Trouble> {
        let mut source = source.map_err(Trouble::Disk)?.take(signed.message_length + 1);
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let count = source.read(&mut buffer).map_err(Trouble::Disk)?;
            if count == 0 {
                break;
            }
            digest.update(&buffer[..count]);
            file.write_all(&buffer[..count]).map_err(Trouble::Store)?;
        }
        Ok(digest.finalize()[..] == signed.message_sha256.as_bytes()[..])
    };
    let fault = match copy() {
        Ok(true) => {
            place(&file, &temporary, to)?;
            return Ok(None);
        }
        Ok(false) => "changed while it was copied".to_owned(),
        Err(Trouble::Disk(e)) => e.to_string(),
        Err(Trouble::Store(e)) => return Err(at(&temporary)(e)),
    };
    fs::remove_file(&temporary).map_err(at(&temporary))?;
    Ok(Some(Fault::new(from, fault)))
}

/// On which side reading and writing failed.
enum Trouble {
    Disk(std::io::Error),
    Store(std::io::Error),
}

/// A new file beside `to`; what an interrupted import left of it is written anew.
pub(super) fn create(to: &Path) -> Result<(File, PathBuf), CliError> {
    let directory = to.parent().unwrap_or(to);
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(at(directory))?;
    let mut temporary = to.as_os_str().to_owned();
    temporary.push(".part");
    let temporary = PathBuf::from(temporary);
    let mut options = OpenOptions::new();
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(flags);
    let file = options.open(&temporary).map_err(at(&temporary))?;
    Ok((file, temporary))
}

pub(super) fn place(file: &File, temporary: &Path, to: &Path) -> Result<(), CliError> {
    let directory = to.parent().unwrap_or(to);
    file.sync_all().map_err(at(temporary))?;
    fs::rename(temporary, to).map_err(at(to))?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(at(directory))
}
