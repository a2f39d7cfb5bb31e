//! The courier of a person who may decrypt: has KMS unwrap data keys, reads the bucket, and where it was
//! started for that, deletes. It keeps nothing, and decides nothing.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::EncryptionAlgorithmSpec;
use aws_sdk_s3::types::ServerSideEncryption;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use karakuri_link::AsyncLink;
use karakuri_protocol::auditor::{Asked, MAX_LISTED, Object, Said, VERSION};
use karakuri_protocol::courier::{Failure, KeyContext, Kind};
use karakuri_sandbox::link::LinkError;
use karakuri_sandbox::memfd;
use karakuri_site::name::KeyArn;
use karakuri_site::store::Bucketed;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::Sender;
use zeroize::Zeroizing;

use crate::failure::{self, failure};
use crate::keys::piped;
use crate::s3::bucket::is_taken;

/// So often it is looked whether nothing is left of what is erased; one look shows a thousand versions.
const MAX_ROUNDS: u32 = 100;

/// The most bytes of a record.
const MAX_RECORD: usize = 16 << 20;

/// What the person may use.
#[derive(Debug)]
pub(crate) struct Auditor {
    bucket: Option<(aws_sdk_s3::Client, Bucketed)>,
    kms: Option<(aws_sdk_kms::Client, KeyArn)>,
    erasing: bool,
}

impl Auditor {
    pub(crate) fn new(
        bucket: Option<(aws_sdk_s3::Client, Bucketed)>,
        kms: Option<(aws_sdk_kms::Client, KeyArn)>,
        erasing: bool,
    ) -> Self {
        Self { bucket, kms, erasing }
    }

    /// Serves until the other end is closed.
    pub(crate) async fn serve(&self, link: &AsyncLink) -> Result<(), LinkError> {
        link.send(&Said::Ready { version: VERSION }, &[])?;
        while let Some((asked, fds)) = link.recv::<Asked>().await? {
            match self.answer(asked, fds).await {
                Ok((said, Some(pipe))) => link.send(&said, &[pipe.as_fd()])?,
                Ok((said, None)) => link.send(&said, &[])?,
                Err(failure) => link.send(&Said::Failed(failure), &[])?,
            }
        }
        Ok(())
    }

    async fn answer(
        &self,
        asked: Asked,
        mut fds: Vec<OwnedFd>,
    ) -> Result<(Said, Option<OwnedFd>), Failure> {
        match asked {
            Asked::Unwrap { key_arn, wrapped, context } => {
                let pipe = self.unwrap(&key_arn, wrapped, context).await?;
                Ok((Said::Unwrapped {}, Some(pipe)))
            }
            Asked::List { prefix, after } => Ok((self.list(&prefix, after).await?, None)),
            Asked::Get { key } => {
                let pipe = fds.pop().ok_or_else(|| invalid("no pipe came with the request"))?;
                Ok((self.get(&key, pipe).await?, None))
            }
            Asked::Record { key } => {
                let record = fds.pop().ok_or_else(|| invalid("no record came with the request"))?;
                Ok((self.record(&key, record).await?, None))
            }
            Asked::Erase { key } => Ok((self.erase(&key).await?, None)),
        }
    }

    async fn unwrap(
        &self,
        key_arn: &str,
        wrapped: Vec<u8>,
        context: Option<KeyContext>,
    ) -> Result<OwnedFd, Failure> {
        let (client, key) = self
            .kms
            .as_ref()
            .filter(|(_, key)| key.as_str() == key_arn)
            .ok_or_else(|| invalid("this file names another key in KMS, or none"))?;
        let request = client.decrypt().key_id(key.as_str()).ciphertext_blob(Blob::new(wrapped));
        let request = match context {
            Some(KeyContext { tenant, site, run, class }) => {
                let pairs = [("tenant", tenant), ("site", site), ("run", run), ("class", class)];
                let pairs = pairs.map(|(name, value)| (name.to_owned(), value));
                request.set_encryption_context(Some(HashMap::from(pairs)))
            }
            None => request.encryption_algorithm(EncryptionAlgorithmSpec::RsaesOaepSha256),
        };
        let answer = request.send().await;
        let answer = answer.map_err(|e| failure::of(&format!("decrypting with {key}"), &e))?;
        if answer.key_id.as_deref() != Some(key.as_str()) {
            return Err(failure(Kind::Refused, "KMS answered with another key than was asked for"));
        }
        let plaintext =
            Zeroizing::new(answer.plaintext.map(|b| b.into_inner()).unwrap_or_default());
        piped(&plaintext).map_err(|e| failure(Kind::Retry, format!("a pipe for the key: {e}")))
    }

    fn bucket(&self) -> Result<(&aws_sdk_s3::Client, &Bucketed), Failure> {
        let bucket = self.bucket.as_ref().map(|(client, store)| (client, store));
        bucket.ok_or_else(|| invalid("this file names no bucket"))
    }

