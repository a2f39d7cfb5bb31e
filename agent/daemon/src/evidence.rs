//! Sealing and the signed manifest. What is sealed goes into the spool, from where it is delivered
//! (`delivery.rs`); plaintext is never on disk.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::rc::Rc;

use karakuri_audit::{Actor, Entry, Event};
use karakuri_protocol::event::RunEvent;
use karakuri_seal::manifest::{self, Artifact, MAX_ENVELOPE, Manifest, SigningIdentity};
use karakuri_seal::{Class, IndexKey, SealError, Sealer, Sha256, Summary};
use karakuri_spool::{ArtifactId, Draft, EVENT, MANIFEST, Spool, SpoolError, UPLOADED};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::delivery::Hours;
use crate::news;

/// Why evidence cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The spool.
    #[error("the spool: {0}")]
    Spool(#[from] SpoolError),
    /// Sealing.
    #[error("sealing: {0}")]
    Seal(#[from] SealError),
    /// Signing.
    #[error("signing the manifest: {0}")]
    Manifest(#[from] manifest::ManifestError),
    /// The manifest could not be written.
    #[error("writing the manifest: {0}")]
    Write(#[from] std::io::Error),
    /// An event could not be written.
    #[error("writing an event: {0}")]
    Event(serde_json::Error),
    /// The run has no data keys: it was refused before it got any.
    #[error("there is no data key for {0}: the run was not begun")]
    NoKey(Class),
    /// The manifest would be larger than anybody reads.
    #[error(
        "the run has {0} artifacts, and its manifest no room for more; split the work into several runs"
    )]
    TooMany(usize),
}

/// Bytes of names and the like in a manifest that has room left for what ends the run. A run that needs more
/// ends with [`karakuri_protocol::job::Exit::EvidenceFailed`]; its manifest has all that was sealed before.
const MANIFEST_ROOM: usize = MAX_ENVELOPE / 2;
/// Of an artifact in a manifest beside its name, about.
const ENTRY: usize = 600;

/// Proof that an artifact is sealed and on disk. It can be passed on, but made only by
/// [`Evidence::seal`]:
///
/// ```
/// use karakuri_seal::manifest::Artifact;
/// use karakurid::evidence::Sealed;
/// fn passed_on(sealed: Sealed, _: Artifact) -> Sealed {
///     sealed
/// }
/// ```
/// ```compile_fail,E0423
/// use karakuri_seal::manifest::Artifact;
/// use karakurid::evidence::Sealed;
/// fn forged(_: Sealed, artifact: Artifact) -> Sealed {
///     Sealed(artifact)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Sealed(Artifact);

impl Sealed {
    /// What the manifest says of it.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.0
    }

    /// What the audit log says of it.
    #[must_use]
    pub fn entry(&self, run: &str) -> Entry {
        let Artifact { id, class, summary, .. } = &self.0;
        Entry {
            run: Some(run.to_owned()),
            actor: Actor::Daemon,
            event: Event::ArtifactSealed {
                id: id.clone(),
                class: class.as_str().to_owned(),
                message_id: summary.message_id.to_string(),
                message_length: summary.message_length,
                message_sha256: karakuri_audit::Sha256::from_bytes(
                    *summary.message_sha256.as_bytes(),
                ),
            },
        }
    }
}

/// Where a run's artifacts come from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The customer.
    pub tenant: String,
    /// The installation.
    pub site: String,
    /// The run's id.
    pub run: String,
}

/// The spool, as those who fill it and the one who empties it share it.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Nothing of it stays borrowed while anybody waits.
    pub spool: Rc<RefCell<Spool>>,
    /// Wakes who delivers.
    pub more: Rc<Notify>,
    /// Wakes who waits for room.
    pub less: Rc<Notify>,
    /// The spool's time.
    pub clock: Clock,
    /// When files may be sent.
    pub hours: Option<Hours>,
}

impl Shared {
    /// Has the spool keep what was written; on return it survives a crash.
    fn keep(&self, draft: Draft, length: u64, sha256: [u8; 32]) -> Result<(), SpoolError> {
        let written = draft.finish(length, sha256)?;
        self.spool.borrow_mut().commit(vec![written], self.clock.now())?;
        self.more.notify_one();
        Ok(())
    }
}

/// The evidence of one run.
#[derive(Debug)]
pub struct Evidence {
    origin: Origin,
    signer: SigningIdentity,
    sealers: Vec<(Class, Sealer)>,
    shared: Shared,
    sealed: Vec<Sealed>,
    /// Bytes of the manifest, about.
    listed: usize,
    /// Whether the site has a bus.
    announces: bool,
    announced: u32,
    /// Whether what is sealed now is the run's last.
    closing: bool,
}

impl Evidence {
    /// Nothing can be sealed before [`Evidence::unlock`].
    #[must_use]
    pub fn new(origin: Origin, signer: SigningIdentity, shared: Shared, announces: bool) -> Self {
        let (sealers, sealed) = (Vec::new(), Vec::new());
        Self {
            origin,
            signer,
            sealers,
            shared,
            sealed,
            listed: 0,
            announces,
            announced: 0,
            closing: false,
        }
    }

    /// Hands over the data keys, one for each class.
    pub fn unlock(&mut self, sealers: Vec<(Class, Sealer)>) {
        self.sealers = sealers;
    }

