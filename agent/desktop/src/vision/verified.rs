//! Model files whose bytes were checked and can no longer change.
//!
//! Invariant: a [`Verified`] is a memfd sealed against writing, shrinking, growing and unsealing,
//! whose SHA-256 was found equal to the pinned one after the seals were checked. So whatever is
//! read or mapped from it later is what was hashed. [`Verified::check`] is the only constructor,
//! and the runtime and the models are loaded from nothing else.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use karakuri_sandbox::memfd;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::asset::{Asset, Digest};

const CHUNK: usize = 1 << 18;

/// Why a file is not used.
#[derive(Debug, Error)]
pub enum AssetError {
    /// No asset has this name.
    #[error("no model file is called {0:?}: send the names of packaging/assets.lock")]
    Unknown(String),
    /// A file that is needed did not come.
    #[error("{0} is missing: run `make setup` and hand it over as a sealed memfd")]
    Missing(&'static str),
    /// The bytes could still change.
    #[error("{0} is not a memfd sealed against every change: seal it before handing it over")]
    NotSealed(&'static str),
    /// The bytes are not the pinned ones.
    #[error(
        "{name} has SHA-256 {found}, but packaging/assets.lock pins {expected}: \
         run `make setup` to fetch the right file"
    )]
    WrongDigest {
        /// Name of the file.
        name: &'static str,
        /// The pinned digest in hexadecimal.
        expected: String,
        /// The digest of the bytes that came.
        found: String,
    },
    /// Reading the memfd failed.
    #[error("{name} could not be read: {source}")]
    Read {
        /// Name of the file.
        name: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A file with the pinned content, which cannot change any more.
#[derive(Debug)]
pub struct Verified {
    asset: Asset,
    file: File,
}

impl Verified {
    /// Checks that `fd` is a sealed memfd, then hashes it.
    ///
    /// # Errors
    /// [`AssetError::NotSealed`], [`AssetError::Read`] or [`AssetError::WrongDigest`].
    pub fn check(asset: Asset, fd: OwnedFd) -> Result<Self, AssetError> {
        if !memfd::is_sealed(&fd) {
            return Err(AssetError::NotSealed(asset.name()));
        }
        let file = File::from(fd);
        let found =
            digest(&file).map_err(|source| AssetError::Read { name: asset.name(), source })?;
        if found != *asset.digest() {
            return Err(AssetError::WrongDigest {
                name: asset.name(),
                expected: hex(asset.digest()),
                found: hex(&found),
            });
        }
        Ok(Self { asset, file })
    }

    /// Which file this is.
    #[must_use]
    pub fn asset(&self) -> Asset {
        self.asset
    }

    /// The content.
    ///
    /// # Errors
    /// [`AssetError::Read`].
    pub fn bytes(&self) -> Result<Vec<u8>, AssetError> {
        self.read_all().map_err(|source| AssetError::Read { name: self.asset.name(), source })
    }

    /// A path that opens this very memfd, for the dynamic loader.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
    }

    fn read_all(&self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.file.metadata()?.len()).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}

fn digest(file: &File) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        let read = file.read_at(&mut chunk, offset)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&chunk[..read]);
        offset += read as u64;
    }
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
