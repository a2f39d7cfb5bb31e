//! `karakuri lint`: what an author should know before the first run. Nothing of the workflow is
//! executed: Python is read by the interpreter, in a script's sandbox.

use std::collections::BTreeMap;
use std::path::Path;

use karakuri_protocol::job::Exit;
use karakuri_workflow::lint::{self, Fault, Finding, STEPS, Severity, Source, Step, Steps};
use karakuri_workflow::manifest::{FILE_NAME, Manifest, STEPS_INTERPRETER};

use crate::cli::Lint;
use crate::error::CliError;
use crate::workflow::{self, Found};
use crate::{output, sandbox};

/// Reads {path: text} and answers [[path, line, message]] for each text that is not Python.
const COMPILE: &str = "\
import json, sys, warnings
warnings.simplefilter('ignore')
found = []
for path, text in json.load(sys.stdin).items():
    try:
        compile(text, path, 'exec', dont_inherit=True)
    except SyntaxError as e:
        found.append([path, e.lineno or 1, e.msg])
    except (ValueError, OverflowError, RecursionError, MemoryError) as e:
        found.append([path, 1, str(e) or type(e).__name__])
print(json.dumps(found))
";

pub(crate) fn run(arguments: &Lint) -> Result<Exit, CliError> {
    let manifest = workflow::manifest(&arguments.dir)?;
    let files = workflow::files(&arguments.dir)?;
    let sources: Vec<Source<'_>> = files
        .iter()
        .map(|f| Source { path: &f.path, size: f.size, text: f.text.as_deref() })
        .collect();
    let steps = files.iter().find(|f| f.path == STEPS).and_then(|f| f.text.as_deref()).map(steps);
    let mut findings = lint::lint(&manifest, &sources, steps.as_ref());
    findings.extend(files.iter().filter(|f| !f.plain).map(special));
    if let Ok(parsed) = Manifest::parse(&manifest, FILE_NAME) {
        findings.extend(lint::not_installed(&parsed, &manifest, is_installed));
        findings.extend(python(&parsed, &files));
    }
    if arguments.json {
        output::json(&findings)?;
    } else {
        for f in &findings {
            let severity = format!("{:?}", f.severity).to_lowercase();
            output::line(format!("{}:{}: {severity}: {} [{}]", f.file, f.line, f.message, f.rule));
        }
        if findings.is_empty() {
            output::line(format!("{}: nothing to say", arguments.dir.display()));
        }
    }
    let bad = findings.iter().any(|f| f.severity == Severity::Error);
    Ok(if bad { Exit::InvalidWorkflow } else { Exit::Success })
}

/// The steps as their interpreter reads them.
fn steps(text: &str) -> Steps {
    let steps = karakuri_steps::steps::parse(text)
        .map_err(|e| Fault { line: e.line, problem: e.problem })?;
    Ok(steps
        .into_iter()
        .map(|s| Step {
            line: s.line,
            method: s.method,
            params: s.params,
            is_template: s.is_template,
            inputs: s.inputs,
        })
        .collect())
}

fn special(found: &Found) -> Finding {
    Finding {
        file: found.path.clone(),
        line: 1,
        severity: Severity::Error,
        rule: "bundle",
        message: "not a regular file; a workflow holds only files and directories".to_owned(),
    }
}

fn is_installed(program: &str) -> bool {
    program == STEPS_INTERPRETER || Path::new("/usr/bin").join(program).is_file()
}

/// Syntax errors of all files in Python, if Python is what runs the workflow.
fn python(manifest: &Manifest, files: &[Found]) -> Vec<Finding> {
    let interpreter = &manifest.interpreter;
    if !interpreter.starts_with("python3") || !is_installed(interpreter) {
        return Vec::new();
    }
    let scripts: BTreeMap<&str, &str> = files
        .iter()
        .filter(|f| f.path.ends_with(".py"))
        .filter_map(|f| Some((f.path.as_str(), f.text.as_deref()?)))
        .collect();
    let finding = |file: &str, line, severity, message| {
        let file = file.to_owned();
        Finding { file, line, severity, rule: "python-syntax", message }
    };
    match compiled(interpreter, &scripts) {
        Ok(errors) => errors
            .into_iter()
            .map(|(path, line, message)| finding(&path, line, Severity::Error, message))
            .collect(),
        Err(e) => {
            let message = format!("the Python in the workflow was not checked: {e}");
            vec![finding(&manifest.entry, 1, Severity::Warning, message)]
        }
    }
}

fn compiled(
    interpreter: &str,
    scripts: &BTreeMap<&str, &str>,
) -> Result<Vec<(String, usize, String)>, CliError> {
    let reading = "reading Python";
    let input = serde_json::to_vec(scripts).map_err(CliError::internal(reading))?;
    let words = [&format!("/usr/bin/{interpreter}"), "-I", "-S", "-c", COMPILE].map(str::to_owned);
    let answer = sandbox::output(&words, input)?;
    serde_json::from_slice(&answer).map_err(CliError::internal(reading))
}
