//! Data keys that AWS KMS wraps, as the KMS keyrings of the AWS Encryption SDK do.
//!
//! | keyring | provider id | provider info | wrapped key |
//! | --- | --- | --- | --- |
//! | AWS KMS keyring | `aws-kms` | ARN of the key | what GenerateDataKey or Encrypt gave |
//! | AWS KMS RSA keyring | `aws-kms-rsa` | ARN of the key | RSA-OAEP with SHA-256 of SHA-384 (encryption context), data key |
//!
//! Nothing here calls KMS: karakuri-courier does, and hands over what KMS answered ([`Decrypt`] for who may
//! open). The second kind needs no call at all to seal, only the key's public half. Source: AWS Encryption SDK specification, "AWS
//! KMS RSA Keyring"; the order inside the RSA plaintext is proved by the official SDK for Python.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA384, SHA384_OUTPUT_LEN, digest};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::{OpenError, SealError};
use crate::rsa::PublicKey;
use crate::suite::DataKey;
use crate::wrapping::{Unwrap, Wrap, WrappedKey};

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

/// Asks KMS to decrypt, with somebody's right to.
pub trait Decrypt {
    /// What the key with this ARN makes of `ciphertext`; with the context, unless it is an RSA key.
    ///
    /// # Errors
    /// What KMS said, or why it was not reached.
    fn decrypt(
        &self,
        arn: &str,
        ciphertext: &[u8],
        context: Option<&Context>,
    ) -> Result<Zeroizing<Vec<u8>>, String>;
}

/// A key in KMS that somebody may decrypt with. KMS is asked for no other key, whatever a message says.
pub struct KmsKey<D> {
    arn: String,
    kms: D,
    /// What KMS made of the last wrapped keys: all messages of a run and class have the same.
    last: RefCell<VecDeque<Unwrapped>>,
}

struct Unwrapped {
    wrapped: WrappedKey,
    context: Context,
    plaintext: Zeroizing<Vec<u8>>,
}

impl<D> fmt::Debug for KmsKey<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KmsKey({})", self.arn)
    }
}

/// So many answers of KMS are kept; a run has four classes.
const KEPT: usize = 8;

impl<D: Decrypt> KmsKey<D> {
    /// The key with this ARN, symmetric or RSA.
    #[must_use]
    pub fn new(arn: &str, kms: D) -> Self {
        Self { arn: arn.to_owned(), kms, last: RefCell::default() }
    }

    /// `bound` says whether KMS itself compares the context.
    fn ask(
        &self,
        wrapped: &WrappedKey,
        context: &Context,
        bound: bool,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let mut last = self.last.borrow_mut();
        if let Some(known) = last.iter().find(|u| u.wrapped == *wrapped && u.context == *context) {
            return Ok(known.plaintext.clone());
        }
        let answer = self.kms.decrypt(&self.arn, &wrapped.ciphertext, bound.then_some(context));
        let plaintext = answer.map_err(OpenError::Unwrap)?;
        last.truncate(KEPT - 1);
        let (wrapped, context) = (wrapped.clone(), context.clone());
        last.push_front(Unwrapped { wrapped, context, plaintext: plaintext.clone() });
        Ok(plaintext)
    }
}

impl<D: Decrypt> Unwrap for KmsKey<D> {
    fn unwrap(
        &self,
        context: &Context,
        wrapped: &WrappedKey,
    ) -> Result<Option<DataKey>, OpenError> {
        if wrapped.provider_info != self.arn.as_bytes() {
            return Ok(None);
        }
        let of_another = || OpenError::Unwrap("KMS answered with what is no data key".to_owned());
        let key = |bytes: &[u8]| DataKey::from_slice(bytes).map(Some).ok_or_else(of_another);
        if wrapped.provider_id == KMS.as_bytes() {
            return key(&self.ask(wrapped, context, true)?);
        }
        if wrapped.provider_id != KMS_RSA.as_bytes() {
            return Ok(None);
        }
        let plaintext = self.ask(wrapped, context, false)?;
        let expected = digest(&SHA384, &context.to_bytes().map_err(|_| OpenError::UnknownContext)?);
        let (bound, data_key) =
            plaintext.split_at_checked(SHA384_OUTPUT_LEN).ok_or_else(of_another)?;
        if verify_slices_are_equal(bound, expected.as_ref()).is_err() {
            let message = "the data key was wrapped for another context: the message was altered";
            return Err(OpenError::Unwrap(message.to_owned()));
        }
        key(data_key)
    }
}