    async fn list(&self, prefix: &str, after: Option<String>) -> Result<Said, Failure> {
        let (client, store) = self.bucket()?;
        let (prefix, site) = (store.key(prefix), store.key(""));
        let request = client
            .list_objects_v2()
            .bucket(store.bucket.as_str())
            .prefix(&prefix)
            .max_keys(MAX_LISTED)
            .set_continuation_token(after)
            .set_expected_bucket_owner(owner(store));
        let found = request.send().await;
        let found = found.map_err(|e| failure::of(&format!("listing {prefix}"), &e))?;
        let object = |object: &aws_sdk_s3::types::Object| {
            let key = object.key()?.strip_prefix(&site)?.to_owned();
            Some(Object { key, bytes: u64::try_from(object.size()?).ok()? })
        };
        let objects = found.contents().iter().filter_map(object).collect();
        Ok(Said::Listed { objects, next: found.next_continuation_token })
    }

    async fn get(&self, key: &str, pipe: OwnedFd) -> Result<Said, Failure> {
        let (client, store) = self.bucket()?;
        let key = store.key(key);
        let doing = format!("fetching {key}");
        let broken = |e: std::io::Error| failure(Kind::Retry, format!("{doing}: {e}"));
        rustix::io::ioctl_fionbio(&pipe, true).map_err(|e| broken(e.into()))?;
        let mut pipe = Sender::from_owned_fd(pipe).map_err(broken)?;
        let request = client
            .get_object()
            .bucket(store.bucket.as_str())
            .key(&key)
            .set_expected_bucket_owner(owner(store));
        let mut body = request.send().await.map_err(|e| failure::of(&doing, &e))?.body;
        let mut bytes = 0;
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|e| failure(Kind::Retry, format!("{doing}: {e}")))?;
            pipe.write_all(&piece).await.map_err(broken)?;
            bytes += piece.len() as u64;
        }
        Ok(Said::Got { bytes })
    }

    fn erasing(&self) -> Result<(&aws_sdk_s3::Client, &Bucketed), Failure> {
        if !self.erasing {
            return Err(invalid("this courier was not started to erase anything"));
        }
        self.bucket()
    }

    async fn record(&self, key: &str, record: OwnedFd) -> Result<Said, Failure> {
        let (client, store) = self.erasing()?;
        let key = store.key(key);
        let read = memfd::read_sealed(record, MAX_RECORD);
        let record = read.map_err(|e| invalid(&format!("the record: {e}")))?;
        let sse = store.kms_key.as_ref().map(ToString::to_string);
        let request = client
            .put_object()
            .bucket(store.bucket.as_str())
            .key(&key)
            .if_none_match("*")
            .checksum_sha256(BASE64.encode(Sha256::digest(&record)))
            .set_server_side_encryption(sse.is_some().then_some(ServerSideEncryption::AwsKms))
            .set_ssekms_key_id(sse)
            .set_expected_bucket_owner(owner(store))
            .body(record.into());
        match request.send().await {
            Err(e) if !is_taken(&e) => Err(failure::of(&format!("storing {key}"), &e)),
            // Its name has the time to the nanosecond: it is this one.
            Ok(_) | Err(_) => Ok(Said::Recorded {}),
        }
    }

    async fn erase(&self, key: &str) -> Result<Said, Failure> {
        let (client, store) = self.erasing()?;
        let key = store.key(key);
        let doing = format!("erasing {key}");
        let mut versions = 0;
        for _ in 0..MAX_ROUNDS {
            let request = client
                .list_object_versions()
                .bucket(store.bucket.as_str())
                .prefix(&key)
                .set_expected_bucket_owner(owner(store));
            let found = request.send().await.map_err(|e| failure::of(&doing, &e))?;
            let whole = found.versions().iter().map(|v| (v.key(), v.version_id()));
            let markers = found.delete_markers().iter().map(|m| (m.key(), m.version_id()));
            let of_key = whole.chain(markers).filter(|(found, _)| *found == Some(key.as_str()));
            let ids: Vec<_> = of_key.map(|(_, id)| id.map(str::to_owned)).collect();
            if ids.is_empty() {
                return Ok(Said::Erased { versions });
            }
            for id in ids {
                let request = client
                    .delete_object()
                    .bucket(store.bucket.as_str())
                    .key(&key)
                    .set_version_id(id)
                    .set_expected_bucket_owner(owner(store));
                request.send().await.map_err(|e| failure::of(&doing, &e))?;
                versions += 1;
            }
        }
        let message = format!("{doing}: there are new versions again and again; who writes there?");
        Err(failure(Kind::Refused, message))
    }
}

fn owner(store: &Bucketed) -> Option<String> {
    store.bucket_owner.as_ref().map(ToString::to_string)
}

fn invalid(message: &str) -> Failure {
    failure(Kind::Invalid, message)
}
