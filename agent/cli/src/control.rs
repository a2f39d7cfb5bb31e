//! `karakuri pause`, `resume` and `stop`: a word to the `karakuri run` that uses the same state
//! directory, over a socket in there that its owner alone can reach.
//!
//! One line, `pause`, `resume` or `stop`, is answered by one line, `ok`. A path of a socket is short
//! (unix(7)), so the directory is named by its descriptor.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use karakuri_protocol::job::{Control, Exit};

use crate::error::{CliError, at};
use crate::site::Site;

const NAME: &str = "control.sock";
/// A word comes at once, or is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest word.
const MAX_WORD: u64 = 16;

/// Where a run hears its owner. Gone when dropped.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Opens it; none when another run has the state directory.
    pub(crate) fn open(site: &Site) -> Result<Option<Self>, CliError> {
        let (directory, short) = short(site)?;
        if UnixStream::connect(&short).is_ok() {
            return Ok(None);
        }
        let path = site.path().join(NAME);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(at(&path)(e)),
            _ => {}
        }
        let listener = UnixListener::bind(&short).map_err(at(&path))?;
        drop(directory);
        Ok(Some(Self { listener, path }))
    }

    /// Reads what was said, if it was a word of the owner.
    pub(crate) fn receive(&self) -> Option<Control> {
        let (mut stream, _) = self.listener.accept().ok()?;
        let peer = rustix::net::sockopt::socket_peercred(&stream).ok()?;
        let owner = rustix::process::geteuid();
        if peer.uid != owner && !peer.uid.is_root() {
            return None;
        }
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut word = String::new();
        BufReader::new((&stream).take(MAX_WORD)).read_line(&mut word).ok()?;
        let control = serde_json::from_value(word.trim().into()).ok()?;
        // Who has gone away meanwhile has still said it.
        let _answered = stream.write_all(b"ok\n");
        Some(control)
    }
}

impl AsFd for ControlSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _removed = std::fs::remove_file(&self.path);
    }
}

/// Sends a word to the run that goes on.
pub(crate) fn send(control: Control) -> Result<Exit, CliError> {
    let site = Site::find()?;
    let nobody = || {
        CliError::Usage(format!(
            "no run goes on with the state directory {}",
            site.path().display()
        ))
    };
    let (directory, short) = short(&site).map_err(|_| nobody())?;
    let mut stream = UnixStream::connect(short).map_err(|_| nobody())?;
    drop(directory);
    let word = serde_json::to_value(control).map_err(CliError::internal("the word"))?;
    let mut answer = String::new();
    let mut talk = || -> std::io::Result<()> {
        stream.set_read_timeout(Some(2 * PATIENCE))?;
        stream.write_all(format!("{}\n", word.as_str().unwrap_or_default()).as_bytes())?;
        BufReader::new(&stream).read_line(&mut answer).map(drop)
    };
    talk().map_err(CliError::internal("talking to the run"))?;
    match answer.trim() {
        "ok" => Ok(Exit::Success),
        _ => Err(CliError::internal("talking to the run")("it did not answer")),
    }
}

/// The state directory, and a path of the socket that lasts as long as that is open.
fn short(site: &Site) -> Result<(File, PathBuf), CliError> {
    let directory = File::open(site.path()).map_err(at(site.path()))?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(NAME);
    Ok((directory, path))
}
