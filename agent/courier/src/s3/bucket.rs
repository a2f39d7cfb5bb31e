//! One attempt to store one file in a bucket.

use std::os::fd::OwnedFd;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{ChecksumMode, ServerSideEncryption};
use aws_smithy_types::timeout::TimeoutConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use karakuri_protocol::courier::{Checksum, Failure, Kind, Proof, Put, Said};
use karakuri_site::store::Bucketed;
use tokio::sync::Semaphore;

use crate::failure::{self, failure};
use crate::pace::Pace;
use crate::s3::source::Source;
use crate::service::Renewable;

/// The most bodies under way at once, whatever number of files they belong to: each has a buffer in
/// the HTTP client.
const BODIES: usize = 32;
/// An upload is given up when it is slower than this, in bytes a second, for all of its length.
const SLOWEST: u64 = 16 * 1024;
/// And what it may take besides.
const GRACE: Duration = Duration::from_secs(60);
/// The tag that tells what an object holds.
const CLASS_TAG: &str = "karakuri-class";
/// The most bytes of a key, of S3.
const MAX_KEY: usize = 1024;

/// The bucket of the site.
#[derive(Debug)]
pub(crate) struct Bucket {
    clients: Renewable<Client>,
    pub(super) store: Bucketed,
    pace: Pace,
    pub(super) bodies: Semaphore,
}

/// One file under way.
#[derive(Debug)]
pub(super) struct Upload<'a, T> {
    pub(super) bucket: &'a Bucket,
    pub(super) client: Client,
    pub(super) put: &'a Put,
    pub(super) key: String,
    pub(super) source: Source,
    /// Where news of the upload go.
    pub(super) tell: &'a T,
}

/// The client of a bucket. Checksums are computed here, once, and not by the SDK.
pub(crate) fn client(config: &SdkConfig, path_style: bool) -> Client {
    let config = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(path_style)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Client::from_conf(config)
}

impl Bucket {
    pub(crate) fn new(clients: Renewable<Client>, store: Bucketed, pace: Pace) -> Self {
        Self { clients, store, pace, bodies: Semaphore::new(BODIES) }
    }

    /// Stores `file`, unless it is there already.
    ///
    /// # Errors
    /// As the protocol says; nothing under a key is ever replaced.
    pub(crate) async fn put(
        &self,
        put: &Put,
        file: OwnedFd,
        tell: &(impl Fn(Said) + Sync),
    ) -> Result<Proof, Failure> {
        let key = self.key(&put.key)?;
        let source = Source::measure(put, file, &self.pace).await?;
        let upload = Upload { bucket: self, client: self.clients.get(), put, key, source, tell };
        let stored = match upload.source.parts() {
            [_] => upload.whole().await,
            _ => upload.in_parts().await,
        };
        if stored.as_ref().is_err_and(|failure| failure.kind == Kind::Expired) {
            self.clients.forget();
        }
        stored
    }

    fn key(&self, key: &str) -> Result<String, Failure> {
        let plain = key.split('/').all(|name| !matches!(name, "" | "." | ".."));
        let whole = self.store.key(key);
        if plain && whole.len() <= MAX_KEY && !key.contains(char::is_control) {
            Ok(whole)
        } else {
            Err(failure(Kind::Invalid, format!("{:?} is not a key", failure::escaped(key))))
        }
    }

    pub(super) fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        let key = self.store.kms_key.as_ref().map(ToString::to_string);
        (key.is_some().then_some(ServerSideEncryption::AwsKms), key)
    }

    pub(super) fn owner(&self) -> Option<String> {
        self.store.bucket_owner.as_ref().map(ToString::to_string)
    }
}