    /// From now on only what ends the run is sealed: it may use room that nothing else may.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// The key of the run's blind index.
    ///
    /// # Errors
    /// [`EvidenceError::NoKey`] and [`EvidenceError::Seal`].
    pub fn index_key(&self) -> Result<IndexKey, EvidenceError> {
        let sealer = self.sealers.iter().find(|(of, _)| *of == Class::Pii);
        Ok(sealer.ok_or(EvidenceError::NoKey(Class::Pii))?.1.index_key()?)
    }

    /// Whether there are data keys.
    #[must_use]
    pub fn is_unlocked(&self) -> bool {
        !self.sealers.is_empty()
    }

    /// Where the artifacts come from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The spool that they go to.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Everything sealed so far.
    #[must_use]
    pub fn sealed(&self) -> &[Sealed] {
        &self.sealed
    }

    /// Key of the run in the store.
    #[must_use]
    pub fn prefix(&self) -> String {
        prefix(&self.origin.run)
    }

    /// Seals what `plaintext` yields.
    ///
    /// # Errors
    /// See [`EvidenceError`]. What was written so far is removed.
    pub fn seal(
        &mut self,
        class: Class,
        name: &str,
        media_type: &str,
        plaintext: impl Read,
    ) -> Result<Sealed, EvidenceError> {
        // In JSON a character of a name may take two.
        self.listed += ENTRY + 2 * name.len();
        if self.listed > MANIFEST_ROOM && !self.closing {
            return Err(EvidenceError::TooMany(self.sealed.len()));
        }
        let id = format!("{:04}-{}", self.sealed.len() + 1, class.as_str());
        let summary = self.seal_file(class, &format!("{id}.esdk"), plaintext)?;
        let (name, media_type) = (name.to_owned(), media_type.to_owned());
        let sealed = Sealed(Artifact { id, name, class, media_type, summary });
        self.sealed.push(sealed.clone());
        Ok(sealed)
    }

    /// Seals an event about a run for the site's bus, if it has one and the keys are there. No manifest
    /// lists it.
    ///
    /// # Errors
    /// See [`EvidenceError`].
    pub fn announce(&mut self, subject: &str, event: RunEvent) -> Result<(), EvidenceError> {
        if !self.announces || !self.is_unlocked() {
            return Ok(());
        }
        let file = match &event {
            RunEvent::Uploaded { .. } => UPLOADED.to_owned(),
            other => {
                self.announced += 1;
                format!("{EVENT}{:04}-{}.esdk", self.announced, other.word())
            }
        };
        let event = news::cloud_event(&self.origin, &file, subject, event);
        let json = serde_json::to_vec(&event).map_err(EvidenceError::Event)?;
        self.seal_file(Class::Event, &file, json.as_slice()).map(drop)
    }

    fn seal_file(
        &mut self,
        class: Class,
        file: &str,
        plaintext: impl Read,
    ) -> Result<Summary, EvidenceError> {
        let sealer = self.sealers.iter_mut().find(|(of, _)| *of == class);
        let (_, sealer) = sealer.ok_or(EvidenceError::NoKey(class))?;
        let file = ArtifactId::new(&self.origin.run, file)?;
        let mut spool = self.shared.spool.borrow_mut();
        // Nobody waits for room with news.
        let is_last = self.closing || file.event().is_some();
        let mut draft = if is_last { spool.draft_last(file) } else { spool.draft(file) }?;
        drop(spool);
        let summary = match sealer.seal(plaintext, &mut draft) {
            Ok(summary) => summary,
            // What the file said is clearer than that writing failed.
            Err(e) => return Err(draft.into_failure().map_or_else(|| e.into(), Into::into)),
        };
        self.shared.keep(draft, summary.message_length, *summary.message_sha256.as_bytes())?;
        Ok(summary)
    }

    /// Signs the manifest. The spool takes nothing of the run afterwards.
    ///
    /// # Errors
    /// See [`EvidenceError`].
    pub fn sign(&self, about: impl FnOnce(Vec<Artifact>) -> Manifest) -> Result<(), EvidenceError> {
        let artifacts = self.sealed.iter().map(|s| s.0.clone()).collect();
        keep_manifest(&about(artifacts), &self.signer, &self.shared)
    }
}

/// Signs a manifest and puts it into the spool: the last of its run.
///
/// # Errors
/// See [`EvidenceError`].
pub fn keep_manifest(
    manifest: &Manifest,
    signer: &SigningIdentity,
    shared: &Shared,
) -> Result<(), EvidenceError> {
    let envelope = manifest::sign(manifest, signer)?;
    let mut draft = shared.spool.borrow_mut().draft(ArtifactId::new(&manifest.run, MANIFEST)?)?;
    if let Err(e) = draft.write_all(&envelope) {
        return Err(draft.into_failure().map_or(EvidenceError::Write(e), Into::into));
    }
    let digest = *Sha256::of(&envelope).as_bytes();
    Ok(shared.keep(draft, envelope.len() as u64, digest)?)
}

/// Key of a run in the store.
#[must_use]
pub fn prefix(run: &str) -> String {
    below("runs", run)
}

/// Key of a file of the spool in the store.
#[must_use]
pub fn key(id: &ArtifactId) -> String {
    match id.event() {
        Some(name) => format!("{}/{name}", below("events", id.run())),
        None => format!("{}/{}", prefix(id.run()), id.file()),
    }
}

/// A run's id begins with its UTC date, `20261121T…`.
fn below(top: &str, run: &str) -> String {
    match (run.get(..4), run.get(4..6), run.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{top}/{year}-{month}-{day}/{run}"),
        _ => format!("{top}/undated/{run}"),
    }
}
