//! The literals of a script: a scan by line, not a parser.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use karakuri_protocol::script::METHODS;
use regex::Regex;

use super::mentions::Mention;
use super::steps;

/// What a script mentions.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) methods: Vec<Mention>,
    pub(super) outputs: Vec<Mention>,
    pub(super) inputs: Vec<Mention>,
    pub(super) apps: Vec<Mention>,
    pub(super) aliases: Vec<Mention>,
    pub(super) images: Vec<Mention>,
    /// Plain strings where `karakuri.desktop` takes a target: the method, and the string.
    pub(super) forms: Vec<(String, Mention)>,
    /// Every quoted string, and for steps every plain value.
    pub(super) literals: BTreeSet<String>,
    pub(super) mentions_files: bool,
}

/// What `karakuri.desktop` offers besides methods.
const TARGETS: &[&str] =
    &["text", "image", "role", "point", "region", "named", "any_of", "all_of", "not_", "Target"];

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants, and the tests of the linter compile all of them"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static ALIAS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:desktop|run)\s+as\s+(\w+)"));
static CALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(\w+)\.(\w+)\("));
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"\.(output|input|launch|image|named)\(\s*["']([^"'\\{]+)["']"#));
static FIRST: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"\b(\w+)\.(\w+)\(\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*[,)]"#));
static STRING: LazyLock<Regex> = LazyLock::new(|| pattern(r#""([^"\\]*)"|'([^'\\]*)'"#));
static FORM: LazyLock<Regex> = LazyLock::new(|| pattern(r#"\b(alias|image):"?([\w.\-]+)"#));
static STEP: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*-\s+(\w+)\s*:"));
static PLAIN: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\w.\-]+"));

impl Scan {
    /// Scans a script in Python or steps in YAML; nothing for other files.
    pub(super) fn of(path: &str, text: &str) -> Option<Self> {
        let mut scan = Self::default();
        if path.ends_with(".py") {
            scan.python(text);
        } else if path == steps::FILE_NAME {
            scan.steps(text);
        } else {
            return None;
        }
        Some(scan)
    }

    fn python(&mut self, text: &str) {
        let mut modules = BTreeSet::from(["desktop".to_owned(), "run".to_owned()]);
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with('#') {
                continue;
            }
            if line.trim_start().starts_with("from karakuri import") {
                modules.extend(ALIAS.captures_iter(line).map(|found| found[1].to_owned()));
            }
            for found in CALL.captures_iter(line) {
                if modules.contains(&found[1]) && !TARGETS.contains(&&found[2]) {
                    self.methods.push(mention(&found[2], index));
                }
            }
            for found in FIRST.captures_iter(line).filter(|found| modules.contains(&found[1])) {
                let form = found.get(3).or(found.get(4)).map_or("", |m| m.as_str());
                self.forms.push((found[2].to_owned(), mention(form, index)));
            }
            for found in NAMED.captures_iter(line) {
                self.named(&found[1], &found[2], index);
            }
            for found in STRING.captures_iter(line) {
                let literal = found.get(1).or(found.get(2)).map_or("", |m| m.as_str());
                self.literals.insert(literal.to_owned());
            }
            self.common(line, index);
        }
    }

    /// What they do is judged as it was read; this is for what no step mentions.
    fn steps(&mut self, text: &str) {
        for (index, line) in text.lines().enumerate() {
            if line.trim_start().starts_with('#') {
                continue;
            }
            if let Some(found) = STEP.captures(line).filter(|f| METHODS.contains(&&f[1])) {
                self.methods.push(mention(&found[1], index));
            }
            self.literals.extend(PLAIN.find_iter(line).map(|m| m.as_str().to_owned()));
            self.mentions_files |= line.contains("/files") || line.contains("attach");
        }
    }

    fn common(&mut self, line: &str, index: usize) {
        for found in FORM.captures_iter(line) {
            let list = if &found[1] == "alias" { &mut self.aliases } else { &mut self.images };
            list.push(mention(&found[2], index));
        }
        self.mentions_files |= line.contains("/files") || line.contains("attach");
    }

    fn named(&mut self, method: &str, name: &str, index: usize) {
        let list = match method {
            "output" => &mut self.outputs,
            "input" => &mut self.inputs,
            "launch" => &mut self.apps,
            "image" => &mut self.images,
            _ => &mut self.aliases,
        };
        list.push(mention(name, index));
    }
}

fn mention(name: &str, index: usize) -> Mention {
    Mention { name: name.to_owned(), line: index + 1 }
}
