//! The local store: a directory whose paths are the keys. A file appears under its key only when
//! it is complete, has the promised length and hash, and is on disk.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use karakuri_protocol::courier::{Checksum, Failure, Kind, Proof, Put};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

/// Why a file is not in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("{path}: {source}; is the disk full?")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A disk that is not plugged in, or not mounted.
    #[error(
        "{0}: there is no such directory; plug the disk in and mount it, or make the directory on it"
    )]
    Away(PathBuf),
    /// A key that is not a plain relative path.
    #[error("{0:?} is not a key")]
    Key(String),
    /// The file that came is not the one that was announced.
    #[error("{key}: the file that came has another length or hash than announced")]
    Differs {
        /// Its key.
        key: String,
    },
    /// Something else is under the key.
    #[error("{key}: another file is in the store under this key")]
    Taken {
        /// The key.
        key: String,
    },
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = match error {
            StoreError::Io { .. } | StoreError::Away(_) => Kind::Retry,
            StoreError::Key(_) | StoreError::Differs { .. } => Kind::Invalid,
            StoreError::Taken { .. } => Kind::Conflict,
        };
        Self { kind, message: error.to_string() }
    }
}

/// A directory that holds sealed files.
#[derive(Debug)]
pub struct LocalStore(PathBuf);

impl LocalStore {
    /// Opens the store, making its directory if needed.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        make_directory(directory)?;
        Ok(Self(directory.to_owned()))
    }

    /// Opens a store on a disk. Its directory is never made: without the disk it would be one of this machine.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub fn on_disk(directory: &Path) -> Result<Self, StoreError> {
        match directory.is_dir() {
            true => Ok(Self(directory.to_owned())),
            false => Err(StoreError::Away(directory.to_owned())),
        }
    }

    /// Stores one file. Storing the same file again under the same key succeeds and changes nothing.
    ///
    /// # Errors
    /// See [`StoreError`]; then nothing is under the key that was not there before.
    pub fn put(&self, put: &Put, file: OwnedFd) -> Result<Proof, StoreError> {
        let path = self.path(&put.key)?;
        let directory = path.parent().unwrap_or(&self.0).to_owned();
        make_directory(&directory)?;
        if path.exists() {
            return same(put, &path);
        }
        let temporary = path.with_extension("part");
        let copied = copy(put, file, &temporary);
        if copied.is_err() {
            // What is left of a failed copy must not stop the next attempt.
            let _removed = fs::remove_file(&temporary);
        }
        copied?;
        fs::rename(&temporary, &path).map_err(at(&path))?;
        File::open(&directory).and_then(|d| d.sync_all()).map_err(at(&directory))?;
        same(put, &path)
    }

    fn path(&self, key: &str) -> Result<PathBuf, StoreError> {
        let relative = Path::new(key);
        let plain = relative.components().all(|c| matches!(c, Component::Normal(_)));
        if key.is_empty() || !plain {
            return Err(StoreError::Key(key.escape_debug().to_string()));
        }
        Ok(self.0.join(relative))
    }
}

/// What is there, if it is what was to be stored.
fn same(put: &Put, path: &Path) -> Result<Proof, StoreError> {
    let mut tally = Tally::default();
    // Who may write to the store may have put a link or a pipe there, which is not waited for.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let mut file = file.map_err(at(path))?;
    std::io::copy(&mut file, &mut tally).map_err(at(path))?;
    if !tally.matches(put) {
        return Err(StoreError::Taken { key: put.key.clone() });
    }
    let checksum = Checksum::Sha256(put.sha256.clone());
    Ok(Proof { length: put.length, checksum, etag: None, version: None })
}

fn copy(put: &Put, file: OwnedFd, to: &Path) -> Result<(), StoreError> {
    let options = || OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).clone();
    let mut out = options().open(to).map_err(at(to))?;
    let mut file = File::from(file).take(put.length.saturating_add(1));
    let mut tally = Tally::default();
    let mut buffer = vec![0u8; 256 * 1024];
    loop {
        let count = file.read(&mut buffer).map_err(at(to))?;
        if count == 0 {
            break;
        }
        tally.add(&buffer[..count]);
        out.write_all(&buffer[..count]).map_err(at(to))?;
    }
    if !tally.matches(put) {
        return Err(StoreError::Differs { key: put.key.clone() });
    }
    out.sync_data().map_err(at(to))
}

/// Counts and hashes what passes.
#[derive(Default)]
struct Tally {
    length: u64,
    digest: Sha256,
}

impl Tally {
    fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.digest.update(bytes);
    }

    fn matches(self, put: &Put) -> bool {
        self.length == put.length && hex::encode(self.digest.finalize()) == put.sha256
    }
}

impl Write for Tally {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn make_directory(path: &Path) -> Result<(), StoreError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &[u8]) -> OwnedFd {
        karakuri_sandbox::memfd::sealed("file", content).unwrap()
    }

    fn request(key: &str, content: &[u8]) -> Put {
        Put {
            id: 1,
            key: key.to_owned(),
            length: content.len() as u64,
            sha256: hex::encode(Sha256::digest(content)),
            class: None,
            resume: None,
        }
    }

    #[test]
    fn a_file_is_stored_once_and_may_come_again() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::open(directory.path()).unwrap();
        let first = request("runs/a/1.esdk", b"sealed");
        let proof = store.put(&first, file(b"sealed")).unwrap();
        assert_eq!((proof.length, proof.checksum), (6, Checksum::Sha256(first.sha256.clone())));
        store.put(&first, file(b"sealed")).unwrap();
        assert_eq!(fs::read(directory.path().join("runs/a/1.esdk")).unwrap(), b"sealed");
        let other = request("runs/a/1.esdk", b"other!");
        assert!(matches!(store.put(&other, file(b"other!")), Err(StoreError::Taken { .. })));
    }

    #[test]
    fn a_file_that_differs_from_its_announcement_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::open(directory.path()).unwrap();
        for content in [&b"sealeD"[..], b"seale", b"sealed and more"] {
            let wanted = request("runs/a/1.esdk", b"sealed");
            let error = store.put(&wanted, file(content)).unwrap_err();
            assert!(matches!(error, StoreError::Differs { .. }), "{error}");
        }
        assert_eq!(fs::read_dir(directory.path().join("runs/a")).unwrap().count(), 0);
    }

    #[test]
    fn keys_cannot_leave_the_store() {
        let directory = tempfile::tempdir().unwrap();
        let store = LocalStore::open(&directory.path().join("store")).unwrap();
        for key in ["../x", "/x", "", "a/../../x", "./x"] {
            let error = store.put(&request(key, b"s"), file(b"s")).unwrap_err();
            assert!(matches!(error, StoreError::Key(_)), "{key}: {error}");
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
