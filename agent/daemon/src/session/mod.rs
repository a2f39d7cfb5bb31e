//! One run while the script lives: every call is parsed, checked against the grant, recorded, done,
//! observed, recorded again, and answered; in that order.
//!
//! The session composes the other modules, which know nothing of each other. [`Session::serve`]
//! answers the script; [`Watch`] waits for everything that can end the run from outside; [`Takeover`] serves
//! the person before the run's window.

mod calls;
pub mod collect;
mod delivery;
mod hands;
mod heard;
mod intent;
mod news;
mod notes;
mod pause;
mod personal;
mod pictures;
mod recording;
mod takeover;
#[cfg(test)]
mod tests;
mod values;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use karakuri_audit::{Actor, AuditError, Entry, Event, IntoEntry, Log, Recorded};
use karakuri_link::AsyncLink;
use karakuri_protocol::desktop::Script;
use karakuri_protocol::job::{Outcome, Progress};
use karakuri_protocol::script::{CallError, ErrorKind, Level};
use karakuri_protocol::untrusted::Untrusted;
use karakuri_workflow::inputs::Bound;
use serde_json::Value;

use crate::broker::Broker;
use crate::desktop::{Desktop, DesktopError};
use crate::display::Display;
use crate::end::End;
use crate::evidence::{Evidence, EvidenceError, Sealed};
use crate::film::Film;
use crate::timeline::{Timeline, What};
use crate::values::Values;
use crate::walls::Ground;

pub use delivery::{deliver_all, deliver_rest, of_delivery, of_removal};
pub use heard::{Heard, record_heard};
pub use pause::Pause;
pub use recording::{keep_all, keep_rest};
pub use takeover::{Takeover, Window};
pub use watch::{Running, Watch, Watched, last_attempts};

/// How long a wait lasts that does not say, until the script sets another time.
const DEFAULT_WAIT_MS: u32 = 10_000;

/// Tells the requester what happens. The requester may be gone; the run does not depend on it.
#[derive(Clone, Debug)]
pub struct Requester(Rc<AsyncLink>);

impl Requester {
    /// Takes the link.
    #[must_use]
    pub fn new(link: AsyncLink) -> Self {
        Self(Rc::new(link))
    }

    /// Sends one message; it is lost when the requester does not keep up.
    pub fn tell(&self, progress: &Progress) {
        if let Err(e) = self.0.try_send(progress) {
            tracing::debug!("the requester does not listen: {e}");
        }
    }

    /// Sends the last message, however long the requester takes to read it.
    pub fn finished(&self, outcome: Outcome) {
        if let Err(e) = self.0.send(&Progress::Finished(Box::new(outcome)), &[]) {
            tracing::debug!("the requester is gone: {e}");
        }
    }

    /// A part of the preparation begins.
    pub fn step(&self, name: &str) {
        self.tell(&Progress::Step { name: name.into() });
    }

    pub(crate) fn link(&self) -> &AsyncLink {
        &self.0
    }
}

/// What of a run outlives the script: the record of it, and its results. The session and the keeper of
/// the recording write to it in turn; nothing of it stays borrowed while one of them waits.
#[derive(Debug)]
pub struct Record {
    /// The audit log.
    pub audit: RefCell<Log>,
    /// Sealing.
    pub evidence: RefCell<Evidence>,
    /// The timeline, also written to by [`Watch`].
    pub timeline: Rc<RefCell<Timeline>>,
    /// The outputs the script set.
    pub outputs: RefCell<BTreeMap<String, Value>>,
    /// Defects that did not end the run.
    pub soft_failures: RefCell<Vec<Untrusted>>,
    /// What the manifest's `collect` names and is not kept, each with the reason.
    pub not_collected: RefCell<Vec<String>>,
    /// What the workflow should mend, in words.
    pub warnings: RefCell<Vec<String>>,
    /// The personal values of the run.
    pub values: RefCell<Values>,
    /// What the report plays of the recording.
    pub film: RefCell<Film>,
    /// What happened beside the conversation with the script and is not recorded yet, from [`Watch`].
    pub heard: Rc<Heard>,
    /// Steps begun.
    pub steps: Cell<u32>,
    /// The run's id.
    pub run: String,
}

impl Record {
    /// Appends a record of what karakurid does.
    ///
    /// # Errors
    /// Ends the run: no record, no act.
    pub fn note(&self, actor: Actor, event: Event) -> Result<(), End> {
        let entry = Entry { run: Some(self.run.clone()), actor, event };
        self.append(entry).map(drop)
    }

