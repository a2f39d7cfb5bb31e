//! Taking a file that the script or an application made. Everything about it is hostile: its path,
//! what is on the way to it, what it is, and how large it says it is.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use karakuri_protocol::untrusted::Untrusted;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};

/// The largest file that is taken, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum CollectError {
    #[error("{0:?} is not below /files or /work; give an absolute path there")]
    Elsewhere(String),
    #[error("{path:?} cannot be opened: {source}")]
    Open { path: String, source: std::io::Error },
    #[error("{0:?} is not a plain file with one name (links, pipes and devices are refused)")]
    NotPlain(String),
    #[error("{0:?} is larger than {MAX_FILE} bytes")]
    TooLarge(String),
}

/// Reads the file the script calls `path`.
pub(super) fn read(run_root: &Path, path: &str) -> Result<Vec<u8>, CollectError> {
    let shown = Untrusted::new(path).escaped(120);
    let (area, name) = ["files", "work"]
        .iter()
        .find_map(|area| Some((area, path.strip_prefix(&format!("/{area}/"))?)))
        .ok_or_else(|| CollectError::Elsewhere(shown.clone()))?;
    let open = |e: std::io::Error| CollectError::Open { path: shown.clone(), source: e };
    let directory = File::open(run_root.join(area)).map_err(open)?;
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let fd = rustix::fs::openat2(&directory, name, flags, Mode::empty(), resolve)
        .map_err(|e| open(e.into()))?;
    let stat = rustix::fs::fstat(&fd).map_err(|e| open(e.into()))?;
    let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    if !regular || stat.st_nlink != 1 {
        return Err(CollectError::NotPlain(shown));
    }
    let mut bytes = Vec::new();
    File::from(fd).take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(open)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(CollectError::TooLarge(shown));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A run with a secret beside it.
    fn run() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for area in ["files", "work"] {
            std::fs::create_dir(root.path().join(area)).unwrap();
        }
        std::fs::write(root.path().join("secret"), "s").unwrap();
        std::fs::write(root.path().join("files/a.txt"), "hello").unwrap();
        root
    }

    #[test]
    fn a_plain_file_is_taken() {
        assert_eq!(read(run().path(), "/files/a.txt").unwrap(), b"hello");
    }

    #[test]
    fn what_is_elsewhere_or_only_pretends_is_refused() {
        let root = run();
        let files = root.path().join("files");
        symlink("../secret", files.join("link")).unwrap();
        symlink("..", files.join("up")).unwrap();
        std::fs::hard_link(files.join("a.txt"), files.join("second")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            files.join("pipe"),
            FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        for path in ["/files/link", "/files/up/secret", "/files/../secret", "/files//etc/passwd"] {
            assert!(matches!(read(root.path(), path), Err(CollectError::Open { .. })), "{path}");
        }
        for path in ["/files/second", "/files/pipe"] {
            assert!(matches!(read(root.path(), path), Err(CollectError::NotPlain(_))), "{path}");
        }
        for path in ["/etc/passwd", "files/a.txt", "/filesx/a"] {
            assert!(matches!(read(root.path(), path), Err(CollectError::Elsewhere(_))), "{path}");
        }
    }
}
