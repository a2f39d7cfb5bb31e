//! From the spool to the store: hands sealed files to the courier, oldest first, several at once, and
//! journals what it says before anything follows from it.
//!
//! The courier makes one attempt at a time and remembers nothing. When to try again is decided here: for
//! ever, after a random part (full jitter) of a time that doubles up to `MOST`, on a clock that nobody
//! sets. What the store refuses again and again, or cannot ever take, is parked for a person, and does not
//! hold up the rest.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::time::Duration;

use karakuri_link::AsyncLink;
use karakuri_protocol::courier::{
    Checksum, Failure, Kind, MAX_IN_FLIGHT, Proof, Put, Said, Stored, VERSION,
};
use karakuri_protocol::job::Release;
use karakuri_sandbox::link::LinkError;
use karakuri_site::network::Window;
use karakuri_spool::{ArtifactId, Change, SpoolError, State, Upload};
use time::{OffsetDateTime, UtcOffset};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::evidence::{Shared, key};

/// The longest time to the first further attempt, and to any.
const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(5 * 60);
/// Outside the site's hours, so often it is looked whether they have come.
const LOOK: Duration = Duration::from_secs(30);
/// So often the store may refuse a file before it is parked: a policy takes a while to be in force
/// everywhere.
const REFUSALS: u32 = 3;

/// Why nothing can be delivered any more.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The journal or a file.
    #[error("the spool: {0}")]
    Spool(#[from] SpoolError),
    /// The courier's link.
    #[error("karakuri-courier: {0}")]
    Link(#[from] LinkError),
    /// It ended.
    #[error("karakuri-courier is gone")]
    Gone,
    /// It speaks another language.
    #[error("karakuri-courier speaks version {0}, this is {VERSION}; install both together")]
    Version(u16),
    /// It spoke out of turn.
    #[error("karakuri-courier answered what nobody asked")]
    OutOfTurn,
}

/// What became of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It is in the store.
    Delivered(ArtifactId, Proof),
    /// It was given up until a person looks.
    Parked(ArtifactId, Failure),
    /// It will be tried again.
    PutOff(ArtifactId, Failure),
}

/// What waits when nothing goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Artifacts that are not in the store.
    pub artifacts: usize,
    /// Those of them that wait for a person.
    pub parked: usize,
    /// What the courier said last of a failure.
    pub reason: Option<String>,
}

/// The delivery through one courier.
#[derive(Debug)]
pub struct Delivery {
    courier: AsyncLink,
    shared: Shared,
    in_flight: BTreeMap<u64, ArtifactId>,
    next_id: u64,
    refusals: BTreeMap<ArtifactId, u32>,
    failures: u32,
    not_before: Option<Instant>,
    reason: Option<String>,
    hours: Option<Hours>,
}

/// When something may be sent, by the local time of the start of this process.
#[derive(Clone, Copy, Debug)]
pub struct Hours {
    /// The site's.
    pub window: Window,
    /// From UTC to local time.
    pub offset: UtcOffset,
}

impl Hours {
    fn are_open(self) -> bool {
        let now = OffsetDateTime::now_utc().to_offset(self.offset);
        self.window.contains(u16::from(now.hour()) * 60 + u16::from(now.minute()))
    }
}

impl Delivery {
    /// A delivery that has not begun.
    #[must_use]
    pub fn new(courier: AsyncLink, shared: Shared) -> Self {
        Self {
            courier,
            hours: shared.hours,
            shared,
            in_flight: BTreeMap::new(),
            next_id: 0,
            refusals: BTreeMap::new(),
            failures: 0,
            not_before: None,
            reason: None,
        }
    }

    /// The next thing that happens, however long it takes. Dropping the future loses nothing.
    ///
    /// # Errors
    /// See [`DeliveryError`]; then nothing more can be delivered by this courier.
    pub async fn next(&mut self) -> Result<Happened, DeliveryError> {
        loop {
            if let Some(happened) = self.step().await? {
                return Ok(happened);
            }
            self.shared.more.notified().await;
        }
    }

