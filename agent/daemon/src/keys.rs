//! The data keys of a run: one for each class, all of them before anything is done, so that a KMS that is
//! away or refuses keeps a run from starting and never from ending.

use std::fs;
use std::time::Duration;

use karakuri_link::AsyncLink;
use karakuri_protocol::courier::{Generate, KeyContext, KeySaid};
use karakuri_seal::kms::{Generated, KmsRsa};
use karakuri_seal::{Class, Context, DataKey, Recipient, Sealer, Wrap};
use karakuri_site::Site;
use tokio::time::timeout;

use crate::end::End;
use crate::evidence::Origin;

/// How long KMS may take for all of them, with the session that the courier needs first.
const PATIENCE: Duration = Duration::from_secs(60);

/// The public keys that everything is sealed for, read while files can still be opened.
pub struct Recipients(Vec<Box<dyn Wrap>>);

impl std::fmt::Debug for Recipients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recipients({})", self.0.len())
    }
}

impl Recipients {
    /// Those of the site; without a `site.toml`, the one that came with the job.
    ///
    /// # Errors
    /// What is wrong with which key.
    pub fn of(site: &Site, (name, pem): (&str, &str)) -> Result<Self, String> {
        let keys = &site.keys;
        let mut all: Vec<Box<dyn Wrap>> = Vec::new();
        for key in &keys.raw_rsa {
            let pem = read(key.public_key.as_path())?;
            let recipient = Recipient::from_pem(&key.namespace, &key.name, &pem);
            all.push(Box::new(recipient.map_err(|e| e.to_string())?));
        }
        if let Some(kms) = &keys.aws_kms
            && let Some(public_key) = &kms.public_key
        {
            let pem = read(public_key.as_path())?;
            all.push(Box::new(
                KmsRsa::from_pem(kms.key.as_str(), &pem).map_err(|e| e.to_string())?,
            ));
        }
        if all.is_empty() && keys.aws_kms.is_none() {
            let recipient = Recipient::from_pem("karakuri", name, pem);
            all.push(Box::new(recipient.map_err(|e| e.to_string())?));
        }
        Ok(Self(all))
    }

    /// Seals for these keys alone.
    ///
    /// # Errors
    /// When a key cannot be used.
    pub fn sealers(&self, origin: &Origin) -> Result<Vec<(Class, Sealer)>, End> {
        let sealer =
            |class| Ok((class, Sealer::new(context(origin, class), &self.0).map_err(failed)?));
        Class::ALL.into_iter().map(sealer).collect()
    }

    /// Has KMS make the data keys, and seals for these keys too.
    ///
    /// # Errors
    /// When KMS is away or refuses; nothing is begun then.
    pub async fn generated(
        &self,
        origin: &Origin,
        courier: &AsyncLink,
    ) -> Result<Vec<(Class, Sealer)>, End> {
        for (id, class) in (0..).zip(Class::ALL) {
            let context = KeyContext::from(&context(origin, class));
            courier.send(&Generate { id, context }, &[]).map_err(failed)?;
        }
        let mut sealers = Vec::new();
        while sealers.len() < Class::ALL.len() {
            let answer = timeout(PATIENCE, courier.recv::<KeySaid>()).await;
            let answer = answer.map_err(|_| failed("KMS did not answer within 60 s"))?;
            let (said, mut fds) =
                answer.map_err(failed)?.ok_or_else(|| failed("the courier of the keys is gone"))?;
            match said {
                KeySaid::Ready { .. } => {}
                KeySaid::Failed { failure, .. } => return Err(failed(failure.message)),
                KeySaid::Generated { id, key_arn, wrapped } => {
                    let class = usize::try_from(id).ok().and_then(|id| Class::ALL.get(id));
                    let (Some(class), Some(pipe)) = (class.copied(), fds.pop()) else {
                        return Err(failed("the courier of the keys answered out of turn"));
                    };
                    let key = DataKey::read(fs::File::from(pipe)).map_err(failed)?;
                    let generated = Generated::new(&key_arn, wrapped, key);
                    let context = context(origin, class);
                    let sealer = Sealer::with_generated(context, generated, &self.0);
                    sealers.push((class, sealer.map_err(failed)?));
                }
            }
        }
        Ok(sealers)
    }
}

fn context(Origin { tenant, site, run }: &Origin, class: Class) -> Context {
    Context { tenant: tenant.clone(), site: site.clone(), run: run.clone(), class }
}

fn read(path: &std::path::Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn failed(reason: impl std::fmt::Display) -> End {
    End::evidence("getting the run's data keys", reason)
}
