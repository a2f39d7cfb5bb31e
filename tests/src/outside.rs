//! What the escape suite's probes reach for: a file, listeners and a process of the machine.

use std::fs;
use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::repository;

/// What stands in the file.
const CONTENT: &str = "untouched";

/// Prepared for one test, gone after it.
#[derive(Debug)]
pub struct Outside {
    directory: TempDir,
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
    hidden: UnixListener,
}

impl Outside {
    /// Opens the listeners and writes the file.
    ///
    /// # Errors
    /// When the machine has no loopback, or no room.
    pub fn new() -> std::io::Result<Self> {
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("file"), CONTENT)?;
        let name = directory.path().as_os_str().as_encoded_bytes();
        let outside = Self {
            tcp: TcpListener::bind("127.0.0.1:0")?,
            udp: UdpSocket::bind("127.0.0.1:0")?,
            unix: UnixListener::bind(directory.path().join("socket"))?,
            hidden: UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?,
            directory,
        };
        outside.tcp.set_nonblocking(true)?;
        outside.udp.set_nonblocking(true)?;
        outside.unix.set_nonblocking(true)?;
        outside.hidden.set_nonblocking(true)?;
        Ok(outside)
    }

    /// Puts the probes and what they need to know into a directory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn equip(&self, directory: &Path) -> std::io::Result<()> {
        for entry in fs::read_dir(repository().join("tests/escape"))? {
            let path: PathBuf = entry?.path();
            if let Some(name) = path.file_name().filter(|_| path.extension() == Some("py".as_ref()))
            {
                fs::copy(&path, directory.join(name))?;
            }
        }
        let facts = serde_json::json!({
            "pid": std::process::id(),
            "file": self.directory.path().join("file"),
            "tcp": self.tcp.local_addr()?.port(),
            "udp": self.udp.local_addr()?.port(),
            "unix": self.directory.path().join("socket"),
            "abstract": self.directory.path(),
        });
        fs::write(directory.join("outside.json"), facts.to_string())
    }

    /// What was reached since the last call: the names of the listeners, and `file` if it changed.
    ///
    /// # Errors
    /// When a listener fails.
    pub fn reached(&self) -> std::io::Result<Vec<&'static str>> {
        let came = |result: std::io::Result<()>| match result {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(e) => Err(e),
        };
        let file = self.directory.path().join("file");
        let found = [
            ("tcp", came(self.tcp.accept().map(drop))?),
            ("udp", came(self.udp.recv(&mut [0; 16]).map(drop))?),
            ("unix", came(self.unix.accept().map(drop))?),
            ("abstract", came(self.hidden.accept().map(drop))?),
            ("file", fs::read_to_string(&file)? != CONTENT),
        ];
        fs::write(&file, CONTENT)?;
        Ok(found.into_iter().filter_map(|(name, reached)| reached.then_some(name)).collect())
    }
}
