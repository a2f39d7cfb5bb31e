//! Wrapping keys: the raw RSA keyring of the AWS Encryption SDK, RSA-OAEP with SHA-256 and MGF1
//! with SHA-256. A recipient can only wrap, an identity can unwrap.
//!
//! A wrapped key carries the recipient's namespace as provider id and its name as provider info,
//! and is found again by these two.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use zeroize::Zeroizing;

use crate::error::SealError;
use crate::header::WrappedKey;
use crate::pem;
use crate::suite::{CryptoFailure, DataKey};

const PUBLIC: &str = "PUBLIC KEY";
const PRIVATE: &str = "PRIVATE KEY";
/// 128-bit strength (NIST SP 800-57 part 1, table 2). Sealed files outlive the years 2048 bits have.
const LEAST_BITS: usize = 3072;
/// Provider id of the KMS keyring; the specification forbids it to raw keyrings.
const KMS_NAMESPACE: &str = "aws-kms";

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
        if usable(namespace) && usable(name) && namespace != KMS_NAMESPACE {
            Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
        } else {
            Err(SealError::KeyName { name: format!("{namespace}/{name}") })
        }
    }

    fn refused(&self, reason: impl fmt::Display) -> SealError {
        SealError::Key { name: self.name.clone(), reason: reason.to_string() }
    }

    fn is_long_enough(&self, bits: usize) -> Result<(), SealError> {
        if bits < LEAST_BITS {
            return Err(self.refused(format_args!("it has only {bits} bits")));
        }
        Ok(())
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The public half of a wrapping key: who messages are sealed for.
pub struct Recipient {
    key_name: KeyName,
    key: OaepPublicEncryptingKey,
    der: Vec<u8>,
}

impl Recipient {
    /// Reads a `SubjectPublicKeyInfo` in PEM (`PUBLIC KEY`), RSA of at least 3072 bits.
    ///
    /// # Errors
    /// [`SealError::KeyName`], [`SealError::Pem`] or [`SealError::Key`].
    pub fn from_pem(namespace: &str, name: &str, spki_pem: &str) -> Result<Self, SealError> {
        let key_name = KeyName::new(namespace, name)?;
        let der = pem::decode(name, PUBLIC, spki_pem)?;
        let key = PublicEncryptingKey::from_der(&der).map_err(|e| key_name.refused(e))?;
        Self::new(key_name, key)
    }

    fn new(key_name: KeyName, key: PublicEncryptingKey) -> Result<Self, SealError> {
        key_name.is_long_enough(key.key_size_bits())?;
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(&key).map_err(|_| CryptoFailure)?;
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| CryptoFailure)?;
        Ok(Self { key_name, key, der: der.as_ref().to_vec() })
    }

    /// The key as a `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    /// [`SealError::Crypto`].
    pub fn to_pem(&self) -> Result<String, SealError> {
        Ok(String::clone(&*pem::encode(PUBLIC, &self.der)?))
    }

    /// Wraps a data key, so that only the identity of this name opens it.
    pub(crate) fn wrap(&self, data_key: &DataKey) -> Result<WrappedKey, CryptoFailure> {
        let mut buffer = vec![0; self.key.ciphertext_size()];
        let ciphertext = self
            .key
            .encrypt(&OAEP_SHA256_MGF1SHA256, data_key.expose(), &mut buffer, None)
            .map_err(|_| CryptoFailure)?
            .to_vec();
        Ok(WrappedKey {
            provider_id: self.key_name.namespace.clone().into_bytes(),
            provider_info: self.key_name.name.clone().into_bytes(),
            ciphertext,
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
        let key = PrivateDecryptingKey::from_pkcs8(&der).map_err(|e| key_name.refused(e))?;
        key_name.is_long_enough(key.key_size_bits())?;
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
        Recipient::new(self.key_name.clone(), self.key.public_key())
    }

    /// Unwraps `wrapped` if it is for this identity and was wrapped with its key.
    pub(crate) fn unwrap(&self, wrapped: &WrappedKey) -> Result<Option<DataKey>, CryptoFailure> {
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