    /// The next thing that happens; nothing when nothing waits that could be delivered, or when `until`
    /// has come.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn next_until(&mut self, until: Instant) -> Result<Option<Happened>, DeliveryError> {
        timeout_at(until, self.step()).await.unwrap_or(Ok(None))
    }

    /// What is not in the store.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        let spool = self.shared.spool.borrow();
        let (mut artifacts, mut parked) = (0, 0);
        for (_, artifact) in spool.artifacts() {
            match artifact.state() {
                State::Kept | State::Uploading { .. } => artifacts += 1,
                State::Parked { .. } => (artifacts, parked) = (artifacts + 1, parked + 1),
                State::Delivered { .. } | State::Deleted | State::Lost => {}
            }
        }
        Waiting { artifacts, parked, reason: self.reason.clone() }
    }

    /// Whether there is nothing that could be delivered: a manifest waits for what is parked.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.shared.spool.borrow().pending().next().is_none()
    }

    /// Deletes what was delivered and has stayed long enough: the artifacts that are gone.
    ///
    /// # Errors
    /// [`DeliveryError::Spool`].
    pub fn tidy(&mut self) -> Result<Vec<ArtifactId>, DeliveryError> {
        let now = self.shared.clock.now();
        let mut spool = self.shared.spool.borrow_mut();
        let due = spool.due(now);
        spool.delete(&due, now)?;
        self.shared.less.notify_one();
        Ok(due)
    }

    /// Deletes those of `wanted` that are delivered, whatever their stay: the artifacts that are gone.
    ///
    /// # Errors
    /// [`DeliveryError::Spool`].
    pub fn release(&mut self, wanted: &[Release]) -> Result<Vec<ArtifactId>, DeliveryError> {
        let mut spool = self.shared.spool.borrow_mut();
        let is_wanted = |id: &ArtifactId| {
            let of_run = |one: &&Release| one.run == id.run();
            wanted.iter().filter(of_run).any(|one| one.files.iter().any(|file| file == id.file()))
        };
        let delivered = spool.artifacts().filter(|(id, artifact)| {
            matches!(artifact.state(), State::Delivered { .. }) && is_wanted(id)
        });
        let ids: Vec<_> = delivered.map(|(id, _)| id.clone()).collect();
        spool.release(&ids)?;
        Ok(ids)
    }

    async fn step(&mut self) -> Result<Option<Happened>, DeliveryError> {
        loop {
            self.hand_over()?;
            let pause = self.not_before;
            if self.in_flight.is_empty() && pause.is_none() {
                return Ok(None);
            }
            tokio::select! {
                said = self.courier.recv::<Said>(), if !self.in_flight.is_empty() => {
                    let (said, _) = said?.ok_or(DeliveryError::Gone)?;
                    if let Some(happened) = self.take(said)? {
                        return Ok(Some(happened));
                    }
                }
                () = sleep_until(pause.unwrap_or_else(Instant::now)), if pause.is_some() => {
                    self.not_before = None;
                }
            }
        }
    }

    /// Whether it is time to send.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.hours.is_none_or(Hours::are_open)
    }

    /// Gives the courier as much as it takes.
    fn hand_over(&mut self) -> Result<(), DeliveryError> {
        if !self.is_open() {
            self.reason = Some("it is outside network.window of site.toml".to_owned());
            self.not_before = Some(Instant::now() + LOOK);
        }
        // Looking through the spool costs more than one artifact is worth.
        if self.not_before.is_some() || self.in_flight.len() > MAX_IN_FLIGHT / 2 {
            return Ok(());
        }
        let spool = self.shared.spool.borrow();
        let flying = |id: &ArtifactId| self.in_flight.values().any(|other| other == id);
        let room = MAX_IN_FLIGHT - self.in_flight.len();
        let chosen: Vec<_> = spool.pending().filter(|(id, _)| !flying(id)).take(room).collect();
        for (id, artifact) in chosen {
            let file = spool.open_artifact(id)?;
            let content = artifact.content();
            let put = Put {
                id: self.next_id,
                key: key(id),
                length: content.length,
                sha256: hex::encode(content.sha256),
                class: stored(id),
                resume: artifact.upload().map(|upload| upload.id.clone()),
            };
            self.courier.send(&put, &[file.as_fd()])?;
            self.in_flight.insert(self.next_id, id.clone());
            self.next_id += 1;
        }
        Ok(())
    }

    fn take(&mut self, said: Said) -> Result<Option<Happened>, DeliveryError> {
        match said {
            Said::Ready { version: VERSION } => Ok(None),
            Said::Ready { version } => Err(DeliveryError::Version(version)),
            Said::Progress { .. } => Ok(None),
            Said::Started { id, upload_id } => {
                let artifact = self.in_flight.get(&id).ok_or(DeliveryError::OutOfTurn)?.clone();
                self.change(
                    artifact,
                    Change::Uploading(Upload { id: upload_id, parts: Vec::new() }),
                )?;
                Ok(None)
            }
            Said::Stored { id, proof } => {
                let artifact = self.in_flight.remove(&id).ok_or(DeliveryError::OutOfTurn)?;
                (self.failures, self.reason) = (0, None);
                self.refusals.remove(&artifact);
                self.change(artifact.clone(), Change::Delivered(journalled(&proof)))?;
                Ok(Some(Happened::Delivered(artifact, proof)))
            }
            Said::Failed { id, failure } => {
                let artifact = self.in_flight.remove(&id).ok_or(DeliveryError::OutOfTurn)?;
                self.reason = Some(failure.message.clone());
                if self.may_try_again(&artifact, failure.kind) {
                    self.put_off();
                    return Ok(Some(Happened::PutOff(artifact, failure)));
                }
                self.refusals.remove(&artifact);
                let reason = failure.message.clone();
                self.change(artifact.clone(), Change::Parked { reason })?;
                Ok(Some(Happened::Parked(artifact, failure)))
            }
        }
    }

    fn may_try_again(&mut self, artifact: &ArtifactId, kind: Kind) -> bool {
        if kind == Kind::Refused {
            let refusals = self.refusals.entry(artifact.clone()).or_default();
            *refusals += 1;
            return *refusals < REFUSALS;
        }
        kind.is_retryable()
    }

    /// All that failed in one round waits as one.
    fn put_off(&mut self) {
        if self.not_before.is_none() {
            let longest = LEAST.saturating_mul(1 << self.failures.min(16)).min(MOST);
            self.failures += 1;
            self.not_before = Some(Instant::now() + longest.mul_f64(random_share()));
        }
    }

    fn change(&self, artifact: ArtifactId, change: Change) -> Result<(), DeliveryError> {
        let now = self.shared.clock.now();
        Ok(self.shared.spool.borrow_mut().change(vec![(artifact, change)], now)?)
    }
}

/// A proof as the journal has it.
fn journalled(proof: &Proof) -> karakuri_spool::Proof {
    let checksum = match &proof.checksum {
        Checksum::Sha256(value) => format!("sha256:{value}"),
        Checksum::Crc64nvme(value) => format!("crc64nvme:{value}"),
    };
    let Proof { etag, version, .. } = proof.clone();
    karakuri_spool::Proof { checksum, etag, version }
}

/// From 0 to 1. Couriers of many sites that fail together must not come back together.
fn random_share() -> f64 {
    let mut bytes = [0; 4];
    // Without random numbers the whole time is waited.
    match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
        Ok(4) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        _ => 1.0,
    }
}

/// What a file of the spool holds.
fn stored(id: &ArtifactId) -> Option<Stored> {
    match id.event() {
        Some(_) => Some(Stored::Event),
        None => Stored::of_file(id.file()),
    }
}
