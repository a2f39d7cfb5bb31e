//! The official AWS Encryption SDK for Python opens what is sealed here, and the other way round;
//! the manifest is checked with pyca/cryptography.

use std::path::{Path, PathBuf};
use std::process::Command;

use karakuri_seal::manifest::{SigningIdentity, sign};
use karakuri_seal::{Context, FRAME_LENGTH, OpenError, open};
use tempfile::TempDir;

use crate::fixture::{NAME, NAMESPACE, context, identity, pattern, seal};
use crate::manifest::manifest;

const FRAME: usize = FRAME_LENGTH as usize;
const LENGTHS: [usize; 6] = [0, 1, FRAME - 1, FRAME, FRAME + 1, 1_000_003];

pub(crate) fn python() -> PathBuf {
    std::env::var_os("KARAKURI_TEST_PYTHON").map(PathBuf::from).expect(
        "KARAKURI_TEST_PYTHON is not set: run `make setup`, which makes the Python environment \
         with aws-encryption-sdk, and run the tests with `make test`",
    )
}

/// Runs `tests/interop/<script>` on the files of `directory`, as the script's head describes.
fn run(script: &str, directory: &Path, arguments: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(script);
    let output = Command::new(python())
        .arg("-IB")
        .arg(path)
        .arg(directory)
        .args(arguments)
        .output()
        .expect("KARAKURI_TEST_PYTHON does not name a program that runs: run `make setup`");
    assert!(
        output.status.success(),
        "{script} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

pub(crate) fn context_json(context: &Context) -> serde_json::Value {
    context.pairs().into_iter().collect()
}

/// A directory with the keys of this test program.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let pem = identity().to_pkcs8_pem().unwrap();
    std::fs::write(directory.path().join("private.pem"), pem.as_bytes()).unwrap();
    let pem = identity().recipient().unwrap().to_pem().unwrap();
    std::fs::write(directory.path().join("public.pem"), pem).unwrap();
    directory
}

#[test]
fn the_official_sdk_opens_what_is_sealed_here() {
    let directory = directory();
    for length in LENGTHS {
        let message = directory.path().join(format!("{length}.esdk"));
        std::fs::write(message, seal(&pattern(length)).0).unwrap();
    }
    run("decrypt.py", directory.path(), &[NAMESPACE, NAME]);
    for length in LENGTHS {
        let read =
            |kind: &str| std::fs::read(directory.path().join(format!("{length}.{kind}"))).unwrap();
        assert_eq!(read("plain"), pattern(length), "{length} bytes");
        let found: serde_json::Value = serde_json::from_slice(&read("context")).unwrap();
        assert_eq!(found, context_json(&context()));
    }
}

#[test]
fn what_the_official_sdk_seals_is_opened_here() {
    let directory = directory();
    for length in LENGTHS {
        std::fs::write(directory.path().join(format!("{length}.plain")), pattern(length)).unwrap();
    }
    let json = context_json(&context()).to_string();
    for frame_length in ["4096", "65536", "1048576"] {
        run("encrypt.py", directory.path(), &[NAMESPACE, NAME, frame_length, &json]);
        for length in LENGTHS {
            let message =
                std::fs::File::open(directory.path().join(format!("{length}.esdk"))).unwrap();
            let mut plaintext = Vec::new();
            let identities = std::slice::from_ref(identity());
            let opened = open(identities, Some(&context()), message, &mut plaintext).unwrap();
            assert_eq!(plaintext, pattern(length), "{length} bytes in frames of {frame_length}");
            assert_eq!(opened.context, context());
        }
    }
}

/// Other contexts are possible in the format; here they are refused, though they are authentic.
#[test]
fn an_authentic_message_with_another_set_of_pairs_is_refused() {
    let directory = directory();
    std::fs::write(directory.path().join("1.plain"), "x").unwrap();
    let ours = context_json(&context());
    let mut more = ours.clone();
    more["colour"] = "red".into();
    let mut fewer = ours.clone();
    fewer.as_object_mut().unwrap().remove("site");
    let mut class = ours;
    class["class"] = "other".into();
    for pairs in [more, fewer, class, serde_json::json!({})] {
        let pairs = pairs.to_string();
        run("encrypt.py", directory.path(), &[NAMESPACE, NAME, "4096", &pairs]);
        let message = std::fs::File::open(directory.path().join("1.esdk")).unwrap();
        let mut plaintext = Vec::new();
        let refused =
            open(std::slice::from_ref(identity()), None, message, &mut plaintext).unwrap_err();
        assert!(matches!(refused, OpenError::UnknownContext), "{pairs}: {refused}");
        assert_eq!(plaintext, b"");
    }
}

#[test]
fn a_manifest_is_checked_by_another_implementation() {
    let directory = directory();
    // Through PKCS #8, so that our encoding of the private key is read elsewhere too.
    let identity = SigningIdentity::generate().unwrap();
    let manifest = manifest();
    for (name, contents) in [
        ("signing.pem", identity.to_pkcs8_pem().unwrap().as_bytes().to_vec()),
        ("verifying.pem", identity.verifying_key().unwrap().to_pem().unwrap().into_bytes()),
        ("manifest.json", sign(&manifest, &identity).unwrap()),
    ] {
        std::fs::write(directory.path().join(name), contents).unwrap();
    }
    run("verify_manifest.py", directory.path(), &[]);
    let payload = std::fs::read(directory.path().join("payload.json")).unwrap();
    assert_eq!(payload, serde_json::to_vec(&manifest).unwrap());
}
