//! Sealing, the signed manifest, and the way to the store.
//!
//! An artifact is written as ciphertext only: `spool/<run>/<id>.esdk.tmp`, fdatasync, rename,
//! fsync of the directory. It stays there until the courier has it in the store. Plaintext is never
//! on disk.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use karakuri_audit::{Actor, Entry, Event};
use karakuri_protocol::courier::{Deliver, Delivered};
use karakuri_sandbox::link::LinkError;
use karakuri_seal::manifest::{self, Artifact, Manifest, SigningIdentity};
use karakuri_seal::{Class, Context, Recipient, SealError, Sealer};
use sha2::{Digest, Sha256};

use crate::async_link::AsyncLink;

/// Name of the signed manifest in the store.
pub const MANIFEST: &str = "manifest.dsse.json";

/// Why evidence cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// A file of the spool.
    #[error("{path}: {source}; is the disk full?")]
    Spool {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Sealing.
    #[error("sealing: {0}")]
    Seal(#[from] SealError),
    /// Signing.
    #[error("signing the manifest: {0}")]
    Manifest(#[from] manifest::ManifestError),
    /// The courier.
    #[error("karakuri-courier: {0}")]
    Courier(String),
    /// Its link.
    #[error("karakuri-courier: {0}")]
    Link(#[from] LinkError),
}

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

/// The evidence of one run.
#[derive(Debug)]
pub struct Evidence {
    origin: Origin,
    recipient: Recipient,
    signer: SigningIdentity,
    sealers: Vec<(Class, Sealer)>,
    spool: PathBuf,
    sealed: Vec<Sealed>,
}

impl Evidence {
    /// Prepares the spool directory of the run.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(
        origin: Origin,
        recipient: Recipient,
        signer: SigningIdentity,
        spool: &Path,
    ) -> Result<Self, EvidenceError> {
        let spool = spool.join(&origin.run);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&spool).map_err(at(&spool))?;
        Ok(Self { origin, recipient, signer, sealers: Vec::new(), spool, sealed: Vec::new() })
    }

    /// Everything sealed so far.
    #[must_use]
    pub fn sealed(&self) -> &[Sealed] {
        &self.sealed
    }

    /// Key of the run in the store.
    #[must_use]
    pub fn prefix(&self) -> String {
        // A run's id begins with its UTC date, `20261121T…`.
        let run = &self.origin.run;
        let date = (run.get(..4), run.get(4..6), run.get(6..8));
        match date {
            (Some(year), Some(month), Some(day)) => format!("runs/{year}-{month}-{day}/{run}"),
            _ => format!("runs/undated/{run}"),
        }
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
        let id = format!("{:04}-{}", self.sealed.len() + 1, class.as_str());
        let path = self.spool.join(format!("{id}.esdk"));
        let temporary = self.spool.join(format!("{id}.esdk.tmp"));
        let file = create(&temporary)?;
        let summary = self.sealer(class)?.seal(plaintext, &file)?;
        commit(&file, &temporary, &path, &self.spool)?;
        let artifact = Artifact {
            id,
            name: name.to_owned(),
            class,
            media_type: media_type.to_owned(),
            summary,
        };
        self.sealed.push(Sealed(artifact));
        self.sealed.last().cloned().ok_or_else(|| EvidenceError::Courier("nothing sealed".into()))
    }

    fn sealer(&mut self, class: Class) -> Result<&mut Sealer, EvidenceError> {
        let known = self.sealers.iter().position(|(c, _)| *c == class);
        let index = match known {
            Some(index) => index,
            None => {
                let Origin { tenant, site, run } = self.origin.clone();
                let context = Context { tenant, site, run, class };
                let sealer = Sealer::new(context, std::slice::from_ref(&self.recipient))?;
                self.sealers.push((class, sealer));
                self.sealers.len() - 1
            }
        };
        Ok(&mut self.sealers[index].1)
    }

    /// Signs the manifest. Nothing can be sealed afterwards.
    ///
    /// # Errors
    /// See [`EvidenceError`].
    pub fn sign(
        self,
        about: impl FnOnce(Vec<Artifact>) -> Manifest,
    ) -> Result<Signed, EvidenceError> {
        let artifacts = self.sealed.iter().map(|s| s.0.clone()).collect();
        let manifest = about(artifacts);
        let envelope = manifest::sign(&manifest, &self.signer)?;
        let path = self.spool.join(MANIFEST);
        let temporary = self.spool.join(format!("{MANIFEST}.tmp"));
        let mut file = create(&temporary)?;
        file.write_all(&envelope).map_err(at(&temporary))?;
        commit(&file, &temporary, &path, &self.spool)?;
        Ok(Signed { prefix: self.prefix(), spool: self.spool, artifacts: manifest.artifacts })
    }
}

/// A run whose manifest is signed: complete, and ready to leave.
#[derive(Debug)]
pub struct Signed {
    prefix: String,
    spool: PathBuf,
    artifacts: Vec<Artifact>,
}

impl Signed {
    /// Has the courier take everything to the store, the manifest last, and empties the spool.
    ///
    /// # Errors
    /// See [`EvidenceError`]. What is not delivered stays in the spool.
    pub async fn deliver(self, courier: &AsyncLink) -> Result<(), EvidenceError> {
        let names = self.artifacts.iter().map(|a| format!("{}.esdk", a.id));
        for name in names.chain([MANIFEST.to_owned()]) {
            let path = self.spool.join(&name);
            let (length, sha256) = measure(&path)?;
            let file = File::open(&path).map_err(at(&path))?;
            let key = format!("{}/{name}", self.prefix);
            courier.send(&Deliver { key, length, sha256 }, &[file.as_fd()])?;
            match courier.recv::<Delivered>().await? {
                Some((Delivered::Stored, _)) => {}
                Some((Delivered::Failed { message }, _)) => {
                    return Err(EvidenceError::Courier(message));
                }
                None => return Err(EvidenceError::Courier("the process is gone".to_owned())),
            }
        }
        fs::remove_dir_all(&self.spool).map_err(at(&self.spool))
    }
}

fn create(path: &Path) -> Result<File, EvidenceError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(at(path))
}

/// Makes a finished file durable under its final name.
fn commit(
    file: &File,
    temporary: &Path,
    path: &Path,
    directory: &Path,
) -> Result<(), EvidenceError> {
    file.sync_data().map_err(at(temporary))?;
    fs::rename(temporary, path).map_err(at(path))?;
    File::open(directory).and_then(|d| d.sync_all()).map_err(at(directory))
}

fn measure(path: &Path) -> Result<(u64, String), EvidenceError> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut digest = Sha256::new();
    let mut length = 0;
    let mut buffer = vec![0u8; 256 * 1024];
    loop {
        let count = file.read(&mut buffer).map_err(at(path))?;
        if count == 0 {
            break;
        }
        length += count as u64;
        digest.update(&buffer[..count]);
    }
    let hex = digest.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok((length, hex))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> EvidenceError {
    let path = path.to_owned();
    move |source| EvidenceError::Spool { path, source }
}
