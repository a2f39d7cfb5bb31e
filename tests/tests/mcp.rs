//! `karakuri mcp`: a run whose script is an MCP client, through the official Python SDK and by hand.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use karakuri_protocol::script::METHODS;
use karakuri_tests::{Agent, Workflow, programs, repository};
use serde_json::{Value, json};

/// The workflow's own script, which must not be started.
const ENTRY: &str = "raise SystemExit('the entry was started')";

/// An MCP session, a line to a line.
struct Session {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Session {
    fn of(mut command: Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let (input, output) = (process.stdin.take(), process.stdout.take().unwrap());
        Self { process, input, output: BufReader::new(output) }
    }

    /// Through the SDK; what it was told when the session began.
    fn of_sdk(agent: &Agent, workflow: &Path) -> (Self, Value) {
        let python = std::env::var("KARAKURI_TEST_PYTHON").expect("set by `make test`");
        let mut command = Command::new(python);
        command.arg(repository().join("tests/mcp/client.py")).arg(programs().join("karakuri"));
        command.args(["mcp", "--workflow"]).arg(workflow).env("KARAKURI_STATE", agent.state());
        let mut session = Self::of(command);
        let started = session.read();
        (session, started)
    }

    fn write(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line)
            .unwrap_or_else(|e| panic!("{line:?}: {e}: {}", self.complaint()))
    }

    fn ask(&mut self, request: Value) -> Value {
        self.write(&request.to_string());
        self.read()
    }

    /// The result of a tool's call, and the text of its content; panics when it is an error.
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask(json!([tool, arguments]));
        assert_eq!(answer["isError"], false, "{tool}: {answer}");
        serde_json::from_str(answer["content"][0]["text"].as_str().unwrap()).unwrap()
    }

    /// The sentence and the typed part of the error of a tool's call.
    fn refusal(&mut self, tool: &str, arguments: Value) -> (String, Value) {
        let answer = self.ask(json!([tool, arguments]));
        assert_eq!(answer["isError"], true, "{tool}: {answer}");
        let text = |index: usize| answer["content"][index]["text"].as_str().unwrap().to_owned();
        (text(0), serde_json::from_str(&text(1)).unwrap())
    }

    /// Closes our end; the exit code, and what else it said on stdout.
    fn close(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code(), rest)
    }

    fn complaint(&mut self) -> String {
        drop(self.input.take());
        let mut text = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

fn audit(agent: &Agent) -> Vec<Value> {
    let files = std::fs::read_dir(agent.state().join("audit")).unwrap();
    let text: String = files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default())
        .collect();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What is recorded of one kind of event.
fn recorded<'a>(log: &'a [Value], event: &str) -> Vec<&'a Value> {
    log.iter().filter(|record| record["event"] == event).map(|record| &record["data"]).collect()
}

