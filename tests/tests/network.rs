//! What applications reach: nothing without a grant; with one, the granted host and port through the
//! proxy, and nothing else. The script reaches nothing, ever.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read, Write};
use std::net::TcpListener;

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Finished, Workflow};
use serde_json::Value;

/// Runs a probe in a terminal of the run, once it is there, and puts out what it found.
const SCRIPT: &str = r#"
from karakuri import desktop as d, run
import json, os, socket, time
try:
    socket.socket()
    script = "ok"
except OSError as e:
    script = e.errno
d.launch("xterm", ["-e", "sh", "-c", "python3 /files/probe.py; sleep 60"])
while not os.path.exists("/files/found.json"): time.sleep(0.05)
run.output("result", {"script": script, "found": json.load(open("/files/found.json"))})
"#;

/// Tries to get out. `%GRANTED%` and `%OTHER%` are ports of servers of the test.
const PROBE: &str = r#"
import json, os, socket
found = {"proxy": os.environ.get("https_proxy")}

def attempt(name, what):
    try:
        found[name] = what()
    except OSError as e:
        found[name] = e.errno

def direct(host, port):
    with socket.create_connection((host, port), 5) as s:
        return "connected"

def tunnel(place):
    with socket.create_connection(("127.0.0.1", 3128), 5) as s:
        s.sendall(f"CONNECT {place} HTTP/1.1\r\n\r\n".encode())
        head = s.recv(4096).decode()
        if " 200 " not in head.splitlines()[0]:
            return head.splitlines()[0]
        s.sendall(b"hello\n")
        return s.recv(100).decode()

attempt("tunnel granted", lambda: tunnel("127.0.0.1:%GRANTED%"))
attempt("tunnel other", lambda: tunnel("127.0.0.1:%OTHER%"))
attempt("tunnel metadata", lambda: tunnel("169.254.169.254:%GRANTED%"))
attempt("direct granted", lambda: direct("127.0.0.1", %GRANTED%))
attempt("direct other", lambda: direct("127.0.0.1", %OTHER%))
attempt("direct outside", lambda: direct("192.0.2.1", 443))
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close())
attempt("listen", lambda: socket.create_server(("127.0.0.1", 0)).close())
json.dump(found, open("/files/found.tmp", "w"))
os.rename("/files/found.tmp", "/files/found.json")
"#;

/// A server on the machine that answers one line in capitals to each client.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            let mut line = [0u8; 100];
            let count = client.read(&mut line).unwrap_or(0);
            // A client that is gone got what it wanted.
            let _sent = client.write_all(line[..count].to_ascii_uppercase().as_slice());
        }
    });
    port
}

fn run(grant: Option<u16>, granted: u16, other: u16) -> (Agent, Finished) {
    let probe =
        PROBE.replace("%GRANTED%", &granted.to_string()).replace("%OTHER%", &other.to_string());
    let network =
        grant.map_or_else(String::new, |port| format!("network = [\"127.0.0.1:{port}\"]"));
    let workflow = Workflow::new(SCRIPT).manifest(
        "files = \"write\"",
        &format!(
            "files = \"write\"\n{network}\n[inputs.probe]\ntype = \"file\"\ndefault = \"probe.py\""
        ),
    );
    workflow.file("probe.py", &probe);
    let agent = Agent::new();
    let finished = agent.run(workflow.path(), &[]);
    finished.ended(Exit::Success);
    (agent, finished)
}

#[test]
fn an_application_reaches_what_is_granted_and_nothing_else() {
    let (granted, other) = (server(), server());
    let (agent, finished) = run(Some(granted), granted, other);
    let found = &finished.result()["found"];
    assert_eq!(found["proxy"], "http://127.0.0.1:3128");
    assert_eq!(found["tunnel granted"], "HELLO\n");
    assert_eq!(found["tunnel other"], "HTTP/1.1 403 Forbidden");
    assert_eq!(found["tunnel metadata"], "HTTP/1.1 403 Forbidden");
    let (eperm, eacces) = (1, 13);
    for (attempt, errno) in [
        ("direct granted", eacces),
        ("direct other", eacces),
        ("direct outside", eacces),
        ("udp", eperm),
        ("listen", eacces),
    ] {
        assert_eq!(found[attempt], errno, "{attempt}");
    }
    assert_eq!(finished.result()["script"], eperm);
    let log = std::fs::read_dir(agent.state().join("audit")).unwrap();
    let log: String =
        log.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default()).collect();
    let attempts: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|record| record.to_string().contains("network.attempt"))
        .collect();
    assert_eq!(attempts.len(), 3, "{attempts:?}");
    assert!(finished.report.contains("was not let through to"), "the report is silent");
}

#[test]
fn without_a_grant_there_is_no_network_at_all() {
    let (granted, other) = (server(), server());
    let (_, finished) = run(None, granted, other);
    let found = finished.result()["found"].as_object().unwrap();
    assert_eq!(found["proxy"], Value::Null);
    for (attempt, found) in found.iter().filter(|(name, _)| *name != "proxy") {
        assert_eq!(found, 1, "{attempt}");
    }
}
