//! What a newcomer meets: mistakes on the command line and in a workflow that has not run yet. Each is
//! told in plain words, with its place and its own exit code.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Workflow, settle};
use serde_json::Value;

/// Exit code, stdout, stderr.
fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn code(exit: Exit) -> Option<i32> {
    Some(i32::from(exit.code()))
}

/// File, line, severity and rule.
type Finding = (String, u64, String, String);

/// What `karakuri lint` finds.
fn lint(workflow: &Path) -> (Option<i32>, Vec<Finding>) {
    let output = Agent::new().call(&["lint", "--json", &workflow.to_string_lossy()]);
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = findings.as_array().unwrap().iter().map(|f| {
        (text(&f["file"]), f["line"].as_u64().unwrap(), text(&f["severity"]), text(&f["rule"]))
    });
    (output.status.code(), found.filter(|f| !f.3.starts_with("unused")).collect())
}

fn finding(file: &str, line: u64, severity: &str, rule: &str) -> Finding {
    (file.to_owned(), line, severity.to_owned(), rule.to_owned())
}

#[test]
fn lint_finds_bad_python_without_running_it() {
    let trap = std::env::temp_dir().join(format!("karakuri-ran-{}", std::process::id()));
    let workflow = Workflow::new(&format!("open({trap:?}, 'w')\n"));
    workflow.file("other.py", "x = 1\ndef f(:\n");
    let (exit, found) = lint(workflow.path());
    assert_eq!(found, [finding("other.py", 2, "error", "python-syntax")]);
    assert_eq!(exit, code(Exit::InvalidWorkflow));
    assert!(!trap.exists(), "lint ran the script");
    workflow.file("other.py", "x = 1\n");
    assert_eq!(lint(workflow.path()), (Some(0), vec![]));
}

#[test]
fn lint_finds_every_mistake_of_a_manifest() {
    let (right, wrong) = ("agent = \">=0.1\"\nentry = \"main.py\"", "agent = \"new\"\nentry = 5");
    let workflow = Workflow::new("").manifest(right, wrong);
    let wrong = |line| finding("workflow.toml", line, "error", "manifest");
    assert_eq!(lint(workflow.path()), (code(Exit::InvalidWorkflow), vec![wrong(4), wrong(5)]));
}

#[test]
fn lint_finds_links_bad_steps_and_programs_that_are_not_installed() {
    let workflow = Workflow::new("").manifest("\"xterm\", \"mousepad\"", "\"no-such-program\"");
    std::os::unix::fs::symlink("/etc/passwd", workflow.path().join("data.txt")).unwrap();
    workflow.file("steps.yaml", "- step: {name: a}\n- wait_for: {target: Save}\n");
    let (exit, found) = lint(workflow.path());
    assert_eq!(exit, code(Exit::InvalidWorkflow));
    for expected in [
        finding("data.txt", 1, "error", "bundle"),
        finding("steps.yaml", 2, "error", "steps"),
        finding("workflow.toml", 8, "warning", "not-installed"),
    ] {
        assert!(found.contains(&expected), "{expected:?}: {found:?}");
    }
}