fn keys(answer: &Value) -> Vec<&str> {
    answer.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_client_acts_within_the_grant_and_is_shown_nothing() {
    let agent = Agent::new();
    let workflow = Workflow::new(ENTRY);
    let (mut client, started) = Session::of_sdk(&agent, workflow.path());
    assert_eq!(started["serverInfo"]["name"], "karakuri");
    let tools = client.ask(json!("tools"));
    let names: Vec<&str> =
        tools["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, [METHODS, &["computer"]].concat());

    let launched = client.call("launch", json!({ "app": "mousepad" }));
    assert_eq!(keys(&launched), ["effect", "ms", "via", "window"]);
    assert_eq!(keys(&launched["window"]), ["id"]);
    assert_eq!(
        client.call("wait_for", json!({ "target": "text:Document" })),
        json!({ "via": "text" })
    );
    let typed = client.call("type_text", json!({ "text": "Schmetterling\n" }));
    assert_eq!(
        (&typed["effect"], keys(&typed)),
        (&json!("confirmed"), vec!["effect", "ms", "via"])
    );
    assert_eq!(client.call("exists", json!({ "target": "text:Schmetterling" })), json!(true));
    let clicked = client.call("click", json!({ "target": "text:File" }));
    assert_eq!(
        (&clicked["effect"], keys(&clicked)),
        (&json!("confirmed"), vec!["effect", "ms", "via"])
    );
    let pressed = client.call("computer", json!({ "action": "key", "text": "Escape" }));
    assert_eq!(pressed["effect"], "confirmed");

    for (tool, arguments) in [
        ("screenshot", json!({ "name": "a" })),
        ("read_text", json!({})),
        ("find", json!({ "target": "text:File" })),
        ("get_clipboard", json!({})),
        ("pointer", json!({})),
        ("computer", json!({ "action": "screenshot" })),
        ("computer", json!({ "type": "screenshot" })),
        ("computer", json!({ "action": "zoom", "region": [0, 0, 9, 9] })),
        ("computer", json!({ "action": "cursor_position" })),
    ] {
        let (message, data) = client.refusal(tool, arguments);
        assert!(message.contains("permissions.disclose_screen = true"), "{tool}: {message}");
        assert_eq!(data, json!({ "kind": "denied" }), "{tool}");
    }
    // Not one word of what is on the screen, where a script would be told the nearest text.
    let missing = json!({ "target": "text:Schmetterlinge", "timeout_ms": 50 });
    let (message, data) = client.refusal("wait_for", missing);
    assert_eq!(message, "what was looked for is not on the screen");
    assert_eq!(data, json!({ "kind": "not_found" }));

    let (message, data) = client.refusal("launch", json!({ "app": "gedit" }));
    assert!(message.contains("permissions.apps"), "{message}");
    assert_eq!(data["kind"], "denied");
    let (message, _) = client.refusal("computer", json!({ "action": "fly" }));
    assert!(message.contains("`fly`"), "{message}");
    let unknown = client.ask(json!(["exec", {}]));
    assert!(unknown.to_string().contains("there is no tool"), "{unknown}");
    assert_eq!(client.close(), (Some(0), String::new()));
    left_behind(&agent);
}

/// A run of a client leaves what every run leaves.
fn left_behind(agent: &Agent) {
    let verified = agent.call(&["audit", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let log = audit(agent);
    let granted = &recorded(&log, "run.granted")[0]["permissions"][0];
    let grant: Value = serde_json::from_str(granted.as_str().unwrap()).unwrap();
    assert_eq!((&grant["driver"], &grant["disclose_screen"]), (&json!("client"), &json!(false)));
    let acts: Vec<&str> =
        recorded(&log, "act.intended").iter().map(|act| act["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["launch", "type_text", "click", "press"]);
    assert_eq!(recorded(&log, "act.observed").len(), acts.len());
    let denied = recorded(&log, "security.capability_denied");
    let screen = "permissions.disclose_screen = true";
    assert_eq!(denied.iter().filter(|denied| denied["capability"] == screen).count(), 9);
    assert_eq!(recorded(&log, "run.finished")[0]["outcome"], "success");
    let report = agent.call(&["report"]);
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
    let listed = agent.call(&["artifacts", "list", "last"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("report") && listed.contains("call-0001"), "{listed}");
}

#[test]
fn a_client_is_shown_the_screen_where_the_manifest_says_so() {
    let agent = Agent::new();
    let workflow =
        Workflow::new(ENTRY).manifest("screen = true", "screen = true\ndisclose_screen = true");
    let (mut client, _) = Session::of_sdk(&agent, workflow.path());
    let launched = client.call("launch", json!({ "app": "mousepad" }));
    assert!(launched["window"]["title"].is_string(), "{launched}");
    client.call("wait_for", json!({ "target": "text:Document" }));
    client.call("type_text", json!({ "text": "Schmetterling\n" }));
    let read = client.call("read_text", json!({}));
    assert!(read["text"].as_str().unwrap().contains("Schmetterling"), "{read}");
    client.call("computer", json!({ "action": "mouse_move", "coordinate": [333, 222] }));
    let at = client.call("computer", json!({ "action": "cursor_position" }));
    assert_eq!(at, json!([333, 222]));
    for (tool, arguments) in [
        ("screenshot", json!({ "name": "all" })),
        ("computer", json!({ "action": "zoom", "region": [0, 0, 200, 100] })),
        ("computer", json!({ "type": "screenshot" })),
    ] {
        let answer = client.ask(json!([tool, arguments]));
        let [kept, picture] = &answer["content"].as_array().unwrap()[..] else {
            panic!("{tool}: {answer}")
        };
        let kept: Value = serde_json::from_str(kept["text"].as_str().unwrap()).unwrap();
        assert_eq!(keys(&kept), ["artifact"]);
        assert_eq!(
            (&picture["type"], &picture["mimeType"]),
            (&json!("image"), &json!("image/webp"))
        );
        // "RIFF" in base64.
        assert!(picture["data"].as_str().unwrap().starts_with("UklGR"), "{tool}");
    }
    assert_eq!(client.close(), (Some(0), String::new()));
}

#[test]
fn what_is_no_message_does_not_end_the_session_and_the_end_of_stdin_does() {
    let agent = Agent::new();
    let workflow = Workflow::new(ENTRY);
    let path = workflow.path().to_string_lossy().into_owned();
    let mut client = Session::of(agent.command(&["mcp", "--workflow", &path]));
    client.write("this is no JSON");
    let began = client.ask(json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": { "protocolVersion": "2025-06-18", "capabilities": {},
                    "clientInfo": { "name": "by hand", "version": "1" } },
    }));
    assert_eq!(
        (&began["id"], &began["result"]["serverInfo"]["name"]),
        (&json!(1), &json!("karakuri"))
    );
    client.write(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    for line in ["{", "\u{0}\u{1}", r#"{"jsonrpc":"2.0","method":"notifications/nonsense"}"#] {
        client.write(line);
    }
    let call = |id: u64, name: &str, arguments: Value| {
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call",
                "params": { "name": name, "arguments": arguments } })
    };
    let hover = json!({ "target": { "find": { "point": [5, 5] } } });
    // An action's parameters that do not fit are the client's mistake, not the end of the run.
    let wrong = client.ask(call(2, "press", json!({ "key": "a" })));
    assert_eq!((&wrong["id"], &wrong["result"]["isError"]), (&json!(2), &json!(true)));
    let moved = client.ask(call(3, "hover", hover));
    assert_eq!((&moved["id"], &moved["result"]["isError"]), (&json!(3), &json!(false)));
    assert_eq!(client.close(), (Some(0), String::new()));
    let log = audit(&agent);
    assert_eq!(recorded(&log, "run.finished")[0]["outcome"], "success");
}

#[test]
fn a_client_that_goes_before_it_began_is_told_as_a_failure() {
    let agent = Agent::new();
    let workflow = Workflow::new(ENTRY);
    let path = workflow.path().to_string_lossy().into_owned();
    let output = agent.call(&["mcp", "--workflow", &path]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(22), "{said}");
    assert!(said.contains("did not initialize the session"), "{said}");
    assert!(output.stdout.is_empty());
}
