//! Files that are not the pinned ones are not used.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;

use karakuri_desktop::vision::{Asset, AssetError, Models, Verified};
use rustix::fs::{MemfdFlags, SealFlags};

use crate::assets::{bytes, sealed};

fn memfd(content: &[u8], seals: SealFlags) -> OwnedFd {
    let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::memfd_create("asset", flags).unwrap());
    file.write_all(content).unwrap();
    rustix::fs::fcntl_add_seals(&file, seals).unwrap();
    file.into()
}

/// All files, with one of them replaced.
fn with(asset: Asset, fd: OwnedFd) -> Vec<(String, OwnedFd)> {
    let others = Asset::ALL.into_iter().filter(|other| *other != asset);
    let mut files: Vec<(String, OwnedFd)> =
        others.map(|other| (other.name().to_owned(), sealed(&bytes(other)))).collect();
    files.push((asset.name().to_owned(), fd));
    files
}

#[test]
fn one_wrong_bit_anywhere_is_refused() {
    for asset in Asset::ALL {
        let mut content = bytes(asset);
        let middle = content.len() / 2;
        content[middle] ^= 1;
        let error = Models::check(with(asset, sealed(&content))).unwrap_err();
        let AssetError::WrongDigest { name, expected, found } = &error else { panic!("{error}") };
        assert_eq!(*name, asset.name());
        assert_eq!(
            error.to_string(),
            format!(
                "{name} has SHA-256 {found}, but packaging/assets.lock pins {expected}: \
                 run `make setup` to fetch the right file"
            )
        );
        assert_ne!(expected, found);
    }
}

#[test]
fn the_right_bytes_are_refused_while_they_can_change() {
    let content = bytes(Asset::TinyDictionary);
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    for missing in seals.iter() {
        let fd = memfd(&content, seals.difference(missing));
        let error = Verified::check(Asset::TinyDictionary, fd).unwrap_err();
        assert!(matches!(error, AssetError::NotSealed("ppocrv6-tiny-dict.txt")), "{error}");
    }
    let file = tempfile::tempfile().unwrap();
    let error = Verified::check(Asset::TinyDictionary, file.into()).unwrap_err();
    assert!(matches!(error, AssetError::NotSealed(_)), "{error}");
    Verified::check(Asset::TinyDictionary, sealed(&content)).unwrap();
}

#[test]
fn missing_and_unknown_files_are_named() {
    let mut files = with(Asset::TinyRecognition, sealed(b""));
    files.pop();
    let error = Models::check(files).unwrap_err().to_string();
    let mend = "is missing: run `make setup` and hand it over as a sealed memfd";
    assert_eq!(error, format!("ppocrv6-tiny-rec.onnx {mend}"));

    let error = Models::check([("model.onnx".to_owned(), sealed(b""))]).unwrap_err();
    assert!(matches!(error, AssetError::Unknown(name) if name == "model.onnx"));
}
