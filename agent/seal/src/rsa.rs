//! Public keys for RSA-OAEP with SHA-256 and MGF1 with SHA-256, the one padding that raw keys and keys
//! in KMS are used with here.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use zeroize::Zeroizing;

use crate::error::SealError;
use crate::pem;
use crate::suite::CryptoFailure;

const PUBLIC: &str = "PUBLIC KEY";
/// 128-bit strength (NIST SP 800-57 part 1, table 2). Sealed files outlive the years 2048 bits have.
const LEAST_BITS: usize = 3072;

/// A public key that data keys are wrapped for.
#[derive(Debug)]
pub(crate) struct PublicKey {
    key: OaepPublicEncryptingKey,
    der: Vec<u8>,
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo` in PEM. `name` is for messages to a person.
    pub(crate) fn from_pem(name: &str, spki_pem: &str) -> Result<Self, SealError> {
        let der = pem::decode(name, PUBLIC, spki_pem)?;
        let key = PublicEncryptingKey::from_der(&der)
            .map_err(|e| SealError::Key { name: name.to_owned(), reason: e.to_string() })?;
        Self::new(name, key)
    }

    pub(crate) fn new(name: &str, key: PublicEncryptingKey) -> Result<Self, SealError> {
        is_long_enough(name, key.key_size_bits())?;
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(&key).map_err(|_| CryptoFailure)?;
        let der = der.as_ref().to_vec();
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| CryptoFailure)?;
        Ok(Self { key, der })
    }

    pub(crate) fn to_pem(&self) -> Result<String, SealError> {
        Ok(String::clone(&*pem::encode(PUBLIC, &self.der)?))
    }

    /// Encrypts the parts as one plaintext.
    pub(crate) fn encrypt(&self, parts: &[&[u8]]) -> Result<Vec<u8>, CryptoFailure> {
        let mut plaintext = Zeroizing::new(Vec::with_capacity(
            self.key.max_plaintext_size(&OAEP_SHA256_MGF1SHA256),
        ));
        parts.iter().for_each(|part| plaintext.extend_from_slice(part));
        let mut buffer = vec![0; self.key.ciphertext_size()];
        let ciphertext = self
            .key
            .encrypt(&OAEP_SHA256_MGF1SHA256, &plaintext, &mut buffer, None)
            .map_err(|_| CryptoFailure)?;
        Ok(ciphertext.to_vec())
    }
}

/// Refuses a key whose messages would not keep as long as they are kept.
pub(crate) fn is_long_enough(name: &str, bits: usize) -> Result<(), SealError> {
    if bits < LEAST_BITS {
        let reason = format!("it has only {bits} bits");
        return Err(SealError::Key { name: name.to_owned(), reason });
    }
    Ok(())
}
