//! Nothing is allowed that was not both asked for and permitted.

use karakuri_protocol::target::Find;
use serde_json::json;

use super::*;
use crate::manifest::FILE_NAME;

const HEAD: &str = "name = \"a\"\nversion = \"1.0.0\"\nagent = \"*\"\nentry = \"main.py\"\n";

fn manifest(rest: &str) -> Manifest {
    Manifest::parse(&format!("{HEAD}{rest}"), FILE_NAME).unwrap()
}

fn grant(rest: &str) -> Grant {
    Grant::decide(&manifest(rest), &Policy::development()).unwrap()
}

fn call(method: &str, params: serde_json::Value) -> Call {
    serde_json::from_value(json!({"method": method, "params": params})).unwrap()
}

/// A call of every method with the least parameters it takes.
fn every_call() -> Vec<Call> {
    let target = json!("text:\"Save\"");
    let params = |method: &str| match method {
        "click" | "double_click" | "triple_click" | "right_click" | "middle_click"
        | "mouse_down" | "mouse_up" | "hover" | "wait_for" | "wait_gone" | "exists" | "expect"
        | "find" | "find_all" => json!({"target": target}),
        "drag" => json!({"from": target, "to": target}),
        "scroll" => json!({"direction": "down", "ticks": 1}),
        "type_text" | "set_clipboard" => json!({"text": "a"}),
        "press" => json!({"keys": "a"}),
        "hold" => json!({"keys": "a", "ms": 1}),
        "launch" => json!({"app": "xterm"}),
        "close" | "focus" => json!({"window": 1}),
        "wait_still" => json!({"still_ms": 1}),
        "expect_any" => json!({"targets": {"a": target}}),
        "soft_fail" => json!({"reason": "a"}),
        "screenshot" | "step" | "once" | "input" | "secret" | "type_secret" => json!({"name": "a"}),
        "attach" => json!({"path": "/files/a"}),
        "output" => json!({"key": "a", "value": 1}),
        "retry" => json!({"attempt": 2, "reason": "a"}),
        "timeout" => json!({"ms": 1}),
        "log" => json!({"message": "a"}),
        "fail_business" | "fail_app" => json!({"code": "a"}),
        _ => json!({}),
    };
    karakuri_protocol::script::METHODS.iter().map(|m| call(m, params(m))).collect()
}

const ALL: &str = r#"
[permissions]
apps = ["xterm"]
screen = true
input = true
clipboard = true
files = "read"
[inputs.a]
type = "string"
[outputs.a]
type = "int"
"#;

#[test]
fn every_method_has_its_row_under_its_name() {
    let names: Vec<&str> = every_call().iter().map(|call| needs(call).method).collect();
    assert_eq!(names, karakuri_protocol::script::METHODS);
}

#[test]
fn with_every_permission_every_offered_method_is_allowed() {
    let grant = grant(ALL);
    for call in every_call() {
        let row = needs(&call);
        match grant.allows(&call) {
            Ok(approved) => assert_eq!(approved.get(), &call),
            Err(denied) => {
                assert_eq!(row.reach, Reach::NotOffered, "{denied}");
                assert_eq!(denied.kind, ErrorKind::Unsupported);
            }
        }
    }
}

#[test]
fn without_permissions_only_notes_are_allowed() {
    let grant = grant("[inputs.a]\ntype = \"string\"\n[outputs.a]\ntype = \"int\"");
    let allowed: Vec<&str> = every_call()
        .iter()
        .filter(|call| grant.allows(call).is_ok())
        .map(|call| needs(call).method)
        .collect();
    assert_eq!(
        allowed,
        [
            "soft_fail",
            "output",
            "step",
            "once",
            "retry",
            "timeout",
            "input",
            "log",
            "fail_business",
            "fail_app"
        ]
    );
}

#[test]
fn a_denial_says_which_permission_would_allow_it() {
    let grant = grant("[permissions]\ninput = true");
    let denied = grant.allows(&call("click", json!({"target": "text:Save"}))).unwrap_err();
    assert_eq!(denied.permission, Some(Permission::Screen));
    assert_eq!(denied.to_string(), "click: needs permissions.screen = true in workflow.toml");
    let at_pixel = call("click", json!({"target": {"find": {"point": [1, 2]}}}));
    assert!(grant.allows(&at_pixel).is_ok());
}

#[test]
fn only_listed_apps_are_launched() {
    let grant = grant(ALL);
    let denied = grant.allows(&call("launch", json!({"app": "xtrem"}))).unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Denied);
    assert!(
        denied.message.ends_with("does not list \"xtrem\"; did you mean \"xterm\"?"),
        "{denied}"
    );
    let nul = call("launch", json!({"app": "xterm", "args": ["a\u{0}b"]}));
    assert_eq!(grant.allows(&nul).unwrap_err().kind, ErrorKind::InvalidParams);
}