#[test]
fn bad_steps_are_told_with_line_and_parameter_when_they_run() {
    let workflow = Workflow::new("").manifest("main.py", "steps.yaml");
    workflow.file("steps.yaml", "- step: {name: a}\n- wait_for:\n    target: Save\n");
    let finished = Agent::new().run(workflow.path(), &[]);
    finished.ended(Exit::ScriptFailed);
    let message = finished.message();
    let expected = "steps.yaml:2: wait_for: target: \"Save\" is not a target: write text:";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn what_is_not_there_is_said_in_words() {
    let agent = Agent::new();
    let empty = Workflow::empty();
    let empty = empty.path().to_string_lossy().into_owned();
    for command in [&["lint"][..], &["run"], &["sandbox", "explain"]] {
        let (_, _, err) = told(&agent.call(&[command, &["/no/such/directory"]].concat()));
        let expected = "karakuri: /no/such/directory: there is no such directory; name the one \
                        that holds workflow.toml\n";
        assert_eq!(err, expected, "{command:?}");
    }
    for command in [&["lint"][..], &["sandbox", "explain"]] {
        let (_, _, err) = told(&agent.call(&[command, &[empty.as_str()]].concat()));
        assert!(err.starts_with("karakuri: there is no workflow.toml in "), "{err}");
    }
    let workflow = Workflow::new("").manifest(
        "[outputs.result]",
        "[inputs.ledger]\ntype = \"file\"\nrequired = false\n[outputs.result]",
    );
    let finished = agent.run(workflow.path(), &["ledger=/no/such/file"]);
    assert_eq!(Some(finished.code), code(Exit::InvalidInput));
    let expected = "karakuri: input \"ledger\" must be a file: /no/such/file: no such file or \
                    directory\n";
    assert_eq!(finished.stderr, expected);
}

#[test]
fn an_unknown_level_of_the_log_is_refused() {
    let (exit, _, err) = told(&Agent::new().call(&["run", "--log", "loud", "."]));
    assert_eq!(exit, code(Exit::Usage));
    assert!(err.contains("possible values: error, warn, info, debug"), "{err}");
}

#[test]
fn a_workflow_for_another_version_is_told_its_line() {
    let workflow = Workflow::new("").manifest(">=0.1", ">=7");
    assert_eq!(lint(workflow.path()).1, [finding("workflow.toml", 4, "error", "refused")]);
    let finished = Agent::new().run(workflow.path(), &[]);
    finished.ended(Exit::InvalidWorkflow);
    assert!(finished.message().starts_with("agent = \">=7\": "), "{}", finished.message());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut command = Agent::new().command(&["doctor"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let (exit, _, err) = told(&child.wait_with_output().unwrap());
    assert_eq!((exit, err.as_str()), (Some(0), ""));
}

#[test]
fn a_failed_run_says_what_next_and_a_report_without_a_browser_is_still_a_report() {
    let agent = Agent::new();
    let workflow = Workflow::new("raise ValueError('x')\n");
    let (_, out, _) = told(&agent.call(&["run", &workflow.path().to_string_lossy()]));
    assert!(out.contains("next       karakuri report last --open"), "{out}");
    let output = agent.command(&["report", "--open"]).env("PATH", "/nonexistent").output();
    let (exit, out, err) = told(&output.unwrap());
    assert_eq!(exit, Some(0));
    assert!(Path::new(out.trim_end()).is_file(), "{out}");
    assert!(err.contains("no browser could be started"), "{err}");
}

#[test]
fn explain_shows_the_hosts_that_applications_reach() {
    let workflow = Workflow::new("")
        .manifest("screen = true", "screen = true\nnetwork = [\"erp.example.com:443\"]");
    let path = workflow.path().to_string_lossy().into_owned();
    let agent = Agent::new();
    let (exit, out, err) = told(&agent.call(&["sandbox", "explain", &path]));
    assert_eq!(exit, Some(0), "{err}");
    assert!(out.contains("by permissions.network\n  erp.example.com:443\n"), "{out}");
    let (_, out, _) = told(&agent.call(&["sandbox", "explain", "--json", &path]));
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["applications_network"], serde_json::json!(["erp.example.com:443"]));
}

#[test]
fn a_wrong_site_toml_begins_no_run_and_the_doctor_names_it() {
    let agent = Agent::new();
    let workflow = Workflow::new("pass\n");
    let site = agent.state().join("site");
    fs::create_dir_all(&site).unwrap();
    let first = "tenant = \"acme\"\nsite = \"osaka-1\"\n";
    let _key = settle(agent.state(), "", "[personal.patterns]\nbad = \"(\"\n");
    let pattern = fs::read_to_string(site.join("site.toml")).unwrap();
    let key = "[[keys.raw_rsa]]\nnamespace = \"acme\"\nname = \"offline\"\npublic_key = \"/nowhere/acme.pem\"\n";
    for (text, named) in [
        ("tenannt = 1\n".to_owned(), "tenannt"),
        (format!("{first}{key}"), "/nowhere/acme.pem"),
        (pattern, "personal"),
    ] {
        fs::write(site.join("site.toml"), &text).unwrap();
        let (exit, _, err) = told(&agent.call(&["run", &workflow.path().to_string_lossy()]));
        assert_eq!(exit, Some(2), "{text}: {err}");
        assert!(err.contains(named) && err.lines().count() < 8, "{text}: {err}");
        let (exit, out, _) = told(&agent.call(&["doctor"]));
        assert_eq!(exit, Some(12), "{out}");
        assert!(out.contains("FAIL site.toml") && out.contains(named), "{out}");
    }
}

#[test]
fn without_the_directory_of_models_the_set_up_is_named() {
    let agent = Agent::new();
    let workflow = Workflow::new("pass\n");
    let mut command = agent.command(&["run", &workflow.path().to_string_lossy()]);
    let nothing = agent.state().join("nothing");
    let (exit, _, err) = told(&command.env("KARAKURI_ASSETS", nothing).output().unwrap());
    assert_eq!(exit, Some(14), "{err}");
    assert!(err.contains("make setup"), "{err}");
}
