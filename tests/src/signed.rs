//! Manifests that a test signs anew, with the key of the installation that made them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use karakuri_seal::manifest::{Manifest, SigningIdentity, sign, verify};

/// The key that an installation signs with.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn signer(state: &Path) -> SigningIdentity {
    let path = state.join("site/signing.pem");
    let pem = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    SigningIdentity::from_pkcs8_pem(&pem).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Lets the manifest in `directory` say that its run ended so many days earlier.
///
/// # Panics
/// When it cannot be read or written.
pub fn age(directory: &Path, signer: &SigningIdentity, days: u64) {
    let earlier = Duration::from_secs(days * 24 * 60 * 60);
    edit(directory, signer, |manifest| {
        manifest.started -= earlier;
        manifest.finished -= earlier;
    });
}

/// Changes the manifest in `directory`, and signs it.
///
/// # Panics
/// When it cannot be read or written.
pub fn edit(directory: &Path, signer: &SigningIdentity, change: impl FnOnce(&mut Manifest)) {
    let path = directory.join("manifest.dsse.json");
    let told = |e: &dyn std::fmt::Display| -> ! { panic!("{}: {e}", path.display()) };
    let envelope = fs::read(&path).unwrap_or_else(|e| told(&e));
    let key = signer.verifying_key().unwrap_or_else(|e| told(&e));
    let mut manifest: Manifest = verify(&envelope, &[key]).unwrap_or_else(|e| told(&e));
    change(&mut manifest);
    let envelope = sign(&manifest, signer).unwrap_or_else(|e| told(&e));
    fs::write(&path, envelope).unwrap_or_else(|e| told(&e));
}
