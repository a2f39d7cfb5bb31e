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

/// A data key that KMS made and wrapped (GenerateDataKey).
#[derive(Debug)]
pub struct Generated {
    pub(crate) data_key: DataKey,
    pub(crate) wrapped: WrappedKey,
}

impl Generated {
    /// Puts together what KMS answered for the key with this ARN. KMS must have been given exactly the pairs of
    /// the context that the messages will have, or nobody opens them.
    #[must_use]
    pub fn new(arn: &str, ciphertext: Vec<u8>, data_key: DataKey) -> Self {
        let wrapped = WrappedKey { provider_id: KMS.into(), provider_info: arn.into(), ciphertext };
        Self { data_key, wrapped }
    }
}

/// The public half of an RSA key in KMS.
#[derive(Debug)]
pub struct KmsRsa {
    arn: String,
    key: PublicKey,
}

impl KmsRsa {
    /// Reads what `aws kms get-public-key` gives, in PEM (`PUBLIC KEY`).
    ///
    /// # Errors
    /// [`SealError::Pem`] or [`SealError::Key`].
    pub fn from_pem(arn: &str, spki_pem: &str) -> Result<Self, SealError> {
        let key = PublicKey::from_pem(arn, spki_pem)?;
        Ok(Self { arn: arn.to_owned(), key })
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
