//! The crate graph is the trust graph: what a process must not do, its crate does not link.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Package → packages that must not be anywhere below it, each with the reason.
const BANS: &[(&str, &[(&str, &str)])] = &[
    (
        "karakuri-sandbox",
        &[
            ("tokio", "the monitor and the launcher fork: they have one thread"),
            ("karakuri-workflow", "the monitor parses nothing a workflow wrote"),
            ("karakuri-protocol", "the monitor does not know what a script can say"),
            ("aws-config", "the monitor starts who gives credentials, and sees none"),
            ("x11rb", "the monitor sees no screen"),
            ("ort", "the monitor runs no model"),
            ("rustls", "the monitor reaches no network"),
        ],
    ),
    (
        "karakurid",
        &[
            ("x11rb", "who records does not see the screen"),
            ("enigo", "who records does not touch the keyboard"),
            ("xcap", "who records does not see the screen"),
            ("ort", "models run in karakuri-desktop alone"),
            ("rustls", "karakurid reaches no network"),
            ("hyper", "karakurid reaches no network"),
            ("aws-config", "karakurid holds no credentials"),
        ],
    ),
    (
        "karakuri-desktop",
        &[
            ("karakuri-seal", "who sees the screen holds no data key"),
            ("karakuri-audit", "who sees the screen writes no record"),
            ("karakuri-workflow", "who sees the screen decides nothing"),
            ("rustls", "who sees the screen reaches no network"),
            ("tokio", "one request, one reply: nothing runs beside it"),
            ("aws-config", "who sees the screen holds no credentials"),
        ],
    ),
    (
        "karakuri-courier",
        &[
            ("karakuri-seal", "who reaches the network holds no data key"),
            ("karakuri-audit", "who reaches the network writes no record"),
            ("karakuri-workflow", "the courier decides nothing"),
            ("x11rb", "who reaches the network does not see the screen"),
            ("ort", "the courier runs no model"),
        ],
    ),
    (
        "karakuri-egress",
        &[
            ("karakuri-seal", "who reaches the network holds no data key"),
            ("karakuri-audit", "who reaches the network writes no record"),
            ("karakuri-workflow", "the proxy decides nothing"),
            ("x11rb", "who reaches the network does not see the screen"),
            ("rustls", "the proxy passes bytes on; it speaks to nobody itself"),
        ],
    ),
    (
        "karakuri-workflow",
        &[
            ("karakuri-sandbox", "workflows and sandbox do not know each other"),
            ("tokio", "a pure library"),
            ("rustix", "a pure library: no system calls"),
            ("libc", "a pure library: no system calls"),
        ],
    ),
    (
        "karakuri-steps",
        &[
            ("karakuri-sandbox", "the interpreter runs inside the sandbox and has no part in it"),
            ("karakuri-workflow", "the interpreter asks; it does not decide"),
            ("tokio", "one request, one answer"),
        ],
    ),
    (
        "karakuri-channel",
        &[
            ("karakuri-sandbox", "the script's end runs inside the sandbox and has no part in it"),
            ("tokio", "one request, one answer"),
        ],
    ),
    (
        "karakuri-mcp",
        &[
            ("karakuri-sandbox", "the front runs inside the sandbox and has no part in it"),
            ("karakuri-workflow", "the front asks; it does not decide"),
            ("karakuri-seal", "who listens to a client holds no key"),
            ("karakuri-audit", "who listens to a client writes no record"),
            ("x11rb", "who listens to a client does not see the screen"),
            ("ort", "the front runs no model"),
            ("hyper", "the client is on stdin and stdout: the front reaches no network"),
            ("rustls", "the client is on stdin and stdout: the front reaches no network"),
        ],
    ),
    (
        "karakuri-watch",
        &[
            ("karakuri-seal", "who shows the screen holds no key"),
            ("karakuri-audit", "who shows the screen writes no record"),
            ("karakuri-workflow", "the window decides nothing"),
            ("enigo", "a person's input goes through karakurid, which records it"),
            ("ort", "the window runs no model"),
            ("rustls", "who shows the screen reaches no network"),
            ("tokio", "one thread that waits"),
        ],
    ),
    (
        "karakuri",
        &[
            ("rmcp", "who holds the user's keys does not listen to a client"),
            ("x11rb", "who holds the user's keys does not see the screen"),
        ],
    ),
    (
        "karakuri-protocol",
        &[("rustix", "pure data: no system calls"), ("libc", "pure data: no system calls")],
    ),
    (
        "karakuri-site",
        &[
            ("rustix", "a pure library: it opens nothing that it names"),
            ("libc", "a pure library: it opens nothing that it names"),
            ("tokio", "a pure library"),
        ],
    ),
    (
        "karakuri-spool",
        &[
            ("karakuri-seal", "who keeps the ciphertext holds no data key"),
            (
                "karakuri-audit",
                "the session composes spool and audit log; they do not know each other",
            ),
            ("karakuri-sandbox", "it keeps files; it has no part in walls and links"),
            ("tokio", "every call is done when it returns: nothing runs beside it"),
            ("hyper", "who keeps the ciphertext reaches no network"),
            ("rustls", "who keeps the ciphertext reaches no network"),
        ],
    ),
    (
        "karakuri-verbs",
        &[
            ("rustix", "it says what a call means: no system calls"),
            ("karakuri-workflow", "it says what a call means, not whether it is allowed"),
            ("karakuri-audit", "it says what a call means; who carries it out records it"),
        ],
    ),
];