#[test]
fn no_application_is_told_to_leave_its_sandbox_off() {
    let grant = grant(ALL);
    let denied = |arg: &str| {
        let launch = call("launch", json!({"app": "xterm", "args": ["-e", arg]}));
        grant.allows(&launch).err()
    };
    for arg in [
        "--no-sandbox",
        "-no-sandbox",
        " --no-sandbox ",
        "--no-sandbox=1",
        "--No-Sandbox",
        "--disable-setuid-sandbox",
        "--disable-namespace-sandbox",
        "--disable-seccomp-filter-sandbox",
        "--disable-gpu-sandbox",
        "--no-zygote-sandbox",
        "--allow-sandbox-debugging",
        "--single-process",
        "--no-zygote",
        "--renderer-cmd-prefix=/usr/bin/env",
    ] {
        let denied = denied(arg).unwrap();
        assert_eq!(denied.kind, ErrorKind::Denied, "{arg}");
        assert!(denied.message.contains(arg.trim()), "{denied}");
        assert!(denied.message.contains("permissions.nested_sandbox"), "{denied}");
    }
    for arg in ["sandbox", "/files/no-sandbox.html", "--user-data-dir=/tmp/sandbox", "--", "-"] {
        assert_eq!(denied(arg), None, "{arg}");
    }
}

#[test]
fn outputs_and_inputs_must_be_declared_and_of_their_type() {
    let grant = grant(ALL);
    let kind = |method, params| grant.allows(&call(method, params)).map_err(|d| d.kind).err();
    assert_eq!(kind("output", json!({"key": "a", "value": 7})), None);
    assert_eq!(kind("output", json!({"key": "a", "value": 7.5})), Some(ErrorKind::InvalidParams));
    assert_eq!(kind("output", json!({"key": "b", "value": 7})), Some(ErrorKind::Denied));
    assert_eq!(kind("input", json!({"name": "b"})), Some(ErrorKind::Denied));
}

#[test]
fn an_output_that_is_too_deep_is_refused_by_its_name_and_the_limit() {
    let grant = grant("[outputs.tree]\ntype = \"json\"");
    let nested = |depth| (0..depth).fold(json!(7), |value, _| json!([value]));
    let output =
        |value| grant.allows(&call("output", json!({"key": "tree", "value": value}))).err();
    assert_eq!(output(nested(32)), None);
    let denied = output(nested(33)).unwrap();
    assert_eq!(denied.kind, ErrorKind::InvalidParams);
    assert_eq!(
        denied.to_string(),
        "output: outputs.tree: arrays and objects of value stand in each other 33 deep, at most 32 are allowed"
    );
}

#[test]
fn attach_takes_files_of_the_run_only() {
    let grant = grant(ALL);
    for path in [
        "/etc/passwd",
        "/files",
        "/files/",
        "/files/../etc/passwd",
        "/work/./a",
        "files/a",
        "/filesystem",
        "/work/a\u{0}",
    ] {
        let denied = grant.allows(&call("attach", json!({"path": path}))).unwrap_err();
        assert_eq!(denied.kind, ErrorKind::InvalidParams, "{path}");
    }
    let without = super::tests::grant("");
    assert!(without.allows(&call("attach", json!({"path": "/work/a"}))).is_ok());
    let denied = without.allows(&call("attach", json!({"path": "/files/a"}))).unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Denied);
}

#[test]
fn values_out_of_range_are_refused() {
    let grant = grant(ALL);
    let point = json!({"find": {"point": [1, 2]}});
    for (method, params) in [
        ("scroll", json!({"direction": "up", "ticks": 0})),
        ("scroll", json!({"direction": "up", "ticks": 101})),
        ("hold", json!({"keys": "a", "ms": 10_001})),
        ("timeout", json!({"ms": 600_001})),
        ("expect_any", json!({"targets": {}})),
        ("retry", json!({"attempt": 1, "reason": "a"})),
        ("step", json!({"name": ""})),
        ("hover", json!({})),
        ("mouse_up", json!({"beside": "below"})),
        ("right_click", json!({"target": point, "button": "left"})),
    ] {
        let denied = grant.allows(&call(method, params.clone())).unwrap_err();
        assert_eq!(denied.kind, ErrorKind::InvalidParams, "{method} {params}");
    }
    for method in ["click", "triple_click", "mouse_up"] {
        assert!(grant.allows(&call(method, json!({}))).is_ok(), "{method}");
    }
}

#[test]
fn consent_that_nobody_can_give_is_refused() {
    let with = call("click", json!({"target": "text:Post", "approve": "Post it?"}));
    assert_eq!(grant(ALL).allows(&with).unwrap_err().kind, ErrorKind::NotApproved);
}

