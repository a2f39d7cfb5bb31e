//! Ed25519 keys that sign manifests and check them.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::digest::Sha256;
use crate::error::SealError;
use crate::pem;
use crate::suite::CryptoFailure;

const PUBLIC: &str = "PUBLIC KEY";
const PRIVATE: &str = "PRIVATE KEY";
/// `SubjectPublicKeyInfo` of an Ed25519 key up to the 32 bytes of the key (RFC 8410, section 4).
const SPKI_FRONT: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Names a key: the SHA-256 of its `SubjectPublicKeyInfo`, so that a file of any name fits it.
pub type KeyId = Sha256;

/// The private key that signs manifests. Never printed; its encodings are wiped after use.
pub struct SigningIdentity {
    pair: Ed25519KeyPair,
}

impl SigningIdentity {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`SealError::Crypto`].
    pub fn generate() -> Result<Self, SealError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| CryptoFailure)?;
        Ok(Self { pair })
    }

    /// Reads a PKCS #8 key in PEM (`PRIVATE KEY`).
    ///
    /// # Errors
    /// [`SealError::Pem`] or [`SealError::Key`].
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, SealError> {
        let der = pem::decode("signing key", PRIVATE, pem)?;
        // RFC 5208 keys, as openssl writes them, carry no public key to check against.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|e| refused(&e))?;
        Ok(Self { pair })
    }

    /// The key as PKCS #8 in PEM, to be kept where only its owner can read it.
    ///
    /// # Errors
    /// [`SealError::Crypto`].
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, SealError> {
        let der = self.pair.to_pkcs8v1().map_err(|_| CryptoFailure)?;
        Ok(pem::encode(PRIVATE, der.as_ref())?)
    }

    /// The key that checks what this one signed.
    ///
    /// # Errors
    /// [`SealError::Crypto`].
    pub fn verifying_key(&self) -> Result<VerifyingKey, SealError> {
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(self.pair.public_key())
            .map_err(|_| CryptoFailure)?;
        VerifyingKey::from_spki(der.as_ref())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningIdentity(..)")
    }
}

/// Where a signed document comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The tenant.
    pub tenant: String,
    /// The site.
    pub site: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "site {:?} of tenant {:?}", self.site, self.tenant)
    }
}

/// The public key that checks manifests, of one site or of any.
#[derive(Clone)]
pub struct VerifyingKey {
    key: ParsedPublicKey,
    spki: Vec<u8>,
    only: Option<Origin>,
}

impl VerifyingKey {
    /// Reads a `SubjectPublicKeyInfo` in PEM (`PUBLIC KEY`).
    ///
    /// # Errors
    /// [`SealError::Pem`] or [`SealError::Key`].
    pub fn from_pem(spki_pem: &str) -> Result<Self, SealError> {
        Self::from_spki(&pem::decode("verifying key", PUBLIC, spki_pem)?)
    }

    fn from_spki(spki: &[u8]) -> Result<Self, SealError> {
        let raw = spki.strip_prefix(&SPKI_FRONT).ok_or_else(|| refused(&"it is not Ed25519"))?;
        let key = ParsedPublicKey::new(&ED25519, raw).map_err(|e| refused(&e))?;
        Ok(Self { key, spki: spki.to_vec(), only: None })
    }

    /// The same key, believed for what comes from this site and nothing else.
    #[must_use]
    pub fn of_site(self, origin: Origin) -> Self {
        Self { only: Some(origin), ..self }
    }

    /// The site whose documents it is believed for, if not any.
    #[must_use]
    pub fn site(&self) -> Option<&Origin> {
        self.only.as_ref()
    }

    /// The key as a `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    /// [`SealError::Crypto`].
    pub fn to_pem(&self) -> Result<String, SealError> {
        Ok(String::clone(&*pem::encode(PUBLIC, &self.spki)?))
    }

    /// The name of the key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        Sha256::of(&self.spki)
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.id())
    }
}

fn refused(reason: &dyn fmt::Display) -> SealError {
    SealError::Key { name: "of the manifest".to_owned(), reason: reason.to_string() }
}