/// The most packages `karakuri-sandbox` names itself.
const SANDBOX_DIRECT: usize = 8;

struct Graph {
    names: BTreeMap<String, String>,
    edges: BTreeMap<String, Vec<String>>,
}

/// The graph of normal dependencies on this platform; what only tests or builds use is left out.
fn graph() -> Graph {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(karakuri_tests::repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let names = metadata["packages"].as_array().unwrap();
    let names = names.iter().map(|p| (text(&p["id"]), text(&p["name"]))).collect();
    let mut edges = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array().unwrap() {
        let normal = node["deps"].as_array().unwrap().iter().filter(|dep| {
            dep["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null())
        });
        edges.insert(text(&node["id"]), normal.map(|dep| text(&dep["pkg"])).collect());
    }
    Graph { names, edges }
}

impl Graph {
    fn id(&self, name: &str) -> &str {
        self.names.iter().find(|(_, n)| *n == name).map(|(id, _)| id.as_str()).unwrap()
    }

    fn below(&self, name: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut open = vec![self.id(name)];
        while let Some(id) = open.pop() {
            for next in &self.edges[id] {
                if seen.insert(next.as_str()) {
                    open.push(next);
                }
            }
        }
        seen.iter().map(|id| self.names[*id].as_str()).collect()
    }
}

#[test]
fn no_crate_links_what_its_process_must_not_do() {
    let graph = graph();
    let mut broken = Vec::new();
    for (package, bans) in BANS {
        let below = graph.below(package);
        for (banned, reason) in *bans {
            if below.contains(banned) {
                broken.push(format!("{package} links {banned}: {reason}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_test_sees_what_is_linked() {
    let graph = graph();
    assert!(graph.below("karakuri-desktop").contains("x11rb"));
    assert!(graph.below("karakurid").contains("karakuri-seal"));
    assert!(graph.below("karakuri-courier").contains("aws-lc-rs"));
}

/// Credentials and connections to services belong to one process.
#[test]
fn only_the_courier_links_the_sdk() {
    let graph = graph();
    let ours = graph.names.values().filter(|name| name.starts_with("karakuri"));
    let linked =
        |name: &&String| graph.below(name).iter().any(|below| below.starts_with("aws-sdk-"));
    assert_eq!(ours.filter(linked).collect::<Vec<_>>(), ["karakuri-courier"]);
}

#[test]
fn the_sandbox_names_few_packages() {
    let graph = graph();
    let direct = &graph.edges[graph.id("karakuri-sandbox")];
    assert!(direct.len() <= SANDBOX_DIRECT, "{direct:?}");
}
