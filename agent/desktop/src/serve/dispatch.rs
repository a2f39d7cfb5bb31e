//! From a request to its answer.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use karakuri_protocol::desktop::{Failure, Line, Question, Reply, Request, Script, VERSION};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::recording::Recording;
use karakuri_sandbox::link::Link;

use super::act;
use super::caret::Caret;
use super::error::ServeError;
use super::eyes::{Eyes, Mask};
use super::glance::Glances;
use super::look::{self, Look};
use crate::frame::Frame;
use crate::record::recorder::Recorder;
use crate::structure::table;
use crate::view::person::Person;
use crate::view::viewer::Viewer;
use crate::x11::desktop::Desktop;

/// A reply and the memfds that go with it: a picture, and what was masked in it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    pub(crate) fds: Vec<OwnedFd>,
}

impl Answer {
    /// A reply alone.
    pub(super) fn plain(reply: Reply) -> Self {
        Self { reply, fds: Vec::new() }
    }

    /// A reply with the memfds of a picture.
    pub(super) fn with_picture(reply: Reply, fds: Vec<OwnedFd>) -> Self {
        Self { reply, fds }
    }
}

/// The run's desktop and what it is seen with.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) desktop: Desktop,
    eyes: Option<Eyes>,
    caret: Caret,
    glances: Glances,
    /// Waits for the first request after `open`: a run that uses no desktop has no recording.
    recorder: Option<Rc<RefCell<Recorder>>>,
}

impl Dispatch {
    /// Answers nothing but `open` yet.
    pub(crate) fn new(desktop: Desktop) -> Self {
        let (caret, glances) = (Caret::default(), Glances::default());
        Self { desktop, eyes: None, caret, glances, recorder: None }
    }

    /// Carries out one request; a failure is an answer too.
    pub(crate) fn answer(&mut self, request: Request, fds: Vec<OwnedFd>) -> Answer {
        self.carry_out(request, fds).unwrap_or_else(|error| {
            let failure = Failure::from(&error);
            tracing::info!(kind = ?failure.kind, "request failed");
            Answer::plain(Reply::Failed(failure))
        })
    }

    fn carry_out(&mut self, request: Request, fds: Vec<OwnedFd>) -> Result<Answer, ServeError> {
        self.desktop.catch_up()?;
        let Some(eyes) = &mut self.eyes else { return self.open(request, fds) };
        if let Some(recorder) = self.recorder.take() {
            self.desktop.attach(recorder)?;
        }
        match request {
            Request::Open { .. } => Err(ServeError::Request("the display is open already".into())),
            Request::Ask(question) => ask(&mut self.desktop, eyes, &mut self.glances, question),
            Request::Act { act, watch_ms, picture } => {
                let (reply, after) =
                    act::act(&mut self.desktop, &mut self.caret, &self.glances, &act, watch_ms)?;
                match picture {
                    true => Ok(Answer::with_picture(reply, eyes.shown(&after, after.bounds())?)),
                    false => Ok(Answer::plain(reply)),
                }
            }
        }
    }

    fn open(&mut self, request: Request, mut fds: Vec<OwnedFd>) -> Result<Answer, ServeError> {
        let Request::Open { version, assets, images, watched, recording, masking } = request else {
            return Err(ServeError::Request("the first request must be open".into()));
        };
        if version != VERSION {
            return Err(ServeError::Request(format!(
                "karakurid speaks version {version} and karakuri-desktop {VERSION}: \
                 install both from one package"
            )));
        }
        self.recorder = recording.map(|how| recorder(how, fds.pop())).transpose()?;
        if watched {
            let person = Person::new(link(fds.pop(), "the person's inputs")?);
            let viewer = Viewer::new(link(fds.pop(), "the live picture")?);
            self.desktop.attach(Rc::new(RefCell::new(viewer)))?;
            self.desktop.let_act(Box::new(person));
        }
        let finds = masking.map(Mask::new).transpose()?;
        self.eyes = Some(Eyes::open(assets, images, fds, self.recorder.clone(), finds)?);
        Ok(Answer::plain(Reply::Opened {
            version: VERSION,
            screen: self.desktop.screen(),
            capture: self.desktop.capture_name().to_owned(),
        }))
    }
}