impl<T: Fn(Said) + Sync> Upload<'_, T> {
    async fn whole(&self) -> Result<Proof, Failure> {
        let _body = self.bucket.bodies.acquire().await;
        let (encryption, kms_key) = self.bucket.encryption();
        let length = self.source.length();
        let request = self
            .client
            .put_object()
            .bucket(self.bucket.store.bucket.as_str())
            .key(&self.key)
            .if_none_match("*")
            .content_length(signed(length)?)
            .checksum_sha256(BASE64.encode(self.source.sha256()))
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(kms_key)
            .set_tagging(self.tagging())
            .set_expected_bucket_owner(self.bucket.owner())
            .body(self.source.whole());
        let config = aws_sdk_s3::config::Config::builder().timeout_config(patience(length));
        let sent = request.customize().config_override(config).send().await;
        let wanted = Checksum::Sha256(self.put.sha256.clone());
        match sent {
            Ok(_) => self.proof(wanted).await,
            Err(e) if is_taken(&e) => self.proof(wanted).await,
            Err(e) => Err(failure::of(&format!("storing {}", self.key), &e)),
        }
    }

    /// By this tag the bucket's lifecycle rules know how long the object stays.
    pub(super) fn tagging(&self) -> Option<String> {
        self.put.class.map(|class| format!("{CLASS_TAG}={}", class.as_str()))
    }

    /// Asks the bucket what is under the key, and compares.
    pub(super) async fn proof(&self, wanted: Checksum) -> Result<Proof, Failure> {
        let doing = format!("asking for {}", self.key);
        let head = self
            .client
            .head_object()
            .bucket(self.bucket.store.bucket.as_str())
            .key(&self.key)
            .checksum_mode(ChecksumMode::Enabled)
            .set_expected_bucket_owner(self.bucket.owner());
        let found = head.send().await.map_err(|e| failure::of(&doing, &e))?;
        let length = found.content_length.and_then(|length| u64::try_from(length).ok());
        let other = |what: &str| {
            let mend = "nothing was overwritten; look at who else writes there";
            failure(Kind::Conflict, format!("{}: {what} is in the bucket; {mend}", self.key))
        };
        if length != Some(self.source.length()) {
            return Err(other("a file of another length"));
        }
        let (sha256, crc64) =
            (found.checksum_sha256.as_deref(), found.checksum_crc64_nvme.as_deref());
        // A store may have computed the other one: what counts is that one of the whole file agrees.
        let own_sha256 = BASE64.encode(self.source.sha256());
        let own_crc64 = BASE64.encode(self.source.crc64().to_be_bytes());
        let checksum = match (&wanted, sha256, crc64) {
            (_, Some(sha256), _) if sha256 == own_sha256 => {
                Checksum::Sha256(self.put.sha256.clone())
            }
            (_, _, Some(crc64)) if crc64 == own_crc64 => {
                Checksum::Crc64nvme(format!("{:016x}", self.source.crc64()))
            }
            (_, None, None) => {
                let mend = "use a store that keeps SHA-256 and CRC-64/NVME checksums";
                let message = format!("{doing}: the bucket tells no checksum; {mend}");
                return Err(failure(Kind::Refused, message));
            }
            _ => return Err(other("a file with another checksum")),
        };
        let (etag, version) = (found.e_tag, found.version_id);
        Ok(Proof { length: self.source.length(), checksum, etag, version })
    }
}

/// How long a body of `length` bytes may take.
pub(super) fn patience(length: u64) -> TimeoutConfig {
    let time = GRACE + Duration::from_secs(length / SLOWEST);
    TimeoutConfig::builder().operation_attempt_timeout(time).build()
}

/// Whether the store says that something is under the key.
pub(crate) fn is_taken<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.raw_response().is_some_and(|response| response.status().as_u16() == 412)
}

/// A length as the SDK has it.
pub(super) fn signed(length: u64) -> Result<i64, Failure> {
    i64::try_from(length).map_err(|_| failure(Kind::Invalid, "a file of more than 2^63 bytes"))
}

#[cfg(test)]
mod tests {
    use karakuri_protocol::courier::Stored;
    use serde_json::{Value, json};

    use super::CLASS_TAG;

    /// packaging/terraform compares the lifecycle rules with this file.
    const TAGS: &str = include_str!("../../tests/policies/tags.json");

    #[test]
    fn the_tags_are_those_the_lifecycle_rules_are_compared_with() {
        let written: Vec<_> = Stored::ALL.into_iter().map(Stored::as_str).collect();
        let golden: Value = serde_json::from_str(TAGS).unwrap();
        assert_eq!(json!({ "tag": CLASS_TAG, "values": written }), golden);
    }
}
