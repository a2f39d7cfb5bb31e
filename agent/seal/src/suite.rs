//! Algorithm suite 0x0478: AES-256-GCM, HKDF-SHA-512, key commitment, no signature.
//!
//! Owns the data key and the key of one message. From the AWS Encryption SDK specification
//! ("Algorithm Suites Reference", "Key Derivation Function"):
//!
//! - message key = HKDF-SHA-512(salt = message id, key = data key, info = 04 78 "DERIVEKEY", 32 bytes)
//! - commitment = HKDF-SHA-512(salt = message id, key = data key, info = "COMMITKEY", 32 bytes)
//! - header tag = GCM tag of nothing, IV 0, additional data = header body
//! - frame n: IV = n as 12 bytes big-endian; additional data = message id, label, n as 4 bytes,
//!   content length as 8 bytes. (That page still says 16 bytes of message id; in version 2 it is 32.)
//!
//! An IV is used once per message key because frame numbers only grow and each message has an id,
//! and so a key, of its own.

use std::fmt;
use std::io::{self, Read};

use aes_gcm::aead::KeyInit;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, Nonce, Tag};
use aws_lc_rs::{constant_time, hkdf, rand};
use zeroize::Zeroizing;

use crate::digest::MessageId;

pub(crate) const SUITE_ID: [u8; 2] = [0x04, 0x78];
pub(crate) const COMMITMENT_LENGTH: usize = 32;
pub(crate) const IV_LENGTH: usize = 12;
pub(crate) const KEY_LENGTH: usize = 32;
pub(crate) const TAG_LENGTH: usize = 16;

/// The crypto library refused an operation that only fails on misuse or a broken random source.
#[derive(Debug, thiserror::Error)]
#[error("the crypto library failed: check the kernel's random source and memory, then restart")]
pub struct CryptoFailure;

/// Whether a frame is the last of its message. Bound into the tag, so that a cut shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Regular,
    Final,
}

impl Place {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Regular => b"AWSKMSEncryptionClient Frame",
            Self::Final => b"AWSKMSEncryptionClient Final Frame",
        }
    }
}

/// A data key: what recipients get wrapped. Wiped when dropped, never printed, never copied out.
/// Boxed, because moving it about would leave copies on the stack.
pub struct DataKey(Box<Zeroizing<[u8; KEY_LENGTH]>>);

impl DataKey {
    pub(crate) fn generate() -> Result<Self, CryptoFailure> {
        let mut key = Box::new(Zeroizing::new([0; KEY_LENGTH]));
        rand::fill(key.as_mut_slice()).map_err(|_| CryptoFailure)?;
        Ok(Self(key))
    }

    /// Takes an unwrapped key; `None` when it does not have 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != KEY_LENGTH {
            return None;
        }
        let mut key = Box::new(Zeroizing::new([0; KEY_LENGTH]));
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// Reads a key from where its maker wrote it, and nothing but it.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] when there are not exactly 32 bytes, else what reading says.
    pub fn read(mut source: impl Read) -> io::Result<Self> {
        let mut key = Box::new(Zeroizing::new([0; KEY_LENGTH]));
        let mut more = [0];
        match source.read_exact(key.as_mut_slice()).and_then(|()| source.read(&mut more)) {
            Ok(0) => Ok(Self(key)),
            Ok(_) => Err(io::ErrorKind::InvalidData.into()),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Err(io::ErrorKind::InvalidData.into())
            }
            Err(e) => Err(e),
        }
    }

    /// The bytes, for wrapping.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// The key of one message, with the commitment that ties the message to its data key.
pub(crate) struct MessageKey {
    message_id: MessageId,
    commitment: [u8; COMMITMENT_LENGTH],
    cipher: Aes256Gcm,
}

