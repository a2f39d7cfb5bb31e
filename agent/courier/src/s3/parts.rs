//! An upload in parts: begun or taken up again, each missing part sent, put together.

use std::collections::BTreeMap;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::StreamExt as _;
use futures_util::stream;
use karakuri_protocol::courier::{Checksum, Failure, Kind, Proof, Said};

use crate::failure::{self, failure};
use crate::s3::bucket::{Upload, is_taken, patience, signed};
use crate::s3::source::Part;

/// Parts of one upload under way at once.
const AT_ONCE: usize = 4;

/// What a store says of parts that do not make up the file.
const DIFFER: &[&str] = &["BadDigest", "EntityTooSmall", "InvalidPart", "InvalidPartOrder"];

/// Entity tags of the parts that are at the store, by number.
type Sent = BTreeMap<i32, String>;

/// An upload that an earlier attempt began.
enum Earlier {
    /// These parts of it are there.
    Open(Sent),
    /// The store does not know it: completed, ended or never begun.
    Gone,
}

impl<T: Fn(Said) + Sync> Upload<'_, T> {
    pub(super) async fn in_parts(&self) -> Result<Proof, Failure> {
        let earlier = match &self.put.resume {
            Some(upload_id) => self.earlier(upload_id).await?,
            None => Earlier::Gone,
        };
        let (upload_id, sent) = match (&self.put.resume, earlier) {
            (Some(upload_id), Earlier::Open(sent)) => (upload_id.clone(), sent),
            (resume, _) => {
                // It may have been put together, and only the answer was lost.
                if resume.is_some()
                    && let Ok(proof) = self.proof(self.wanted()).await
                {
                    return Ok(proof);
                }
                (self.begin().await?, Sent::new())
            }
        };
        let sent = self.send(&upload_id, sent).await?;
        if let Some(proof) = self.complete(&upload_id, sent).await? {
            return Ok(proof);
        }
        // What an earlier attempt brought was of another file, or damaged.
        let upload_id = self.begin().await?;
        let sent = self.send(&upload_id, Sent::new()).await?;
        let stored = self.complete(&upload_id, sent).await?;
        let differs = || format!("putting {} together: its parts are not what was sent", self.key);
        stored.ok_or_else(|| failure(Kind::Retry, differs()))
    }

    fn wanted(&self) -> Checksum {
        Checksum::Crc64nvme(format!("{:016x}", self.source.crc64()))
    }

    async fn begin(&self) -> Result<String, Failure> {
        let (encryption, kms_key) = self.bucket.encryption();
        let request = self
            .client
            .create_multipart_upload()
            .bucket(self.bucket.store.bucket.as_str())
            .key(&self.key)
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject)
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(kms_key)
            .set_tagging(self.tagging())
            .set_expected_bucket_owner(self.bucket.owner());
        let doing = format!("beginning the upload of {}", self.key);
        let begun = request.send().await.map_err(|e| failure::of(&doing, &e))?;
        let upload_id = begun.upload_id.filter(|id| !id.is_empty());
        let upload_id = upload_id
            .ok_or_else(|| failure(Kind::Retry, format!("{doing}: the answer names no upload")))?;
        (self.tell)(Said::Started { id: self.put.id, upload_id: upload_id.clone() });
        Ok(upload_id)
    }

    /// What of an upload is at the store, as far as it is the same.
    async fn earlier(&self, upload_id: &str) -> Result<Earlier, Failure> {
        let request = self
            .client
            .list_parts()
            .bucket(self.bucket.store.bucket.as_str())
            .key(&self.key)
            .upload_id(upload_id)
            .set_expected_bucket_owner(self.bucket.owner());
        let mut pages = request.into_paginator().send();
        let mut sent = Sent::new();
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                Err(e) if e.code() == Some("NoSuchUpload") => return Ok(Earlier::Gone),
                Err(e) => {
                    return Err(failure::of(&format!("asking for the parts of {}", self.key), &e));
                }
            };
            for found in page.parts() {
                // A store that lists no checksums compares that of the whole file in the end.
                let crc64 = found.checksum_crc64_nvme.as_deref();
                let same = |part: &&Part| {
                    found.part_number == Some(part.number)
                        && found.size == i64::try_from(part.length).ok()
                        && crc64.is_none_or(|crc64| crc64 == checksum(part.crc64))
                };
                if let (Some(part), Some(tag)) =
                    (self.source.parts().iter().find(same), &found.e_tag)
                {
                    sent.insert(part.number, tag.clone());
                }
            }
        }
        Ok(Earlier::Open(sent))
    }

    /// Sends the parts that are missing, [`AT_ONCE`] at a time.
    async fn send(&self, upload_id: &str, mut sent: Sent) -> Result<Sent, Failure> {
        let missing = self.source.parts().iter().filter(|part| !sent.contains_key(&part.number));
        let missing: Vec<Part> = missing.copied().collect();
        let there = |sent: &Sent| {
            let parts = self.source.parts().iter().filter(|part| sent.contains_key(&part.number));
            parts.map(|part| part.length).sum()
        };
        let requests = missing.into_iter().map(|part| self.send_part(upload_id, part));
        let mut answers = stream::iter(requests).buffer_unordered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            let (number, tag) = answer?;
            sent.insert(number, tag);
            (self.tell)(Said::Progress { id: self.put.id, bytes: there(&sent) });
        }
        Ok(sent)
    }

    async fn send_part(&self, upload_id: &str, part: Part) -> Result<(i32, String), Failure> {
        let _body = self.bucket.bodies.acquire().await;
        let request = self
            .client
            .upload_part()
            .bucket(self.bucket.store.bucket.as_str())
            .key(&self.key)
            .upload_id(upload_id)
            .part_number(part.number)
            .content_length(signed(part.length)?)
            .checksum_crc64_nvme(checksum(part.crc64))
            .set_expected_bucket_owner(self.bucket.owner())
            .body(self.source.part(part));
        let config = aws_sdk_s3::config::Config::builder().timeout_config(patience(part.length));
        let doing = format!("sending part {} of {}", part.number, self.key);
        let answer = request.customize().config_override(config).send().await;
        let answer = answer.map_err(|e| match e.code() {
            // The next attempt begins anew.
            Some("NoSuchUpload") => failure(Kind::Retry, format!("{doing}: the upload is gone")),
            _ => failure::of(&doing, &e),
        })?;
        let tag = answer.e_tag;
        let tag = tag.ok_or_else(|| failure(Kind::Retry, format!("{doing}: an empty answer")))?;
        Ok((part.number, tag))
    }

    /// Puts the parts together; none where the store finds that they are not the file.
    async fn complete(&self, upload_id: &str, sent: Sent) -> Result<Option<Proof>, Failure> {
        let parts = self.source.parts().iter().filter_map(|part| {
            let tag = sent.get(&part.number)?;
            let crc64 = checksum(part.crc64);
            let part = CompletedPart::builder().part_number(part.number).e_tag(tag);
            Some(part.checksum_crc64_nvme(crc64).build())
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let request = self
            .client
            .complete_multipart_upload()
            .bucket(self.bucket.store.bucket.as_str())
            .key(&self.key)
            .upload_id(upload_id)
            .if_none_match("*")
            .multipart_upload(parts)
            .checksum_crc64_nvme(checksum(self.source.crc64()))
            .checksum_type(ChecksumType::FullObject)
            .mpu_object_size(signed(self.source.length())?)
            .set_expected_bucket_owner(self.bucket.owner());
        let length = self.source.length();
        let config = aws_sdk_s3::config::Config::builder().timeout_config(patience(length));
        match request.customize().config_override(config).send().await {
            Ok(_) => self.proof(self.wanted()).await.map(Some),
            // Somebody, or an answer of ours that was lost, was first.
            Err(e) if is_taken(&e) || e.code() == Some("NoSuchUpload") => {
                self.proof(self.wanted()).await.map(Some)
            }
            Err(e) if e.code().is_some_and(|code| DIFFER.contains(&code)) => Ok(None),
            Err(e) => Err(failure::of(&format!("putting {} together", self.key), &e)),
        }
    }
}

/// A checksum as S3 writes it.
fn checksum(crc64: u64) -> String {
    BASE64.encode(crc64.to_be_bytes())
}
