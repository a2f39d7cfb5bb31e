//! Data keys that AWS KMS wraps, as the KMS keyrings of the AWS Encryption SDK do.
//!
//! | keyring | provider id | provider info | wrapped key |
//! | --- | --- | --- | --- |
//! | AWS KMS keyring | `aws-kms` | ARN of the key | what GenerateDataKey or Encrypt gave |
//! | AWS KMS RSA keyring | `aws-kms-rsa` | ARN of the key | RSA-OAEP with SHA-256 of SHA-384 (encryption context), data key |
//!
//! Nothing here calls KMS: karakuri-courier does, and hands over what KMS answered. The second kind needs
//! no call at all to seal, only the key's public half. Source: AWS Encryption SDK specification, "AWS
//! KMS RSA Keyring"; the order inside the RSA plaintext is proved by the official SDK for Python.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA384, digest};

use crate::context::Context;
use crate::error::SealError;
use crate::rsa::PublicKey;
use crate::suite::DataKey;
use crate::wrapping::{Wrap, WrappedKey};

/// Provider id of keys wrapped by a symmetric KMS key; the specification forbids it to raw keyrings.
pub const KMS: &str = "aws-kms";
/// Provider id of keys wrapped for an RSA key in KMS.
pub const KMS_RSA: &str = "aws-kms-rsa";

/// The ARN of a key in KMS: `arn:aws:kms:REGION:ACCOUNT:key/ID`. An alias is none: what it stands for
/// can be changed behind our back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyArn(String);

impl KeyArn {
    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The region of the key.
    #[must_use]
    pub fn region(&self) -> &str {
        self.0.split(':').nth(3).unwrap_or_default()
    }

    /// The account that owns the key.
    #[must_use]
    pub fn account(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }
}

impl FromStr for KeyArn {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        let parts: Vec<_> = text.split(':').collect();
        let usable = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        match parts[..] {
            ["arn", partition, "kms", region, account, key]
                if text.len() <= 256
                    && [partition, region].into_iter().all(usable)
                    && account.len() == 12
                    && account.bytes().all(|b| b.is_ascii_digit())
                    && key.strip_prefix("key/").is_some_and(usable) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(SealError::KeyArn { text: text.escape_debug().to_string() }),
        }
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A data key that KMS made and wrapped (GenerateDataKey).
#[derive(Debug)]
pub struct Generated {
    pub(crate) data_key: DataKey,
    pub(crate) wrapped: WrappedKey,
}

impl Generated {
    /// Puts together what KMS answered for the key `arn`. KMS must have been given exactly the pairs of
    /// the context that the messages will have, or nobody opens them.
    #[must_use]
    pub fn new(arn: &KeyArn, ciphertext: Vec<u8>, data_key: DataKey) -> Self {
        let wrapped =
            WrappedKey { provider_id: KMS.into(), provider_info: arn.as_str().into(), ciphertext };
        Self { data_key, wrapped }
    }
}

/// The public half of an RSA key in KMS.
#[derive(Debug)]
pub struct KmsRsa {
    arn: KeyArn,
    key: PublicKey,
}

impl KmsRsa {
    /// Reads what `aws kms get-public-key` gives, in PEM (`PUBLIC KEY`).
    ///
    /// # Errors
    /// [`SealError::Pem`] or [`SealError::Key`].
    pub fn from_pem(arn: KeyArn, spki_pem: &str) -> Result<Self, SealError> {
        let key = PublicKey::from_pem(arn.as_str(), spki_pem)?;
        Ok(Self { arn, key })
    }
}

impl Wrap for KmsRsa {
    fn wrap(&self, context: &Context, data_key: &DataKey) -> Result<WrappedKey, SealError> {
        let digest = digest(&SHA384, &context.to_bytes()?);
        Ok(WrappedKey {
            provider_id: KMS_RSA.into(),
            provider_info: self.arn.as_str().into(),
            ciphertext: self.key.encrypt(&[digest.as_ref(), data_key.expose()])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_one_key() {
        let key =
            "arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let arn: KeyArn = key.parse().unwrap();
        assert_eq!((arn.as_str(), arn.region()), (key, "ap-northeast-1"));
        assert_eq!(arn.account(), "111122223333");
        for wrong in [
            "",
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:kms:ap-northeast-1:111122223333:alias/artifacts",
            "arn:aws:s3:ap-northeast-1:111122223333:key/1",
            "arn:aws:kms:ap-northeast-1:1111:key/1",
            "arn:aws:kms:ap-northeast-1:111122223333:key/",
            "arn:aws:kms::111122223333:key/1",
            "arn:aws:kms:ap-northeast-1:111122223333:key/1:2",
            "arn:aws:kms:ap-northeast-1:111122223333:key/1\n",
        ] {
            assert!(matches!(wrong.parse::<KeyArn>(), Err(SealError::KeyArn { .. })), "{wrong}");
        }
    }
}
