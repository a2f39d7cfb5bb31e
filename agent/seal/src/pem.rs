//! PEM blocks (RFC 7468) in buffers that are wiped. Used by the key types only.

use pem_rfc7468::LineEnding;
use zeroize::Zeroizing;

use crate::error::SealError;
use crate::suite::CryptoFailure;

/// An RSA-8192 private key takes about 6.4 KiB.
const MAX_PEM: usize = 16 * 1024;

/// The contents of the PEM block `pem`, which must carry `label`.
pub(crate) fn decode(
    name: &str,
    label: &'static str,
    pem: &str,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let refuse = |reason: String| SealError::Pem { name: name.to_owned(), expected: label, reason };
    if pem.len() > MAX_PEM {
        return Err(refuse(format!("it is longer than {MAX_PEM} bytes")));
    }
    let mut buffer = Zeroizing::new(vec![0; pem.len()]);
    let (found, contents) =
        pem_rfc7468::decode(pem.as_bytes(), &mut buffer).map_err(|e| refuse(e.to_string()))?;
    if found != label {
        return Err(refuse(format!("it is a {found:?} block")));
    }
    Ok(Zeroizing::new(contents.to_vec()))
}

/// `contents` as a PEM block with `label`.
pub(crate) fn encode(
    label: &'static str,
    contents: &[u8],
) -> Result<Zeroizing<String>, CryptoFailure> {
    let length =
        pem_rfc7468::encoded_len(label, LineEnding::LF, contents).map_err(|_| CryptoFailure)?;
    let mut buffer = Zeroizing::new(vec![0; length]);
    pem_rfc7468::encode(label, LineEnding::LF, contents, &mut buffer)
        .map(|text| Zeroizing::new(text.to_owned()))
        .map_err(|_| CryptoFailure)
}
