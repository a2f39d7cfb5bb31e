//! Wrapping keys: the raw RSA keyring of the AWS Encryption SDK, RSA-OAEP with SHA-256 and MGF1
//! with SHA-256. A recipient can only wrap, an identity can unwrap.
//!
//! A wrapped key carries the recipient's namespace as provider id and its name as provider info,
//! and is found again by these two.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::{OpenError, SealError};
use crate::kms;
use crate::pem;
use crate::rsa::{PublicKey, is_long_enough};
use crate::suite::{CryptoFailure, DataKey};
use crate::wrapping::{Unwrap, Wrap, WrappedKey};

const PRIVATE: &str = "PRIVATE KEY";

/// Namespace and name under which a wrapped key is found again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyName {
    namespace: String,
    name: String,
}

impl KeyName {
    fn new(namespace: &str, name: &str) -> Result<Self, SealError> {
        let usable = |text: &str| {
            (1..=128).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~'))
        };
        // The providers of KMS's keyrings (`kms.rs`).
        if usable(namespace) && usable(name) && !namespace.starts_with(kms::KMS) {
            Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
        } else {
            Err(SealError::KeyName { name: format!("{namespace}/{name}") })
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The public half of a raw wrapping key: who messages are sealed for.
pub struct Recipient {
    key_name: KeyName,
    key: PublicKey,
}

impl Recipient {
    /// Reads a `SubjectPublicKeyInfo` in PEM (`PUBLIC KEY`), RSA of at least 3072 bits.
    ///
    /// # Errors
    /// [`SealError::KeyName`], [`SealError::Pem`] or [`SealError::Key`].
    pub fn from_pem(namespace: &str, name: &str, spki_pem: &str) -> Result<Self, SealError> {
        let key_name = KeyName::new(namespace, name)?;
        Ok(Self { key_name, key: PublicKey::from_pem(name, spki_pem)? })
    }

    /// The key as a `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    /// [`SealError::Crypto`].
    pub fn to_pem(&self) -> Result<String, SealError> {
        self.key.to_pem()
    }
}

impl Wrap for Recipient {
    fn wrap(&self, _: &Context, data_key: &DataKey) -> Result<WrappedKey, SealError> {
        Ok(WrappedKey {
            provider_id: self.key_name.namespace.clone().into_bytes(),
            provider_info: self.key_name.name.clone().into_bytes(),
            ciphertext: self.key.encrypt(&[data_key.expose()])?,
        })
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.key_name)
    }
}

/// The private half of a wrapping key. Never printed; its encodings are wiped after use.
pub struct Identity {
    key_name: KeyName,
    key: PrivateDecryptingKey,
}

impl Identity {
    /// Makes a new RSA key of 3072 bits.
    ///
    /// # Errors
    /// [`SealError::KeyName`] or [`SealError::Crypto`].
    pub fn generate(namespace: &str, name: &str) -> Result<Self, SealError> {
        let key_name = KeyName::new(namespace, name)?;
        let key = PrivateDecryptingKey::generate(KeySize::Rsa3072).map_err(|_| CryptoFailure)?;
        Ok(Self { key_name, key })
    }

    /// Reads a PKCS #8 key in PEM (`PRIVATE KEY`), RSA of at least 3072 bits.
    ///
    /// # Errors
    /// [`SealError::KeyName`], [`SealError::Pem`] or [`SealError::Key`].
    pub fn from_pkcs8_pem(namespace: &str, name: &str, pem: &str) -> Result<Self, SealError> {
        let key_name = KeyName::new(namespace, name)?;
        let der = pem::decode(name, PRIVATE, pem)?;
        let key = PrivateDecryptingKey::from_pkcs8(&der)
            .map_err(|e| SealError::Key { name: name.to_owned(), reason: e.to_string() })?;
        is_long_enough(name, key.key_size_bits())?;
        Ok(Self { key_name, key })
    }

    /// The key as PKCS #8 in PEM, to be kept where only its owner can read it.
    ///
    /// # Errors
    /// [`SealError::Crypto`].
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, SealError> {
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&self.key).map_err(|_| CryptoFailure)?;
        Ok(pem::encode(PRIVATE, der.as_ref())?)
    }

    /// The public half.
    ///
    /// # Errors
    /// [`SealError::Crypto`].
    pub fn recipient(&self) -> Result<Recipient, SealError> {
        let key_name = self.key_name.clone();
        let key = PublicKey::new(&key_name.name, self.key.public_key())?;
        Ok(Recipient { key_name, key })
    }
}

impl Unwrap for Identity {
    fn unwrap(&self, _: &Context, wrapped: &WrappedKey) -> Result<Option<DataKey>, OpenError> {
        let is_mine = wrapped.provider_id == self.key_name.namespace.as_bytes()
            && wrapped.provider_info == self.key_name.name.as_bytes();
        if !is_mine {
            return Ok(None);
        }
        let key = OaepPrivateDecryptingKey::new(self.key.clone()).map_err(|_| CryptoFailure)?;
        let mut buffer = Zeroizing::new(vec![0; key.min_output_size()]);
        let plaintext =
            key.decrypt(&OAEP_SHA256_MGF1SHA256, &wrapped.ciphertext, &mut buffer, None);
        Ok(plaintext.ok().and_then(|bytes| DataKey::from_slice(bytes)))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, ..)", self.key_name)
    }
}
