//! Each rule finds its mistake at its line, and the library's workflows have none.

use super::*;
use crate::manifest::Problem;

const MANIFEST: &str = r#"name = "a"
version = "1.0.0"
agent = ">=0.1, <0.2"
entry = "main.py"
[permissions]
apps = ["xterm"]
screen = true
input = true
[inputs.ledger]
type = "string"
[outputs.total]
type = "int"
[targets]
save = 'text:"Save"'
"#;

const SCRIPT: &str = r#"from karakuri import desktop as d, run as r
d.launch("xterm")
d.click("alias:save")
r.output("total", r.input("ledger"))
"#;

fn source<'a>(path: &'a str, text: &'a str) -> Source<'a> {
    Source { path, size: 1, text: Some(text) }
}

fn found(manifest: &str, script: &str) -> Vec<String> {
    let files = [source(FILE_NAME, manifest), source("main.py", script)];
    lint(manifest, &files, None)
        .iter()
        .map(|f| format!("{}:{} {}: {}", f.file, f.line, f.rule, f.message))
        .collect()
}

#[test]
fn a_sound_workflow_has_no_findings() {
    assert_eq!(found(MANIFEST, SCRIPT), Vec::<String>::new());
}

#[test]
fn what_is_not_declared_is_found_at_its_line() {
    let with = |line: &str| found(MANIFEST, &format!("{SCRIPT}{line}"));
    for (line, finding) in [
        (
            "r.output('totl', 1)",
            "undeclared-output: [outputs] has no \"totl\"; did you mean \"total\"?",
        ),
        ("r.input(\"x\")", "undeclared-input: [inputs] has no \"x\""),
        ("d.launch('gimp')", "undeclared-app: permissions.apps has no \"gimp\""),
        (
            "d.click(\"alias:sav\")",
            "undeclared-target: [targets] has no \"sav\"; did you mean \"save\"?",
        ),
        ("d.named('sav')", "undeclared-target: [targets] has no \"sav\"; did you mean \"save\"?"),
        ("d.find('image:ok.png')", "missing-image: images/ has no \"ok.png\""),
        ("d.clik(1)", "unknown-method: there is no method \"clik\"; did you mean \"click\"?"),
        (
            "d.paste()",
            "missing-permission: paste needs permissions.clipboard = true in workflow.toml",
        ),
    ] {
        assert_eq!(with(line), [format!("main.py:5 {finding}")], "{line}");
    }
}

#[test]
fn what_is_not_used_is_a_warning() {
    let findings = found(MANIFEST, "from karakuri import run\n");
    assert_eq!(
        findings,
        [
            "workflow.toml:9 unused-input: no script asks for input \"ledger\"",
            "workflow.toml:11 unused-output: no script sets output \"total\"",
            "workflow.toml:6 unused-permission: no script launches \"xterm\"",
            "workflow.toml:7 unused-permission: no script needs permissions.screen = true",
            "workflow.toml:8 unused-permission: no script needs permissions.input = true",
        ]
    );
}

#[test]
fn what_a_run_would_refuse_is_an_error() {
    let error = |manifest: &str| {
        let findings = lint(manifest, &[source(FILE_NAME, manifest)], None);
        assert_eq!(findings[0].severity, Severity::Error);
        (findings[0].rule, findings[0].line)
    };
    assert_eq!(error(MANIFEST), ("missing-entry", 4));
    assert_eq!(error(&MANIFEST.replace("screen", "sreen")), ("manifest", 7));
    let other = MANIFEST.replace(">=0.1, <0.2", ">=7").replace("main.py", FILE_NAME);
    let other = other.replace("entry", "interpreter = \"cat\"\nentry");
    assert_eq!(error(&other), ("refused", 3));
    assert_eq!(lint(MANIFEST, &[], None)[0].rule, "bundle");
}

/// As `karakuri lint` does it.
fn read(yaml: &str) -> Steps {
    let steps = karakuri_steps::steps::parse(yaml)
        .map_err(|e| Fault { line: e.line, problem: e.problem })?;
    let step = |s: karakuri_steps::steps::Step| Step {
        line: s.line,
        method: s.method,
        params: s.params,
        is_template: s.is_template,
        inputs: s.inputs,
    };
    Ok(steps.into_iter().map(step).collect())
}

fn of_steps(yaml: &str) -> Vec<String> {
    let manifest = MANIFEST.replace("main.py", "steps.yaml");
    let files = [source(FILE_NAME, &manifest), source(STEPS, yaml)];
    let found = lint(&manifest, &files, Some(&read(yaml)));
    found.iter().map(|f| format!("{}:{} {}: {}", f.file, f.line, f.rule, f.message)).collect()
}

const STEPS_YAML: &str = "- launch: {app: xterm}\n- click: {target: 'alias:save'}\n\
     - type_text: {text: '${ledger}'}\n- output: {key: total, value: 1}\n";

