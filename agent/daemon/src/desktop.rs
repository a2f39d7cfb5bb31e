//! karakuri-desktop, as karakurid sees it: questions, and acts that were recorded first.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use karakuri_audit::{IntoEntry, Recorded};
use karakuri_protocol::desktop::{
    Act, Effect, Failure, FailureKind, Hit, Line, Reply, Request, Script, Until, VERSION, Window,
};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::job::Exit;
use karakuri_protocol::target::Target;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_sandbox::link::LinkError;
use karakuri_sandbox::memfd::{self, MemfdError};

use crate::async_link::AsyncLink;
use crate::end::End;

/// The largest picture that is accepted, in bytes of lossless WebP.
const MAX_PICTURE: usize = 64 * 1024 * 1024;

/// Files that karakuri-desktop needs, in the order of `packaging/assets.lock`.
pub const ASSETS: [&str; 6] = [
    "libonnxruntime.so",
    "ppocrv6-tiny-det.onnx",
    "ppocrv6-tiny-rec.onnx",
    "ppocrv6-tiny-dict.txt",
    "ppocrv6-small-rec.onnx",
    "ppocrv6-small-dict.txt",
];

/// Why karakuri-desktop did not answer.
#[derive(Debug, thiserror::Error)]
pub enum DesktopError {
    /// The link failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The process is gone.
    #[error("karakuri-desktop is gone")]
    Gone,
    /// It answered something else.
    #[error("karakuri-desktop answered out of turn")]
    OutOfTurn,
    /// A picture could not be taken over.
    #[error("karakuri-desktop sent a picture that cannot be read: {0}")]
    Picture(#[from] MemfdError),
    /// It could not do what was asked.
    #[error("{}", .0.message)]
    Failed(Failure),
}

impl From<DesktopError> for End {
    fn from(error: DesktopError) -> Self {
        match error {
            DesktopError::Failed(Failure { kind: FailureKind::WrongAsset, message }) => {
                End::new(Exit::WrongAsset, message)
            }
            DesktopError::Failed(failure) => End::desktop("karakuri-desktop", failure.message),
            other => End::desktop(
                "karakuri-desktop",
                format!("{other}; run again with --log debug to see what it printed"),
            ),
        }
    }
}

/// An act that the grant allows; it can be carried out once it is recorded.
pub trait Intent: IntoEntry {
    /// What is to be done.
    fn act(&self) -> &Act;
}

/// What became of an act.
#[derive(Clone, Debug)]
pub struct Acted {
    /// Its effect.
    pub effect: Effect,
    /// The rectangle that changed.
    pub changed: Option<Rect>,
    /// How long it took.
    pub ms: u32,
    /// The screen afterwards, lossless WebP.
    pub picture: Option<Vec<u8>>,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Looked {
    /// All that match.
    pub hits: Vec<Hit>,
    /// What comes closest when nothing does.
    pub nearest: Vec<Hit>,
    /// How long it took.
    pub ms: u32,
    /// The screen that was looked at, lossless WebP.
    pub picture: Option<Vec<u8>>,
}

/// The process.
#[derive(Debug)]
pub struct Desktop {
    link: AsyncLink,
    screen: Rect,
}

impl Desktop {
    /// Hands over models and pictures and waits until the process can see.
    ///
    /// # Errors
    /// A missing or wrong asset, or a failure of the process.
    pub async fn open(
        link: AsyncLink,
        assets: &Path,
        images: &[(String, OwnedFd)],
    ) -> Result<Self, End> {
        let mut fds = Vec::new();
        for name in ASSETS {
            let path = assets.join(name);
            let wrong = |e: &dyn std::fmt::Display| {
                End::new(
                    Exit::WrongAsset,
                    format!("{}: {e}; run `make setup` to fetch it again", path.display()),
                )
            };
            let file = File::open(&path).map_err(|e| wrong(&e))?;
            fds.push(memfd::sealed_from(name, file).map_err(|e| wrong(&e))?);
        }
        let request = Request::Open {
            version: VERSION,
            assets: ASSETS.map(str::to_owned).to_vec(),
            images: images.iter().map(|(name, _)| name.clone()).collect(),
        };
        let all: Vec<_> =
            fds.iter().chain(images.iter().map(|(_, fd)| fd)).map(AsFd::as_fd).collect();
        link.send(&request, &all).map_err(DesktopError::from)?;
        let mut desktop = Self { link, screen: Rect::new(0, 0, 0, 0) };
        match desktop.reply().await? {
            (Reply::Opened { version: VERSION, screen, .. }, _) => desktop.screen = screen,
            (Reply::Opened { version, .. }, _) => {
                return Err(End::internal(
                    "starting karakuri-desktop",
                    format!(
                        "it speaks version {version}, this is {VERSION}; reinstall both together"
                    ),
                ));
            }
            _ => return Err(DesktopError::OutOfTurn.into()),
        }
        Ok(desktop)
    }

