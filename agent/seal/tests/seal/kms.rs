//! Data keys of KMS: the official keyrings open what is sealed here, and the other way round; rewrapping.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use karakuri_seal::kms::{Decrypt, Generated, KmsKey, KmsRsa};
use karakuri_seal::{Context, DataKey, Identity, OpenError, Recipient, Sealer, Wrap, open, rewrap};
use serde_json::{Value, json};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::fixture::{self, NAMESPACE, context, header_length, identity, pattern};
use crate::interop::{context_json, python};

/// KMS for as long as this lives.
struct Kms {
    directory: TempDir,
    about: Value,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
    process: Child,
}

impl Kms {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/kms.py");
        let mut process = Command::new(python())
            .arg("-IB")
            .arg(script)
            .arg(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut output = BufReader::new(output);
        let about = line(&mut output);
        Self { directory, about, pipes: RefCell::new((input, output)), process }
    }

    fn ask(&self, question: &Value) -> Value {
        let (input, output) = &mut *self.pipes.borrow_mut();
        writeln!(input, "{question}").unwrap();
        line(output)
    }

    fn arn(&self, key: &str) -> &str {
        self.about[key].as_str().unwrap()
    }

    fn rsa(&self) -> KmsRsa {
        KmsRsa::from_pem(self.arn("rsa"), self.about["public"].as_str().unwrap()).unwrap()
    }

    fn generate(&self, context: &Context) -> Generated {
        let made = self.ask(&json!({ "do": "generate", "context": context_json(context) }));
        let data_key = DataKey::read(&*bytes(&made["plaintext"])).unwrap();
        Generated::new(self.arn("symmetric"), bytes(&made["ciphertext"]), data_key)
    }

    /// What the official keyring makes of a message.
    fn open(&self, key: &str, message: &[u8]) -> (Vec<u8>, Value) {
        std::fs::write(self.directory.path().join("message"), message).unwrap();
        let found = self.ask(&json!({ "do": "open", "key": key, "file": "message" }));
        (bytes(&found["plaintext"]), found["context"].clone())
    }
}