    fn append<T: IntoEntry>(&self, intent: T) -> Result<Recorded<T>, End> {
        self.catch_up()?;
        self.append_one(intent)
    }

    /// Records what was heard of.
    fn catch_up(&self) -> Result<(), End> {
        for (actor, event) in self.heard.take() {
            self.append_one(Entry { run: Some(self.run.clone()), actor, event })?;
        }
        Ok(())
    }

    fn append_one<T: IntoEntry>(&self, intent: T) -> Result<Recorded<T>, End> {
        let news = self.news_of(&intent.entry().event);
        let appended = self.audit.borrow_mut().append(intent);
        let recorded = appended.map_err(|e: AuditError| End::evidence("the audit log", e))?;
        news.map_or(Ok(()), |news| self.announce(news))?;
        Ok(recorded)
    }

    /// Waits while the spool is full: the store takes what is there, and what made it full waits for that.
    /// It is time of the run, which its limit ends.
    pub async fn room(&self) {
        let shared = self.evidence.borrow().shared().clone();
        if !shared.spool.borrow().has_room() {
            tracing::warn!("the spool is full; the run waits until the store has taken more of it");
        }
        while !shared.spool.borrow().has_room() {
            shared.less.notified().await;
        }
    }

    /// Seals an artifact and records that.
    ///
    /// # Errors
    /// Ends the run.
    pub fn seal(
        &self,
        class: karakuri_seal::Class,
        name: &str,
        media_type: &str,
        bytes: impl std::io::Read,
    ) -> Result<Sealed, End> {
        let sealed = self
            .evidence
            .borrow_mut()
            .seal(class, name, media_type, bytes)
            .map_err(|e: EvidenceError| End::evidence("sealing evidence", e))?;
        self.append(sealed.entry(&self.run))?;
        Ok(sealed)
    }

    /// Adds a line to the timeline; as it may be shown.
    pub fn line(&self, level: Level, text: &Untrusted) -> Untrusted {
        self.timeline.borrow_mut().line(level, text)
    }

    /// Adds a moment to the timeline.
    pub fn push(&self, what: What) {
        self.timeline.borrow_mut().push(what);
    }
}

/// The run while the script lives.
#[derive(Debug)]
pub struct Session<'a> {
    record: &'a Record,
    broker: Broker,
    desktop: Desktop,
    display: Display,
    requester: Requester,
    inputs: BTreeMap<String, Bound>,
    ground: Rc<Ground>,
    language: Script,
    pause: Rc<Pause>,
    wait_ms: u32,
    calls: u32,
    unhandled: Option<ErrorKind>,
}

/// Why a call has no result.
enum Fault {
    /// The script is told, and goes on.
    Call(CallError),
    /// The run ends.
    Run(End),
}

impl From<End> for Fault {
    fn from(end: End) -> Self {
        Self::Run(end)
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<DesktopError> for Fault {
    fn from(error: DesktopError) -> Self {
        use karakuri_protocol::desktop::{Failure, FailureKind};
        match error {
            DesktopError::Failed(Failure { kind: FailureKind::BadRequest, message }) => {
                Self::Call(CallError::new(ErrorKind::InvalidParams, message))
            }
            DesktopError::Failed(Failure { kind: FailureKind::Unsupported, message }) => {
                Self::Call(CallError::new(ErrorKind::Unsupported, message))
            }
            other => Self::Run(other.into()),
        }
    }
}

impl<'a> Session<'a> {
    /// A session whose desktop and display are up.
    pub fn new(
        record: &'a Record,
        broker: Broker,
        (desktop, display): (Desktop, Display),
        requester: Requester,
        inputs: BTreeMap<String, Bound>,
        ground: Rc<Ground>,
        pause: Rc<Pause>,
    ) -> Self {
        let language = broker.grant().language();
        Self {
            record,
            broker,
            desktop,
            display,
            requester,
            inputs,
            ground,
            language,
            pause,
            wait_ms: DEFAULT_WAIT_MS,
            calls: 0,
            unhandled: None,
        }
    }

    /// The kind of error the script was last told and has not reacted to with another call.
    #[must_use]
    pub fn unhandled(&self) -> Option<ErrorKind> {
        self.unhandled
    }

    /// Whether the run used its desktop, and so has a recording.
    #[must_use]
    pub fn used_desktop(&self) -> bool {
        self.desktop.was_asked()
    }

    /// Acts carried out.
    #[must_use]
    pub fn acts(&self) -> u32 {
        self.broker.acts()
    }
}
