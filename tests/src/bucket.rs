//! A tenant's bucket and key: SeaweedFS and moto, as the courier's own tests have them, and a site that
//! delivers there.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::agent::repository;

/// The servers.
#[derive(Debug)]
pub struct Bucket {
    facts: Value,
    talk: Mutex<(Option<ChildStdin>, BufReader<ChildStdout>)>,
}

impl Bucket {
    /// Those of this test program, which end with it: its end of their stdin closes then.
    ///
    /// # Panics
    /// When they do not start.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Bucket> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    #[expect(clippy::zombie_processes, reason = "it ends with this process, and not before")]
    fn start() -> Self {
        let python = std::env::var("KARAKURI_TEST_PYTHON").unwrap_or_default();
        let script = repository().join("agent/courier/tests/courier/servers.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("make test sets KARAKURI_TEST_PYTHON: {e}"));
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let mut output = BufReader::new(output.unwrap_or_else(|| panic!("no stdout")));
        let mut line = String::new();
        let _length = output.read_line(&mut line);
        let facts = serde_json::from_str(&line)
            .unwrap_or_else(|e| panic!("the servers do not start ({e}); run servers.py by hand"));
        Self { facts, talk: Mutex::new((input, output)) }
    }

    /// What the official client finds.
    ///
    /// # Errors
    /// What the server said.
    ///
    /// # Panics
    /// When the servers are gone.
    pub fn ask(&self, question: &Value) -> Result<Value, String> {
        let mut talk = self.talk.lock().unwrap_or_else(|e| panic!("{e}"));
        let mut line = String::new();
        let (input, output) = &mut *talk;
        let sent = input.as_mut().map(|input| writeln!(input, "{question}"));
        let _length = output.read_line(&mut line);
        let mut said: Value =
            serde_json::from_str(&line).unwrap_or_else(|e| panic!("{sent:?}, {line:?}: {e}"));
        match said.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(said["ok"].take()),
        }
    }

    /// Everything whose key begins so.
    ///
    /// # Panics
    /// When the servers are gone.
    #[must_use]
    pub fn list(&self, prefix: &str) -> Vec<String> {
        let found = self.ask(&json!({ "list": prefix })).unwrap_or_else(|e| panic!("{e}"));
        let keys = found.as_array().cloned().unwrap_or_default();
        keys.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// What the official client decrypts under the tenant's key, and the context it was bound to.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn open(&self, key: &str) -> (Vec<u8>, Value) {
        let mut opened = self
            .ask(&json!({ "open": key, "with": self.key() }))
            .unwrap_or_else(|e| panic!("{key}: {e}"));
        let plaintext = BASE64.decode(opened["plaintext"].as_str().unwrap_or_default());
        (plaintext.unwrap_or_else(|e| panic!("{key}: {e}")), opened["context"].take())
    }

    /// The ARN of the tenant's key.
    #[must_use]
    pub fn key(&self) -> &str {
        self.facts["keys"][0].as_str().unwrap_or_default()
    }

    /// Where the bucket is, the lender of roles, and KMS.
    #[must_use]
    pub fn endpoints(&self) -> [String; 3] {
        ["s3", "s3", "kms"].map(|name| format!("http://127.0.0.1:{}", self.facts[name]))
    }

    /// Replaces a part of what [`Self::settle`] wrote.
    ///
    /// # Panics
    /// When it is not there.
    pub fn resettle(state: &Path, from: &str, to: &str) {
        let file = state.join("site/site.toml");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{e}"));
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replace(from, to)).unwrap_or_else(|e| panic!("{e}"));
    }

    /// Makes the state directory a site without a bus whose artifacts go to `prefix` of this bucket.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn settle(&self, state: &Path, prefix: &str, [s3, sts, kms]: &[String; 3]) {
        let directory = state.join("site");
        let credentials: PathBuf = directory.join("credentials.json");
        let printed = json!({
            "Version": 1, "AccessKeyId": "edge", "SecretAccessKey": "edgesecret",
        });
        let (key, role) = (self.key(), self.facts["role"].as_str().unwrap_or_default());
        let site = format!(
            "tenant = \"acme\"\nsite = \"osaka-1\"\nevents = false\n[keys.aws_kms]\nkey = \"{key}\"\n\
             [store.s3]\nbucket = \"acme\"\nregion = \"us-east-1\"\nprefix = \"{prefix}\"\n\
             [identity]\nrole_arn = \"{role}\"\n\
             base = {{ process = {{ command = [\"/usr/bin/cat\", \"{}\"] }} }}\n\
             [network]\nendpoints = {{ s3 = \"{s3}\", sts = \"{sts}\", kms = \"{kms}\" }}\n\
             [spool]\nkeep_delivered_minutes = 0\n",
            credentials.display()
        );
        let written = std::fs::create_dir_all(&directory)
            .and_then(|()| std::fs::write(&credentials, printed.to_string()))
            .and_then(|()| std::fs::write(directory.join("site.toml"), site));
        written.unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    }
}
