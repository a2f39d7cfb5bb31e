//! A manifest means what it says, and what it does not know it refuses with the place.

use karakuri_protocol::desktop::Script;

use super::*;

const SMALLEST: &str = r#"name = "a"
version = "1.2.3"
agent = ">=0.1, <0.2"
entry = "main.py"
"#;

fn parse(rest: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(&format!("{SMALLEST}{rest}"), FILE_NAME)
}

fn error(rest: &str) -> String {
    parse(rest).unwrap_err().to_string()
}

#[test]
fn what_is_not_asked_for_is_not_there() {
    let manifest = parse("").unwrap();
    assert_eq!(manifest.permissions, Permissions::default());
    assert_eq!(manifest.limits, AskedLimits::default());
    assert_eq!(manifest.interpreter, "python3");
    assert_eq!(manifest.language, Script::Latin);
}

#[test]
fn the_example_of_the_documentation_is_a_manifest() {
    let source = include_str!("../manifest.rs");
    let toml: Vec<&str> = source
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .skip_while(|line| !line.contains("```toml"))
        .skip(1)
        .take_while(|line| !line.contains("```"))
        .collect();
    let manifest = Manifest::parse(&toml.join("\n"), FILE_NAME).unwrap();
    assert_eq!(manifest.permissions.files, FilesAccess::Read);
    assert_eq!(manifest.limits.wall_s, Some(120));
    assert_eq!(manifest.inputs["greeting"].default.as_deref(), Some("Hello"));
    assert!(!manifest.inputs["greeting"].required);
    assert!(manifest.targets.contains_key("save"));
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest_known_one() {
    assert_eq!(
        error("permisions = 1\n"),
        "workflow.toml:5:1: unknown key `permisions`; did you mean `permissions`?"
    );
    assert_eq!(
        error("[permissions]\n\n  screem = true\n"),
        "workflow.toml:7:3: unknown key `screem`; did you mean `screen`?"
    );
    let unlike = error("[limits]\nfrobnicate = 1\n");
    assert!(
        unlike.starts_with("workflow.toml:6:1: unknown key `frobnicate`; known here: wall_s, ")
    );
}

#[test]
fn unknown_keys_are_refused_in_every_table() {
    for (table, place) in [
        ("[inputs.a]\ntype = \"int\"\nx = 1", "7:1"),
        ("[outputs.a]\ntype = \"int\"\nx = 1", "7:1"),
        ("[targets]\na = { find = { point = [1, 2] }, x = 1 }", "6:34"),
    ] {
        let error = error(table);
        assert!(error.starts_with(&format!("workflow.toml:{place}: unknown key `x`")), "{error}");
    }
}

#[test]
fn a_limit_outside_its_range_is_told_the_ceiling() {
    assert_eq!(
        error("[limits]\nwall_s = 999999"),
        "workflow.toml:6:10: limits.wall_s = 999999: must be from 1 to 14400"
    );
    assert_eq!(
        error("[limits]\nactions = 0"),
        "workflow.toml:6:11: limits.actions = 0: must be from 1 to 100000"
    );
    assert_eq!(
        parse("[limits]\nwall_s = 4294967297").unwrap_err().mistakes[0].problem,
        Problem::Limit { key: "wall_s", value: 4_294_967_297, ceiling: 14_400 }
    );
}

#[test]
fn network_is_asked_for_by_host_and_port() {
    let manifest = parse("[permissions]\nnetwork = [\"ERP.example.com:443\"]").unwrap();
    let hosts: Vec<String> = manifest.permissions.network.iter().map(|d| d.to_string()).collect();
    assert_eq!(hosts, ["erp.example.com:443"]);
    let error = parse("[permissions]\nnetwork = [\"*:443\"]").unwrap_err();
    assert!(error.to_string().contains("host:port"), "{error}");
}

#[test]
fn a_nested_sandbox_is_asked_for_an_application_of_the_list() {
    let asked = "[permissions]\napps = [\"chromium\", \"xterm\"]\nnested_sandbox = ";
    let manifest = parse(&format!("{asked}[\"chromium\"]")).unwrap();
    assert_eq!(manifest.permissions.nested_sandbox, ["chromium".to_owned()].into());
    assert_eq!(
        error(&format!("{asked}[\"firefox\"]")),
        "workflow.toml:7:19: permissions.nested_sandbox = \"firefox\": must be one of permissions.apps"
    );
}

#[test]
fn names_are_names_and_not_paths() {
    for app in ["/usr/bin/xterm", "../xterm", "xterm -e sh", "", "-x"] {
        let error = error(&format!("[permissions]\napps = [\"{app}\"]"));
        assert!(error.contains("must be the name of a program in /usr/bin"), "{error}");
    }
    for entry in ["../main.py", "/main.py", "a//b.py"] {
        let text = SMALLEST.replace("main.py", entry);
        let error = Manifest::parse(&text, FILE_NAME).unwrap_err();
        let [Mistake { problem: Problem::Value { key, .. }, .. }] = &error.mistakes[..] else {
            panic!("{error}");
        };
        assert_eq!(key, "entry");
    }
}

#[test]
fn the_interpreter_follows_from_the_entry_or_must_be_named() {
    let with = |entry: &str, rest: &str| {
        Manifest::parse(&(SMALLEST.replace("main.py", entry) + rest), FILE_NAME)
    };
    assert_eq!(with("steps.yaml", "").unwrap().interpreter, STEPS_INTERPRETER);
    assert_eq!(with("main.rb", "interpreter = \"ruby\"").unwrap().interpreter, "ruby");
    assert!(with("main.rb", "").unwrap_err().to_string().contains("name one with interpreter"));
}

#[test]
fn versions_are_versions() {
    let text = SMALLEST.replace("1.2.3", "1.2");
    let error = Manifest::parse(&text, FILE_NAME).unwrap_err().to_string();
    assert_eq!(
        error,
        "workflow.toml:2:11: version = \"1.2\": must be three numbers, such as 1.2.0"
    );
    let text = SMALLEST.replace("version = ", "# one more line\nversion = ");
    let text = text.replace("agent = \"", "agent = \"about ");
    let error = Manifest::parse(&text, FILE_NAME).unwrap_err().to_string();
    assert!(error.starts_with("workflow.toml:4:9: agent = \"about "), "{error}");
    assert!(error.ends_with(": must be a range of versions, such as >=0.1, <0.2"), "{error}");
}

#[test]
fn a_default_must_be_of_its_type_and_not_be_required() {
    assert!(
        error("[inputs.n]\ntype = \"int\"\ndefault = \"x\"").contains("must be a whole number")
    );
    assert!(error("[inputs.n]\ntype = \"int\"\ndefault = 1\nrequired = true").contains("drop one"));
    let manifest = parse("[inputs.f]\ntype = \"file\"\ndefault = \"invoices/a.pdf\"").unwrap();
    assert_eq!(manifest.default_files().collect::<Vec<_>>(), [("f", "invoices/a.pdf")]);
}

#[test]
fn what_is_not_toml_is_told_its_place() {
    let error = Manifest::parse("name = \"a\"\nversion = ", FILE_NAME).unwrap_err();
    let [Mistake { line: 2, problem: Problem::Toml(_), .. }] = error.mistakes[..] else {
        panic!("{error}");
    };
    let missing = Manifest::parse("name = \"a\"", FILE_NAME).unwrap_err().to_string();
    assert!(missing.contains("`version` is missing"), "{missing}");
}

#[test]
fn all_that_is_wrong_is_told_in_the_order_of_the_text() {
    let text = r#"nam = "a"
version = "1.2"
agent = ">=0.1, <0.2"
entry = "../main.py"
colour = 1
collect = ["/etc/passwd", "/work/out"]
[permissions]
apps = "xterm"
nested_sandbox = ["chromium"]
screem = true
network = ["*:443", "a.example:443", "b"]
[limits]
wall_s = 0
actions = "many"
cpu_s = 9999
[inputs.a]
typ = "int"
[inputs.b]
type = "int"
default = "x"
[outputs.Total]
type = "int"
[outputs.sum]
type = "integer"
[targets]
a = { find = { point = [1, 2] }, x = 1 }
"#;
    let error = Manifest::parse(text, FILE_NAME).unwrap_err();
    let found: Vec<(usize, String)> =
        error.mistakes.iter().map(|m| (m.line, m.problem.to_string())).collect();
    let expected = [
        (1, "unknown key `nam`; did you mean `name`?"),
        (2, "version = \"1.2\": must be three"),
        (4, "entry = \"../main.py\": a path must have no"),
        (5, "unknown key `colour`; known here: name, "),
        (6, "collect = \"/etc/passwd\": a path below"),
        (8, "the text \"xterm\" must be a list"),
        (10, "unknown key `screem`; did you mean `screen`?"),
        (11, "permissions.network = \"*:443\": "),
        (11, "permissions.network = \"b\": "),
        (13, "limits.wall_s = 0: must be from 1"),
        (14, "the text \"many\" must be a whole number"),
        (15, "limits.cpu_s = 9999: must be from 1"),
        (17, "unknown key `typ`; did you mean `type`?"),
        (20, "inputs.b.default = \"x\": must be a whole"),
        (21, "outputs = \"Total\": must be lower-case"),
        (24, "`integer` is not known here; write: "),
        (26, "unknown key `x`; "),
    ];
    assert_eq!(found.len(), expected.len(), "{error}");
    for ((line, problem), (expected_line, start)) in found.iter().zip(expected) {
        assert_eq!(*line, expected_line, "{problem}");
        assert!(problem.starts_with(start), "{problem}");
    }
    let first = error.to_string().lines().next().map(str::to_owned);
    assert_eq!(
        first.as_deref(),
        Some("workflow.toml:1:1: unknown key `nam`; did you mean `name`?")
    );
}

#[test]
fn a_text_of_mistakes_is_told_fifty() {
    let unknown: Vec<String> = (0..200).map(|n| format!("x{n} = 1\n")).collect();
    assert_eq!(parse(&unknown.concat()).unwrap_err().mistakes.len(), 50);
    let wrong = format!("collect = [{}]", "\"x\",".repeat(200));
    assert_eq!(parse(&wrong).unwrap_err().mistakes.len(), 50);
}