impl Kms {
    /// Calls the official command line on files of the directory.
    fn command_line(&self, words: &[&str]) {
        let program = Path::new(&python()).with_file_name("aws-encryption-cli");
        let pairs = context().pairs().map(|(name, value)| format!("{name}={value}"));
        let output = Command::new(program)
            .args(words)
            .args(["--wrapping-keys", &format!("key={}", self.arn("symmetric"))])
            .args(["--suppress-metadata", "--encryption-context"])
            .args(pairs)
            .current_dir(&self.directory)
            .env("AWS_ENDPOINT_URL_KMS", self.arn("endpoint"))
            .envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

impl Kms {
    /// A key as somebody with the right to decrypt uses it.
    fn key(&self, name: &str) -> KmsKey<&Self> {
        KmsKey::new(self.arn(name), self)
    }
}

impl Decrypt for &Kms {
    fn decrypt(
        &self,
        arn: &str,
        ciphertext: &[u8],
        context: Option<&Context>,
    ) -> Result<Zeroizing<Vec<u8>>, String> {
        let (ciphertext, context) = (STANDARD.encode(ciphertext), context.map(context_json));
        let found = self.ask(
            &json!({ "do": "decrypt", "key": arn, "context": context, "ciphertext": ciphertext }),
        );
        match found["error"].as_str() {
            None => Ok(Zeroizing::new(bytes(&found["plaintext"]))),
            Some(error) => Err(error.to_owned()),
        }
    }
}

fn line(output: &mut impl BufRead) -> Value {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

const NOBODY: [Recipient; 0] = [];

#[test]
fn kms_and_an_off_line_key_open_the_same_message() {
    let kms = Kms::start();
    let off_line = [identity().recipient().unwrap()];
    let mut sealer =
        Sealer::with_generated(context(), kms.generate(&context()), &off_line).unwrap();
    let mut message = Vec::new();
    sealer.seal(&*pattern(100_000), &mut message).unwrap();
    assert_eq!(kms.open("symmetric", &message), (pattern(100_000), context_json(&context())));
    assert_eq!(fixture::try_open(&message).0, pattern(100_000));
    let mut plaintext = Vec::new();
    open(&[kms.key("symmetric")], Some(&context()), &*message, &mut plaintext).unwrap();
    assert_eq!(plaintext, pattern(100_000));
}

#[test]
fn kms_refuses_a_data_key_with_another_context() {
    let kms = Kms::start();
    let mut other = context();
    other.run.push('0');
    let mut sealer = Sealer::with_generated(context(), kms.generate(&other), &NOBODY).unwrap();
    let mut message = Vec::new();
    sealer.seal(&b"x"[..], &mut message).unwrap();
    let refused = open(&[kms.key("symmetric")], None, &*message, Vec::new()).unwrap_err();
    assert!(
        matches!(&refused, OpenError::Unwrap(e) if e == "InvalidCiphertextException"),
        "{refused}"
    );
}

#[test]
fn the_public_half_of_a_kms_key_is_enough_to_seal() {
    let kms = Kms::start();
    let mut message = Vec::new();
    Sealer::new(context(), &[kms.rsa()])
        .unwrap()
        .seal(&b"sealed off line"[..], &mut message)
        .unwrap();
    assert_eq!(kms.open("rsa", &message), (b"sealed off line".to_vec(), context_json(&context())));
    let mut plaintext = Vec::new();
    open(&[kms.key("rsa")], Some(&context()), &*message, &mut plaintext).unwrap();
    assert_eq!(plaintext, b"sealed off line");
    let other = open(&[kms.key("symmetric")], None, &*message, Vec::new()).unwrap_err();
    assert!(matches!(other, OpenError::NoKey { .. }), "{other}");
    let (_, refused) = fixture::try_open(&message);
    let expected = format!("aws-kms-rsa/{}", kms.arn("rsa"));
    let refused = refused.unwrap_err();
    assert!(
        matches!(&refused, OpenError::NoKey { sealed_for } if *sealed_for == [expected]),
        "{refused}"
    );
}

#[test]
fn a_data_key_of_another_context_is_none_under_an_rsa_key_either() {
    let kms = Kms::start();
    let mut other = context();
    other.run.push('0');
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for (context, message) in [(context(), &mut own), (other, &mut others)] {
        Sealer::new(context, &[kms.rsa()]).unwrap().seal(&b"x"[..], message).unwrap();
    }
    // The data key of one message in the header of the other.
    let wrapped = |message: &[u8]| {
        let arn = kms.arn("rsa").as_bytes();
        let at = message.windows(arn.len()).position(|part| part == arn).unwrap() + arn.len();
        at + 2..at + 2 + 512
    };
    let (from, to) = (wrapped(&others), wrapped(&own));
    own[to].copy_from_slice(&others[from]);
    let refused = open(&[kms.key("rsa")], None, &*own, Vec::new()).unwrap_err();
    assert!(matches!(&refused, OpenError::Unwrap(e) if e.contains("another context")), "{refused}");
}

#[test]
fn what_the_official_kms_keyring_seals_is_opened_here() {
    let kms = Kms::start();
    let plaintext = STANDARD.encode(pattern(9_999));
    let context_pairs = context_json(&context());
    kms.ask(&json!({ "do": "seal", "context": context_pairs, "file": "theirs", "plaintext": plaintext }));
    let message = std::fs::read(kms.directory.path().join("theirs")).unwrap();
    let mut plaintext = Vec::new();
    open(&[kms.key("symmetric")], Some(&context()), &*message, &mut plaintext).unwrap();
    assert_eq!(plaintext, pattern(9_999));
}

#[test]
fn the_official_command_line_opens_what_is_sealed_here_and_the_other_way_round() {
    let kms = Kms::start();
    let at = |name: &str| kms.directory.path().join(name);
    let plaintext = pattern(150_000);
    let mut sealer = Sealer::with_generated(context(), kms.generate(&context()), &NOBODY).unwrap();
    sealer.seal(&*plaintext, std::fs::File::create(at("ours.esdk")).unwrap()).unwrap();
    kms.command_line(&["--decrypt", "--input", "ours.esdk", "--output", "opened"]);
    assert_eq!(std::fs::read(at("opened")).unwrap(), plaintext);

    let suite = ["--algorithm", "AES_256_GCM_HKDF_SHA512_COMMIT_KEY"];
    let files = ["--encrypt", "--input", "opened", "--output", "theirs.esdk"];
    kms.command_line(&[&suite[..], &files].concat());
    let message = std::fs::read(at("theirs.esdk")).unwrap();
    let mut found = Vec::new();
    open(&[kms.key("symmetric")], Some(&context()), &*message, &mut found).unwrap();
    assert_eq!(found, plaintext);
}

#[test]
fn a_message_gets_other_recipients_and_keeps_its_body() {
    let kms = Kms::start();
    let (message, summary) = fixture::seal(&pattern(200_000));
    let new = Identity::generate(NAMESPACE, "new").unwrap();
    let recipients: [Box<dyn Wrap>; 2] = [Box::new(new.recipient().unwrap()), Box::new(kms.rsa())];
    let keys = std::slice::from_ref(identity());
    let mut again = Vec::new();
    let rewrapped = rewrap(keys, &recipients, Some(&context()), &*message, &mut again).unwrap();
    assert_eq!(rewrapped.before, summary);
    assert_eq!(rewrapped.after.body_sha256, summary.body_sha256);
    assert_ne!(rewrapped.after.message_sha256, summary.message_sha256);
    assert_eq!(again[header_length(&rewrapped.after)..], message[header_length(&summary)..]);

    let mut plaintext = Vec::new();
    let opened = open(&[new], Some(&context()), &*again, &mut plaintext).unwrap();
    assert_eq!((opened.summary, plaintext), (rewrapped.after, pattern(200_000)));
    assert_eq!(kms.open("rsa", &again).0, pattern(200_000));
    // Who could open it before opens only the old message.
    assert!(matches!(fixture::try_open(&again).1, Err(OpenError::NoKey { .. })));
}

#[test]
fn nothing_altered_is_rewrapped() {
    let (message, summary) = fixture::seal(&pattern(200_000));
    let recipients = [identity().recipient().unwrap()];
    let tried = |message: &[u8]| {
        rewrap(std::slice::from_ref(identity()), &recipients, None, message, Vec::new())
            .unwrap_err()
    };
    let mut altered = message.clone();
    altered[header_length(&summary) + 100] ^= 1;
    assert!(matches!(tried(&altered), OpenError::FrameTag { frame: 1 }));
    let mut altered = message.clone();
    altered[40] ^= 1;
    assert!(!matches!(tried(&altered), OpenError::FrameTag { .. }));
    assert!(matches!(tried(&message[..message.len() - 1]), OpenError::Truncated));
    assert!(matches!(tried(&[&message[..], b"x"].concat()), OpenError::TrailingBytes));
    let nobody = rewrap(std::slice::from_ref(identity()), &NOBODY, None, &*message, Vec::new());
    assert!(matches!(nobody, Err(OpenError::Rewrap(_))));
}

#[test]
fn a_data_key_has_exactly_32_bytes() {
    assert!(DataKey::read(&[7; 32][..]).is_ok());
    for length in [0, 31, 33] {
        let refused = DataKey::read(&vec![7; length][..]).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidData, "{length}");
    }
}