#[test]
fn steps_are_judged_as_a_run_would() {
    assert_eq!(of_steps(STEPS_YAML), Vec::<String>::new());
    for (step, finding) in [
        (
            "click: {target: 'alias:sav'}",
            "refused-step: click: [targets] has no \"sav\"; did you mean \"save\"?",
        ),
        (
            "get_clipboard: {}",
            "refused-step: get_clipboard: needs permissions.clipboard = true in workflow.toml",
        ),
        (
            "paste: {text: '${ledger}'}",
            "missing-permission: paste needs permissions.clipboard = true in workflow.toml",
        ),
        (
            "launch: {app: gimp}",
            "refused-step: launch: permissions.apps in workflow.toml does not list \"gimp\"",
        ),
        (
            "output: {key: totl, value: '${ledger}'}",
            "undeclared-output: [outputs] has no \"totl\"; did you mean \"total\"?",
        ),
        (
            "output: {key: total, value: '1'}",
            "refused-step: output: outputs.total: value must be a whole number",
        ),
        (
            "log: {message: '${leger}'}",
            "undeclared-input: ${leger} is neither saved by an earlier step nor in [inputs]; did \
             you mean \"ledger\"?",
        ),
        ("find: {target: 'image:ok.png'}", "missing-image: images/ has no \"ok.png\""),
        ("clik: {}", "steps: there is no method \"clik\""),
        ("press: {keys: 5}", "steps: press: keys: the number 5 must be a text"),
    ] {
        let found = of_steps(&format!("{STEPS_YAML}- {step}\n"));
        assert_eq!(found, [format!("steps.yaml:5 {finding}")], "{step}");
    }
}

#[test]
fn what_this_machine_lacks_is_a_warning() {
    let manifest = Manifest::parse(MANIFEST, FILE_NAME).unwrap();
    assert_eq!(not_installed(&manifest, MANIFEST, |_| true), []);
    let found = not_installed(&manifest, MANIFEST, |name| name == "python3");
    assert_eq!((found.len(), found[0].line, found[0].severity), (1, 6, Severity::Warning));
    assert_eq!(found[0].message, "permissions.apps: /usr/bin/xterm is not on this machine");
}

#[test]
fn a_plain_string_that_is_no_target_is_found() {
    let found = found(MANIFEST, &format!("{SCRIPT}d.click('Save')\nd.click('text:' + 'a')"));
    assert_eq!(
        found,
        [
            "main.py:5 bad-target: \"Save\" is not a target: write text:\"…\", ocr:\"…\", image:… or alias:…"
        ]
    );
}

/// The blocks of the guide that begin with the comment `# name`.
fn example_of(name: &str) -> String {
    let guide = include_str!("../../GUIDE.md");
    let blocks = guide.split("\n```").skip(1).step_by(2);
    let mut found = blocks.filter_map(|block| block.split_once('\n')).map(|(_, text)| text);
    found.find(|text| text.starts_with(&format!("# {name}\n"))).unwrap().to_owned()
}

#[test]
fn the_examples_of_the_guide_are_sound() {
    let (manifest, yaml) = (example_of(FILE_NAME), example_of(STEPS));
    let parsed = Manifest::parse(&manifest, FILE_NAME).unwrap();
    let files = [source(FILE_NAME, &manifest), source(STEPS, &yaml)];
    let findings = lint(&manifest, &files, Some(&read(&yaml)));
    let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let policy = Policy::parse(&example_of("policy.toml"), "policy.toml").unwrap();
    Grant::decide(&parsed, &policy).unwrap();
}

#[test]
fn the_guide_has_every_key_and_every_method() {
    let guide = include_str!("../../GUIDE.md");
    let keys = |table: &str| {
        let error = Manifest::parse(&format!("{table}zzz = 1"), "").unwrap_err();
        let known = error.mistakes.iter().find_map(|mistake| match &mistake.problem {
            Problem::UnknownKey { known, .. } => Some(known.clone()),
            _ => None,
        });
        known.unwrap_or_else(|| panic!("{error}"))
    };
    let mut words: Vec<String> = METHODS.iter().map(|m| (*m).to_owned()).collect();
    for table in ["", "[permissions]\n", "[limits]\n", "[inputs.a]\n", "[outputs.a]\n"] {
        words.extend(keys(table));
    }
    for word in words.iter().filter(|w| {
        !["permissions", "limits", "inputs", "outputs", "targets"].contains(&w.as_str())
    }) {
        assert!(guide.contains(&format!("`{word}`")), "{word}");
    }
    for (name, (default, ceiling)) in crate::limits::NAMES.iter().map(|name| {
        let both = (crate::limits::DEFAULTS.get(name), crate::limits::CEILINGS.get(name));
        (name, (both.0.unwrap(), both.1.unwrap()))
    }) {
        assert!(guide.contains(&format!("| {default} | {ceiling} |\n")), "{name}");
        assert!(guide.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn the_workflows_that_ship_have_no_findings() {
    let hello = include_str!("../../library/hello-desktop/workflow.toml");
    let script = include_str!("../../library/hello-desktop/main.py");
    assert_eq!(lint(hello, &[source(FILE_NAME, hello), source("main.py", script)], None), []);

    let hello = include_str!("../../library/hello-steps/workflow.toml");
    let yaml = include_str!("../../library/hello-steps/steps.yaml");
    let files = [source(FILE_NAME, hello), source(STEPS, yaml)];
    assert_eq!(lint(hello, &files, Some(&read(yaml))), []);

    let invoices = include_str!("../../library/invoice-entry/workflow.toml");
    let pdf = |path| Source { path, size: 20_000, text: None };
    let files = [
        source(FILE_NAME, invoices),
        source("main.py", include_str!("../../library/invoice-entry/main.py")),
        source("reading.py", include_str!("../../library/invoice-entry/reading.py")),
        source("sheet.py", include_str!("../../library/invoice-entry/sheet.py")),
        source("values.py", include_str!("../../library/invoice-entry/values.py")),
        pdf("invoices/northwind.pdf"),
        pdf("invoices/bergmann.pdf"),
        pdf("invoices/sakura.pdf"),
    ];
    assert_eq!(lint(invoices, &files, None), []);
}
