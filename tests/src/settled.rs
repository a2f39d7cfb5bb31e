//! A site whose artifacts are sealed for an off-line key, in whatever store.

use std::path::Path;
use std::process::Command;

/// Makes the state directory a site of that key; `more` is what its `site.toml` says besides, and comes
/// after `tenant`, `site` and the key. The private half as the command line takes it, `NAMESPACE/NAME=FILE`.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub fn settle(state: &Path, first: &str, more: &str) -> String {
    let site = state.join("site");
    let [private, public] = ["rsa.pem", "rsa.pub.pem"].map(|name| site.join(name));
    let (key, half) = (private.to_string_lossy(), public.to_string_lossy());
    std::fs::create_dir_all(&site).unwrap_or_else(|e| panic!("{e}"));
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072", "-out", &key]);
    openssl(&["pkey", "-in", &key, "-pubout", "-out", &half]);
    let text = format!(
        "tenant = \"acme\"\nsite = \"osaka-1\"\n{first}\
         [[keys.raw_rsa]]\nnamespace = \"acme\"\nname = \"offline\"\npublic_key = \"{half}\"\n{more}"
    );
    std::fs::write(site.join("site.toml"), text).unwrap_or_else(|e| panic!("{e}"));
    format!("acme/offline={key}")
}

fn openssl(words: &[&str]) {
    let output = Command::new("openssl").args(words).output().unwrap_or_else(|e| panic!("{e}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
