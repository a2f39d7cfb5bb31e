//! The workflows that ship, on real windows. Slow: each invoice run opens four applications.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use karakuri_protocol::job::Exit;
use karakuri_tests::{Agent, Finished, repository};
use serde_json::{Value, json};

fn library(name: &str) -> PathBuf {
    repository().join("workflows/library").join(name)
}

/// The values the committed PDFs were made from.
fn committed() -> Value {
    let path = library("invoice-entry").join("make/invoices.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What stands on the paper, from either side: the values that were rendered, or what was read.
/// White space within a description is left to the reader.
fn facts(invoices: &Value) -> Vec<Value> {
    let text = |value: &Value| value.as_str().unwrap_or_default().replace(' ', "");
    let number = |value: &Value| -> f64 {
        value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
    };
    let invoices = invoices.as_array().unwrap().iter();
    invoices
        .map(|invoice| {
            let lines: Vec<Value> = invoice["lines"]
                .as_array()
                .unwrap()
                .iter()
                .map(|l| {
                    json!([
                        text(&l["description"]),
                        number(&l["quantity"]),
                        number(&l["unit_price"])
                    ])
                })
                .collect();
            json!([text(&invoice["supplier"]), invoice["number"], invoice["date"], lines])
        })
        .collect()
}

fn read(finished: &Finished) -> Vec<Value> {
    facts(&finished.outcome["outcome"]["outputs"]["invoices"])
}

#[test]
fn hello_desktop() {
    Agent::new().run(&library("hello-desktop"), &[]).ended(Exit::Success);
}

#[test]
fn hello_steps_does_the_same_without_python() {
    let finished = Agent::new().run(&library("hello-steps"), &["greeting=Steps 47"]);
    finished.ended(Exit::Success);
    assert_eq!(finished.outcome["outcome"]["outputs"]["greeting"], "Steps 47");
}

#[test]
fn invoice_entry_reads_the_invoices_that_ship() {
    let finished = Agent::new().run(&library("invoice-entry"), &[]);
    finished.ended(Exit::Success);
    assert_eq!(read(&finished), facts(&committed()));
}

#[test]
fn invoice_entry_reads_what_is_there_and_not_what_it_knows() {
    let mut values = committed();
    for (invoice, n) in values.as_array_mut().unwrap().iter_mut().zip(1_u32..) {
        invoice["number"] = json!(format!("T{n}-7031{n}"));
        invoice["date"] = json!(format!("2026-0{n}-1{n}"));
        for (line, m) in invoice["lines"].as_array_mut().unwrap().iter_mut().zip(2_u32..) {
            line["quantity"] = json!(m * 13 + n);
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("invoices.json");
    std::fs::write(&file, values.to_string()).unwrap();
    render(&file, directory.path());
    let inputs: Vec<String> = values
        .as_array()
        .unwrap()
        .iter()
        .zip(1..)
        .map(|(invoice, n)| {
            let pdf = directory.path().join(invoice["file"].as_str().unwrap());
            format!("invoice_{n}={}", pdf.display())
        })
        .collect();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let finished = Agent::new().run(&library("invoice-entry"), &inputs);
    finished.ended(Exit::Success);
    assert_eq!(read(&finished), facts(&values));
    assert_ne!(facts(&values), facts(&committed()));
}

fn render(values: &Path, directory: &Path) {
    let script = library("invoice-entry").join("make/render.py");
    let status = Command::new("/usr/bin/python3").arg(script).args([values, directory]).status();
    assert!(status.unwrap().success());
}

#[test]
fn the_readme_shows_the_workflow_that_ships() {
    let read =
        |path: &str| std::fs::read_to_string(karakuri_tests::repository().join(path)).unwrap();
    assert!(read("README.md").contains(&read("workflows/library/hello-desktop/main.py")));
}