fn recorder(how: Recording, fd: Option<OwnedFd>) -> Result<Rc<RefCell<Recorder>>, ServeError> {
    Ok(Rc::new(RefCell::new(Recorder::new(link(fd, "the recording")?, how))))
}

/// A link that came with `open`.
fn link(fd: Option<OwnedFd>, what: &str) -> Result<Link, ServeError> {
    let fd = fd.ok_or_else(|| ServeError::Request(format!("no link came for {what}")))?;
    Link::from_fd(fd).map_err(|e| ServeError::Request(e.to_string()))
}

fn ask(
    desktop: &mut Desktop,
    eyes: &mut Eyes,
    glances: &mut Glances,
    question: Question,
) -> Result<Answer, ServeError> {
    let screen = desktop.screen();
    Ok(match question {
        Question::Look { target, until, timeout_ms, script, click, picture } => {
            let timeout = milliseconds(timeout_ms);
            let look = Look { target: &target, until, timeout, script, click, picture };
            return look::look(desktop, eyes, glances, &look);
        }
        Question::Read { region, script } => {
            Answer::plain(Reply::Lines(read(desktop, eyes, region, script)?.2))
        }
        Question::Table { region, script } => {
            let (frame, region, lines) = read(desktop, eyes, region, script)?;
            Answer::plain(Reply::Table(table::read(&frame, region, &lines)))
        }
        Question::Controls { region, script } => {
            let region = on_screen(screen, region)?;
            let (frame, _) = desktop.refresh()?;
            Answer::plain(Reply::Controls(eyes.controls(&frame, region, script)?))
        }
        Question::Still { still_ms, region, timeout_ms } => {
            let region = on_screen(screen, region)?;
            let (still, timeout) = (milliseconds(still_ms), milliseconds(timeout_ms));
            let still = look::still(desktop, still, region, timeout)?;
            Answer::plain(Reply::Stilled { still })
        }
        Question::Picture { region } => {
            let rect = on_screen(screen, region)?;
            let (frame, _) = desktop.refresh()?;
            Answer::with_picture(Reply::Picture { rect }, eyes.shown(&frame, rect)?)
        }
        Question::Clipboard => Answer::plain(Reply::Clipboard(desktop.clipboard()?)),
        Question::Pointer => Answer::plain(Reply::Pointer(desktop.move_pointer(None)?)),
        Question::Windows => Answer::plain(Reply::Windows(desktop.windows()?)),
        Question::WaitWindow { known, timeout_ms } => {
            let deadline = Instant::now() + milliseconds(timeout_ms);
            Answer::plain(Reply::NewWindow(desktop.wait_window(&known, deadline)?))
        }
    })
}

/// The frame now, the part of it that was asked for, and the lines in there.
fn read(
    desktop: &mut Desktop,
    eyes: &mut Eyes,
    region: Option<Rect>,
    script: Script,
) -> Result<(Arc<Frame>, Rect, Vec<Line>), ServeError> {
    let region = on_screen(desktop.screen(), region)?;
    let (frame, _) = desktop.refresh()?;
    let lines = eyes.read(&frame, region, script)?;
    Ok((frame, region, lines))
}

fn milliseconds(value: u32) -> Duration {
    Duration::from_millis(value.into())
}

/// The part of `region` that is on the screen; the whole screen when it is left out.
fn on_screen(screen: Rect, region: Option<Rect>) -> Result<Rect, ServeError> {
    match region {
        None => Ok(screen),
        Some(region) => screen.intersection(&region).ok_or_else(|| off_screen(region)),
    }
}

pub(super) fn off_screen(Rect { left, top, width, height }: Rect) -> ServeError {
    ServeError::Request(format!("the region [{left}, {top}, {width}, {height}] is off the screen"))
}
