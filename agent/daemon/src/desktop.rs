//! karakuri-desktop, as karakurid sees it: questions, and acts that were recorded first.

use std::cell::Cell;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use karakuri_audit::{IntoEntry, Recorded};
use karakuri_link::AsyncLink;
use karakuri_protocol::desktop::{Act, Failure, FailureKind, Question, Reply, Request, VERSION};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::job::Exit;
use karakuri_protocol::personal::Masking;
use karakuri_protocol::recording::Recording;
use karakuri_sandbox::link::{Link, LinkError};
use karakuri_sandbox::memfd::{self, MemfdError};
use karakuri_verbs::{Acted, Answer, Picture};

use crate::end::End;

/// The largest picture that is accepted, in bytes of lossless WebP, and the longest list of its masks.
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
    /// What was masked in a picture makes no sense.
    #[error("karakuri-desktop sent masks that cannot be read: {0}; reinstall both together")]
    Masks(#[from] serde_json::Error),
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

/// The process.
#[derive(Debug)]
pub struct Desktop {
    link: AsyncLink,
    screen: Rect,
    was_asked: Cell<bool>,
}

impl Desktop {
    /// Hands over models, pictures, the links of a window and where the recording goes, and waits until
    /// the process can see.
    ///
    /// # Errors
    /// A missing or wrong asset, or a failure of the process.
    pub async fn open(
        link: AsyncLink,
        assets: &Path,
        images: &[(String, OwnedFd)],
        watched: Option<[Link; 2]>,
        recording: Option<(Recording, Link)>,
        masking: Option<Masking>,
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
            watched: watched.is_some(),
            recording: recording.as_ref().map(|(how, _)| *how),
            masking,
        };
        let all: Vec<_> = fds
            .iter()
            .chain(images.iter().map(|(_, fd)| fd))
            .map(AsFd::as_fd)
            .chain(watched.iter().flatten().map(AsFd::as_fd))
            .chain(recording.as_ref().map(|(_, link)| link.as_fd()))
            .collect();
        link.send(&request, &all).map_err(DesktopError::from)?;
        let mut desktop = Self { link, screen: Rect::new(0, 0, 0, 0), was_asked: Cell::new(false) };
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

    /// Whether anything was asked of it; until then it records nothing.
    #[must_use]
    pub fn was_asked(&self) -> bool {
        self.was_asked.get()
    }

    /// Carries out an act that was recorded; a picture is of the screen afterwards.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn act(
        &self,
        intent: &Recorded<impl Intent>,
        watch_ms: u32,
        picture: bool,
    ) -> Result<(Acted, Option<Picture>), DesktopError> {
        let act = intent.intent().act().clone();
        let answer = self.request(&Request::Act { act, watch_ms, picture }).await?;
        match answer.reply {
            Reply::Acted { effect, changed, ms, via } => {
                Ok((Acted { effect, changed, ms, via }, answer.picture))
            }
            _ => Err(DesktopError::OutOfTurn),
        }
    }

    /// Asks what changes nothing.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn ask(&self, question: Question) -> Result<Answer, DesktopError> {
        self.request(&question.into()).await
    }

    /// Takes a picture.
    ///
    /// # Errors
    /// See [`DesktopError`].
    pub async fn picture(&self, region: Option<Rect>) -> Result<Picture, DesktopError> {
        self.ask(Question::Picture { region }).await?.picture.ok_or(DesktopError::OutOfTurn)
    }

    async fn request(&self, request: &Request) -> Result<Answer, DesktopError> {
        self.was_asked.set(true);
        self.link.send(request, &[])?;
        let (reply, fds) = self.reply().await?;
        Ok(Answer { reply, picture: picture(fds)? })
    }

    async fn reply(&self) -> Result<(Reply, Vec<OwnedFd>), DesktopError> {
        match self.link.recv::<Reply>().await?.ok_or(DesktopError::Gone)? {
            (Reply::Failed(failure), _) => Err(DesktopError::Failed(failure)),
            reply => Ok(reply),
        }
    }
}

fn picture(fds: Vec<OwnedFd>) -> Result<Option<Picture>, DesktopError> {
    let mut fds = fds.into_iter();
    let Some(fd) = fds.next() else { return Ok(None) };
    let webp = memfd::read_sealed(fd, MAX_PICTURE)?;
    let masked = match fds.next() {
        Some(fd) => serde_json::from_slice(&memfd::read_sealed(fd, MAX_PICTURE)?)?,
        None => Vec::new(),
    };
    Ok(Some(Picture { webp, masked }))
}
