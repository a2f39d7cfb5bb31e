//! The real servers, started once for all tests and ended with this process, whose end of their stdin
//! closes then.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

/// Where they are.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) s3: u16,
    pub(crate) kms: u16,
    /// Two KMS keys: the tenant's, and somebody else's.
    pub(crate) keys: [String; 2],
    /// A role that may do everything.
    pub(crate) role: String,
    /// One that may do nothing a courier does.
    pub(crate) narrow: String,
    /// A server of TLS 1.1, and the certificate it shows.
    pub(crate) old_tls: (u16, String),
    talk: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

pub(crate) fn servers() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(start)
}

#[expect(clippy::zombie_processes, reason = "it ends with this process, and not before")]
fn start() -> Servers {
    let python =
        std::env::var("KARAKURI_TEST_PYTHON").expect("make test sets KARAKURI_TEST_PYTHON");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/courier/servers.py");
    let child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let facts: Value =
        serde_json::from_str(&line).expect("the servers start; run servers.py by hand");
    let port = |name: &str| u16::try_from(facts[name].as_u64().unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Servers {
        s3: port("s3"),
        kms: port("kms"),
        keys: [text(&facts["keys"][0]), text(&facts["keys"][1])],
        role: text(&facts["role"]),
        narrow: text(&facts["narrow"]),
        old_tls: (port("old_tls"), text(&facts["old_ca"])),
        talk: Mutex::new((child.stdin.unwrap(), stdout)),
    }
}

impl Servers {
    /// What another client, the official one, finds.
    pub(crate) fn ask(&self, question: &Value) -> Result<Value, String> {
        let mut talk = self.talk.lock().unwrap();
        writeln!(talk.0, "{question}").unwrap();
        let mut line = String::new();
        talk.1.read_line(&mut line).unwrap();
        let mut said: Value = serde_json::from_str(&line).unwrap();
        match said.get("error") {
            Some(error) => Err(error.as_str().unwrap().to_owned()),
            None => Ok(said["ok"].take()),
        }
    }

    /// Asserts that the bucket has exactly `content` under `key`.
    pub(crate) fn assert_has(&self, key: &str, content: &[u8]) -> Value {
        let head = self.ask(&json!({"head": key})).unwrap();
        assert_eq!(head["length"], content.len());
        assert_eq!(head["sha256"], crate::rig::sha256(content));
        head
    }

    /// Asserts that nothing is under `key`.
    pub(crate) fn assert_lacks(&self, key: &str) {
        let error = self.ask(&json!({"head": key})).unwrap_err();
        assert!(error.contains("404"), "{error}");
    }
}