impl MessageKey {
    pub(crate) fn derive(data_key: &DataKey, message_id: MessageId) -> Result<Self, CryptoFailure> {
        let secret =
            hkdf::Salt::new(hkdf::HKDF_SHA512, message_id.as_bytes()).extract(data_key.expose());
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        expand(&secret, &[&SUITE_ID, b"DERIVEKEY"], key.as_mut_slice())?;
        let mut commitment = [0; COMMITMENT_LENGTH];
        expand(&secret, &[b"COMMITKEY"], &mut commitment)?;
        let cipher = Aes256Gcm::new_from_slice(key.as_slice()).map_err(|_| CryptoFailure)?;
        Ok(Self { message_id, commitment, cipher })
    }

    pub(crate) fn message_id(&self) -> MessageId {
        self.message_id
    }

    pub(crate) fn commitment(&self) -> &[u8; COMMITMENT_LENGTH] {
        &self.commitment
    }

    /// Whether `claimed` is this key's commitment, in constant time.
    pub(crate) fn commits_to(&self, claimed: &[u8; COMMITMENT_LENGTH]) -> bool {
        constant_time::verify_slices_are_equal(&self.commitment, claimed).is_ok()
    }

    pub(crate) fn header_tag(&self, body: &[u8]) -> Result<[u8; TAG_LENGTH], CryptoFailure> {
        self.cipher
            .encrypt_inout_detached(&Nonce::from([0; IV_LENGTH]), body, InOutBuf::from(&mut [][..]))
            .map(Into::into)
            .map_err(|_| CryptoFailure)
    }

    pub(crate) fn header_is_authentic(&self, body: &[u8], tag: [u8; TAG_LENGTH]) -> bool {
        let nothing = InOutBuf::from(&mut [][..]);
        let iv = Nonce::from([0; IV_LENGTH]);
        self.cipher.decrypt_inout_detached(&iv, body, nothing, &Tag::from(tag)).is_ok()
    }

    /// Encrypts the content of frame `number` in place and gives its tag.
    pub(crate) fn encrypt_frame(
        &self,
        place: Place,
        number: u32,
        content: &mut [u8],
    ) -> Result<[u8; TAG_LENGTH], CryptoFailure> {
        let data = self.frame_data(place, number, content.len());
        self.cipher
            .encrypt_inout_detached(&Nonce::from(frame_iv(number)), &data, content.into())
            .map(Into::into)
            .map_err(|_| CryptoFailure)
    }

    /// Decrypts the content of frame `number` in place; `false` leaves the ciphertext as it was.
    pub(crate) fn decrypt_frame(
        &self,
        place: Place,
        number: u32,
        content: &mut [u8],
        tag: [u8; TAG_LENGTH],
    ) -> bool {
        let data = self.frame_data(place, number, content.len());
        let iv = Nonce::from(frame_iv(number));
        self.cipher.decrypt_inout_detached(&iv, &data, content.into(), &Tag::from(tag)).is_ok()
    }

    fn frame_data(&self, place: Place, number: u32, length: usize) -> Vec<u8> {
        let mut data = Vec::with_capacity(32 + 34 + 4 + 8);
        data.extend_from_slice(self.message_id.as_bytes());
        data.extend_from_slice(place.label());
        data.extend_from_slice(&number.to_be_bytes());
        data.extend_from_slice(&(length as u64).to_be_bytes());
        data
    }
}

impl fmt::Debug for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageKey({})", self.message_id)
    }
}

/// A new random message id.
pub(crate) fn new_message_id() -> Result<MessageId, CryptoFailure> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| CryptoFailure)?;
    Ok(MessageId::from_bytes(bytes))
}

/// The IV of frame `number`.
pub(crate) fn frame_iv(number: u32) -> [u8; IV_LENGTH] {
    let mut iv = [0; IV_LENGTH];
    iv[IV_LENGTH - 4..].copy_from_slice(&number.to_be_bytes());
    iv
}

struct OutputLength(usize);

impl hkdf::KeyType for OutputLength {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(secret: &hkdf::Prk, info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoFailure> {
    secret
        .expand(info, OutputLength(out.len()))
        .and_then(|okm| okm.fill(out))
        .map_err(|_| CryptoFailure)
}