    /// The whole screen.
    #[must_use]
    pub fn screen(&self) -> Rect {
        self.screen
    }

    /// Carries out an act that was recorded.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn act(
        &self,
        intent: &Recorded<impl Intent>,
        watch_ms: u32,
    ) -> Result<Acted, DesktopError> {
        let act = intent.intent().act().clone();
        match self.ask(&Request::Act { act, watch_ms }).await? {
            (Reply::Acted { effect, changed, ms }, fds) => {
                Ok(Acted { effect, changed, ms, picture: picture(fds)? })
            }
            _ => Err(DesktopError::OutOfTurn),
        }
    }

    /// Looks for a target and keeps the picture that was looked at.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn look(
        &self,
        target: &Target,
        until: Until,
        timeout_ms: u32,
        script: Script,
    ) -> Result<Looked, DesktopError> {
        let target = target.clone();
        let request = Request::Look { target, until, timeout_ms, script, picture: true };
        match self.ask(&request).await? {
            (Reply::Looked { hits, nearest, waited_ms }, fds) => {
                Ok(Looked { hits, nearest, ms: waited_ms, picture: picture(fds)? })
            }
            _ => Err(DesktopError::OutOfTurn),
        }
    }

    /// Reads a region.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn read(
        &self,
        region: Option<Rect>,
        script: Script,
    ) -> Result<Vec<Line>, DesktopError> {
        match self.ask(&Request::Read { region, script }).await?.0 {
            Reply::Lines(lines) => Ok(lines),
            _ => Err(DesktopError::OutOfTurn),
        }
    }

    /// Waits until a region does not change; whether it did in time.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn still(
        &self,
        still_ms: u32,
        region: Option<Rect>,
        timeout_ms: u32,
    ) -> Result<bool, DesktopError> {
        match self.ask(&Request::Still { still_ms, region, timeout_ms }).await?.0 {
            Reply::Stilled { still } => Ok(still),
            _ => Err(DesktopError::OutOfTurn),
        }
    }

    /// Takes a picture, lossless WebP.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn picture(&self, region: Option<Rect>) -> Result<Vec<u8>, DesktopError> {
        match self.ask(&Request::Picture { region }).await? {
            (Reply::Picture { .. }, fds) => picture(fds)?.ok_or(DesktopError::OutOfTurn),
            _ => Err(DesktopError::OutOfTurn),
        }
    }

    /// The text on the clipboard.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn clipboard(&self) -> Result<Untrusted, DesktopError> {
        match self.ask(&Request::Clipboard).await?.0 {
            Reply::Clipboard(text) => Ok(text),
            _ => Err(DesktopError::OutOfTurn),
        }
    }

    /// All windows of applications.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn windows(&self) -> Result<Vec<Window>, DesktopError> {
        match self.ask(&Request::Windows).await?.0 {
            Reply::Windows(windows) => Ok(windows),
            _ => Err(DesktopError::OutOfTurn),
        }
    }

    /// Waits for a window that is not among `known`.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn new_window(
        &self,
        known: Vec<u32>,
        timeout_ms: u32,
    ) -> Result<Option<Window>, DesktopError> {
        match self.ask(&Request::WaitWindow { known, timeout_ms }).await?.0 {
            Reply::NewWindow(window) => Ok(window),
            _ => Err(DesktopError::OutOfTurn),
        }
    }

    async fn ask(&self, request: &Request) -> Result<(Reply, Vec<OwnedFd>), DesktopError> {
        self.link.send(request, &[])?;
        self.reply().await
    }

    async fn reply(&self) -> Result<(Reply, Vec<OwnedFd>), DesktopError> {
        match self.link.recv::<Reply>().await?.ok_or(DesktopError::Gone)? {
            (Reply::Failed(failure), _) => Err(DesktopError::Failed(failure)),
            reply => Ok(reply),
        }
    }
}

fn picture(mut fds: Vec<OwnedFd>) -> Result<Option<Vec<u8>>, DesktopError> {
    Ok(match fds.pop() {
        Some(fd) => Some(memfd::read_sealed(fd, MAX_PICTURE)?),
        None => None,
    })
}
