//! Keys within the class `pii`: one for each personal value of a run, and one for the blind index.
//!
//! - The key of a value is random and encrypts what it stands for wherever it stands: whoever destroys it
//!   has erased the value from the run, and nothing else.
//! - The key of the index comes from the data key of the class by HKDF-SHA-512 (salt "karakuri blind index
//!   1", info the encryption context). Who cannot open the class can neither make a token nor try one.
//!
//! | a field | bytes |
//! | --- | --- |
//! | nonce, random | 12 |
//! | AES-256-GCM, additional data "karakuri field 1" | as the text |
//! | tag | 16 |

use std::fmt;
use std::io::{BufReader, Read};

use aes_gcm::aead::KeyInit;
use aes_gcm::{AeadInOut, Aes256Gcm, Nonce, Tag};
use aws_lc_rs::{hkdf, hmac, rand};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::error::OpenError;
use crate::open::Begun;
use crate::suite::{CryptoFailure, DataKey, IV_LENGTH, KEY_LENGTH, TAG_LENGTH};
use crate::wrapping::Unwrap;

const FIELD: &[u8] = b"karakuri field 1";
const INDEX: &[u8] = b"karakuri blind index 1";

/// The key of one personal value in one run. Wiped when dropped, never printed.
pub struct FieldKey(Box<Zeroizing<[u8; KEY_LENGTH]>>);

impl FieldKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn generate() -> Result<Self, CryptoFailure> {
        let mut key = Box::new(Zeroizing::new([0; KEY_LENGTH]));
        rand::fill(key.as_mut_slice()).map_err(|_| CryptoFailure)?;
        Ok(Self(key))
    }

    /// Takes an opened key; `None` when it does not have 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Box::new(Zeroizing::new([0; KEY_LENGTH]));
        if bytes.len() != KEY_LENGTH {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// The bytes, to be sealed as `pii`.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// Encrypts a text.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn seal(&self, text: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
        let mut nonce = [0; IV_LENGTH];
        rand::fill(&mut nonce).map_err(|_| CryptoFailure)?;
        let mut sealed = [&nonce, text].concat();
        let content = &mut sealed[IV_LENGTH..];
        let tag = self.cipher()?.encrypt_inout_detached(&Nonce::from(nonce), FIELD, content.into());
        sealed.extend_from_slice(&tag.map_err(|_| CryptoFailure)?);
        Ok(sealed)
    }

    /// Decrypts what [`Self::seal`] made; `None` when it is not that.
    #[must_use]
    pub fn open(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<IV_LENGTH>()?;
        let (text, tag) = rest.split_last_chunk::<TAG_LENGTH>()?;
        let mut text = Zeroizing::new(text.to_vec());
        let (nonce, tag) = (Nonce::from(*nonce), Tag::from(*tag));
        let opened = self.cipher().ok()?.decrypt_inout_detached(
            &nonce,
            FIELD,
            text.as_mut_slice().into(),
            &tag,
        );
        opened.ok().map(|()| text)
    }

    fn cipher(&self) -> Result<Aes256Gcm, CryptoFailure> {
        Aes256Gcm::new_from_slice(self.0.as_slice()).map_err(|_| CryptoFailure)
    }
}

impl fmt::Debug for FieldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FieldKey(..)")
    }
}

/// The key of a run's blind index. Wiped when dropped, never printed.
pub struct IndexKey(Box<Zeroizing<[u8; KEY_LENGTH]>>);

impl IndexKey {
    pub(crate) fn derive(data_key: &DataKey, context: &[u8]) -> Result<Self, CryptoFailure> {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA512, INDEX).extract(data_key.expose());
        let mut key = Box::new(Zeroizing::new([0; KEY_LENGTH]));
        let info = [context];
        let okm = secret.expand(&info, hkdf::HKDF_SHA256).map_err(|_| CryptoFailure)?;
        okm.fill(key.as_mut_slice()).map_err(|_| CryptoFailure)?;
        Ok(Self(key))
    }

    /// Reads the key from a message of the run's class `pii`, with the first of `keys` that fits.
    ///
    /// # Errors
    /// An [`OpenError`] that names what is wrong with the message's header.
    pub fn read<U: Unwrap>(
        keys: &[U],
        expected: &Context,
        message: impl Read,
    ) -> Result<Self, OpenError> {
        let begun = Begun::read(keys, Some(expected), BufReader::new(message))?;
        Ok(Self::derive(&begun.data_key, &begun.header.context)?)
    }

    /// The token of a value in its normal form; `form` keeps forms apart.
    #[must_use]
    pub fn token(&self, form: &str, normal: &str) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice());
        let mut value = hmac::Context::with_key(&key);
        value.update(form.as_bytes());
        value.update(&[0]);
        value.update(normal.as_bytes());
        let mut token = [0; 32];
        token.copy_from_slice(value.sign().as_ref());
        token
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_opens_under_its_own_key_and_unaltered_alone() {
        let (key, other) = (FieldKey::generate().unwrap(), FieldKey::generate().unwrap());
        let sealed = key.seal("Hanako Sato".as_bytes()).unwrap();
        assert_eq!(&**key.open(&sealed).unwrap(), b"Hanako Sato");
        assert_ne!(key.seal(b"Hanako Sato").unwrap(), sealed);
        assert!(other.open(&sealed).is_none());
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(key.open(&altered).is_none(), "{place}");
        }
        assert!(key.open(&sealed[..sealed.len() - 1]).is_none());
        assert!(key.open(&[]).is_none());
    }

    #[test]
    fn tokens_depend_on_data_key_context_form_and_value() {
        let data_key = DataKey::generate().unwrap();
        let key = IndexKey::derive(&data_key, b"run 1").unwrap();
        let token = key.token("text", "hanakosato");
        assert_eq!(
            IndexKey::derive(&data_key, b"run 1").unwrap().token("text", "hanakosato"),
            token
        );
        for other in [
            IndexKey::derive(&DataKey::generate().unwrap(), b"run 1")
                .unwrap()
                .token("text", "hanakosato"),
            IndexKey::derive(&data_key, b"run 2").unwrap().token("text", "hanakosato"),
            key.token("email", "hanakosato"),
            key.token("text", "hanakosat"),
        ] {
            assert_ne!(other, token);
        }
    }
}