#[test]
fn names_of_targets_are_replaced() {
    let grant = grant(
        r#"
[permissions]
screen = true
input = true
[targets]
save = { find = { text = { value = "Save" } }, offset = [1, 2], nth = 0 }
primary = { find = { named = "save" }, offset = [10, 0], relations = [{ inside = "text:Dialog" }] }
"#,
    );
    let call = call("click", json!({"target": {"find": {"named": "primary"}, "nth": 3}}));
    let approved = grant.allows(&call).unwrap().into_inner();
    let Call::Click(params) = approved else { panic!("{approved:?}") };
    let target = params.target.unwrap();
    assert!(matches!(&target.find, Find::Text(p) if p.value.danger_raw() == "Save"));
    assert_eq!((target.nth, target.relations.len()), (Some(3), 1));
    assert_eq!(target.offset.map(<[i32; 2]>::from), Some([11, 2]));
}

#[test]
fn targets_that_lead_to_each_other_or_explode_are_refused_before_the_run() {
    let refusal = |targets: &str| {
        Grant::decide(&manifest(&format!("[targets]\n{targets}")), &Policy::development())
            .unwrap_err()
    };
    let cycle = refusal("a = \"alias:b\"\nb = \"alias:a\"");
    assert!(matches!(cycle, Refusal::Target { source: ResolveError::Deep, .. }), "{cycle}");
    let many = vec!["'alias:a'"; 20].join(",");
    let more = vec!["'alias:b'"; 20].join(",");
    let explosion = refusal(&format!(
        "a = 'text:x'\nb = {{ find = {{ any_of = [{many}] }} }}\nc = {{ find = {{ any_of = [{more}] }} }}"
    ));
    assert!(
        matches!(explosion, Refusal::Target { source: ResolveError::Large, .. }),
        "{explosion}"
    );
    let unknown = refusal("a = 'text:x'\nbc = 'alias:aa'");
    assert_eq!(
        unknown.to_string(),
        "rule targets.bc: [targets] has no \"aa\"; did you mean \"a\"?"
    );
}

#[test]
fn each_rule_of_the_policy_refuses_by_name() {
    let policy =
        Policy::parse("name = \"site\"\napps = [\"xterm\"]\n[ceilings]\nwall_s = 60", "p").unwrap();
    let refusal = |rest: &str| Grant::decide(&manifest(rest), &policy).unwrap_err().to_string();
    for (rest, rule) in [
        (
            "[permissions]\napps = [\"gimp\"]",
            "rule policy.apps: policy \"site\" does not permit \"gimp\"",
        ),
        (
            "[permissions]\napps = [\"xterm\"]\nnested_sandbox = [\"xterm\"]",
            "rule policy.nested_sandbox: policy \"site\" does not permit \"xterm\" a sandbox",
        ),
        ("[permissions]\nclipboard = true", "rule policy.clipboard: "),
        ("[permissions]\ndisclose_screen = true", "rule policy.disclose_screen: "),
        ("[permissions]\nfiles = \"read\"", "rule policy.files: "),
        ("[permissions]\nsecrets = [\"erp\"]", "rule secrets: "),
        (
            "[limits]\nwall_s = 61",
            "rule policy.ceilings.wall_s: the workflow asks for 61, policy \"site\" permits 60",
        ),
    ] {
        let text = refusal(rest);
        assert!(text.starts_with(rule), "{text}");
    }
    let lowered = Grant::decide(&manifest(""), &policy).unwrap();
    assert_eq!(lowered.limits().wall_s, 60);
}

#[test]
fn a_workflow_for_another_agent_is_refused() {
    let text = HEAD.replace("agent = \"*\"", "agent = \">=9\"");
    let manifest = Manifest::parse(&text, FILE_NAME).unwrap();
    let refusal = Grant::decide(&manifest, &Policy::development()).unwrap_err();
    assert!(matches!(refusal, Refusal::Agent { .. }), "{refusal}");
}

#[test]
fn a_client_is_handed_the_screen_only_if_granted() {
    let refused = |grant: &Grant| -> Vec<&str> {
        let calls = every_call();
        let denied = calls.iter().filter_map(|call| {
            let denied = grant.allows(call).err()?;
            let missing = denied.permission == Some(Permission::DiscloseScreen);
            missing.then_some(denied.method)
        });
        denied.collect()
    };
    let content = [
        "get_clipboard",
        "read_text",
        "read_table",
        "controls",
        "find",
        "find_all",
        "pointer",
        "screenshot",
    ];
    let without = grant(ALL).driven_by(Driver::Client);
    assert_eq!(refused(&without), content);
    assert!(without.withholds_screen() && !without.discloses_screen());
    let denied = without.allows(&call("read_text", json!({}))).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "read_text: needs permissions.disclose_screen = true in workflow.toml"
    );
    let granted = grant(&ALL.replace("screen = true", "screen = true\ndisclose_screen = true"));
    assert!(!granted.discloses_screen(), "the bundle's own script is handed no picture");
    let granted = granted.driven_by(Driver::Client);
    assert_eq!(refused(&granted), [""; 0]);
    assert!(granted.discloses_screen());
    // What a script of the bundle may do does not depend on it.
    assert_eq!(refused(&grant(ALL)), [""; 0]);
}
