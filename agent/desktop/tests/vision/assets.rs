//! The model files, as the agent gets them: sealed memfds.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard};

use karakuri_desktop::vision::{Asset, Models, Reader};
use karakuri_sandbox::memfd;

/// The bytes of an asset.
pub(crate) fn bytes(asset: Asset) -> Vec<u8> {
    let directory = std::env::var_os("KARAKURI_ASSETS")
        .expect("KARAKURI_ASSETS does not name the assets directory: run `make setup`");
    let path = PathBuf::from(directory).join(asset.name());
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: run `make setup`", path.display()))
}

/// A sealed memfd with this content.
pub(crate) fn sealed(content: &[u8]) -> OwnedFd {
    memfd::sealed("asset", content).unwrap()
}

/// The reader that all tests share.
pub(crate) fn reader() -> MutexGuard<'static, Reader> {
    static READER: LazyLock<Mutex<Reader>> = LazyLock::new(|| {
        let files = Asset::ALL.map(|asset| (asset.name().to_owned(), sealed(&bytes(asset))));
        Mutex::new(Reader::new(Models::check(files).unwrap(), 2).unwrap())
    });
    // A test that failed while reading leaves nothing half done that another could see.
    READER.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
