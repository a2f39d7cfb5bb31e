//! `openrpc.json` and the Rust types say the same.
//!
//! serde names the fields and variants of a type when it refuses an unknown one, so the types
//! themselves are the truth that the document is compared with.

use std::collections::BTreeSet;

use karakuri_protocol::desktop::{Button, Direction, Effect, Hit, Line, Script, Via, Window, Word};
use karakuri_protocol::role::Role;
use karakuri_protocol::script::{
    Call, CallError, ErrorData, ErrorKind, Level, METHODS, Request, Side, ValueKind,
};
use karakuri_protocol::target::{
    Find, ImagePattern, Relation, RolePattern, Target, TextMatch, TextPattern,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

fn document() -> Value {
    serde_json::from_str(include_str!("../openrpc.json")).unwrap()
}

fn methods() -> Vec<Value> {
    document()["methods"].as_array().unwrap().clone()
}

fn call(method: &str, params: &Map<String, Value>) -> Result<Call, String> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    match Request::parse(request.to_string().as_bytes()) {
        Ok(request) => Ok(request.call),
        Err(e) => Err(e.to_string()),
    }
}

fn examples(method: &Value) -> Vec<Map<String, Value>> {
    let pair = |p: &Value| (p["name"].as_str().unwrap().to_owned(), p["value"].clone());
    method["examples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|example| example["params"].as_array().unwrap().iter().map(pair).collect())
        .collect()
}

/// The words that serde says were expected instead of an unknown one.
fn expected(message: &str) -> Vec<String> {
    let (_, list) = message.split_once("expected").unwrap_or((message, ""));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn properties(schema: &str) -> Vec<String> {
    let document = document();
    let schema = &document["components"]["schemas"][schema];
    assert_eq!(schema["additionalProperties"], json!(false));
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

fn refusal<T: DeserializeOwned>(value: Value) -> String {
    serde_json::from_value::<T>(value).err().unwrap().to_string()
}

#[test]
fn the_methods_are_those_of_the_protocol_in_their_order() {
    let names: Vec<Value> = methods().iter().map(|m| m["name"].clone()).collect();
    assert_eq!(names, METHODS);
}

#[test]
fn the_parameters_are_those_of_the_types() {
    for method in methods() {
        let name = method["name"].as_str().unwrap();
        let unknown = Map::from_iter([("no_such_parameter".to_owned(), json!(1))]);
        let fields = expected(&call(name, &unknown).unwrap_err());
        let documented: Vec<&str> = method["params"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["name"].as_str().unwrap())
            .collect();
        assert_eq!(documented, fields, "{name}");
    }
}

#[test]
fn every_example_is_a_call_and_the_first_uses_every_parameter() {
    for method in methods() {
        let name = method["name"].as_str().unwrap();
        let examples = examples(&method);
        let count = method["params"].as_array().unwrap().len();
        assert_eq!(examples[0].len(), count, "{name}: the first example is not full");
        for example in examples {
            call(name, &example).unwrap();
        }
    }
}

#[test]
fn what_is_required_is_required_and_nothing_else() {
    for method in methods() {
        let name = method["name"].as_str().unwrap();
        let full = &examples(&method)[0];
        for param in method["params"].as_array().unwrap() {
            let param_name = param["name"].as_str().unwrap();
            let mut without = full.clone();
            without.remove(param_name);
            let refused = call(name, &without).is_err_and(|e| e.contains("missing field"));
            assert_eq!(refused, param["required"] == true, "{name} without {param_name}");
        }
    }
}

#[test]
fn every_kind_of_error_is_documented_with_its_code() {
    let document = document();
    let errors = document["components"]["errors"].as_object().unwrap();
    let kinds = expected(&refusal::<ErrorKind>(json!("no_such_kind")));
    assert_eq!(errors.keys().cloned().collect::<BTreeSet<_>>(), BTreeSet::from_iter(kinds.clone()));
    for kind in &kinds {
        let typed: ErrorKind = serde_json::from_value(json!(kind)).unwrap();
        assert_eq!(errors[kind]["code"], json!(typed.code()), "{kind}");
        let error: CallError = serde_json::from_value(errors[kind].clone()).unwrap();
        assert_eq!(error.data.kind, typed);
    }
    let listed =
        document["components"]["schemas"]["ErrorData"]["properties"]["kind"]["enum"].clone();
    assert_eq!(listed, json!(kinds));
    assert_eq!(properties("ErrorData").len(), 3);
    let full = json!({"kind": "not_found", "candidates": [], "nearest": []});
    serde_json::from_value::<ErrorData>(full).unwrap();
}

#[test]
fn every_error_of_a_method_is_a_documented_one() {
    let document = document();
    for method in methods() {
        for error in method["errors"].as_array().unwrap() {
            let path = error["$ref"].as_str().unwrap().trim_start_matches('#');
            assert!(document.pointer(path).is_some(), "{path}");
        }
    }
}

#[test]
fn words_with_few_values_have_the_values_of_the_types() {
    fn check<T: DeserializeOwned>(schema: &str) {
        let listed = document()["components"]["schemas"][schema]["enum"].clone();
        let variants = expected(&refusal::<T>(json!("no_such_word")));
        assert_eq!(listed, json!(variants), "{schema}");
    }
    check::<Button>("Button");
    check::<Direction>("Direction");
    check::<Script>("Script");
    check::<Side>("Side");
    check::<Level>("Level");
    check::<ValueKind>("ValueKind");
    check::<Role>("Role");
    check::<TextMatch>("TextMatch");
    check::<Via>("Via");
    check::<Effect>("Effect");
}

#[test]
fn the_parts_of_targets_and_results_are_those_of_the_types() {
    fn check<T: DeserializeOwned>(schema: &str) {
        let fields = expected(&refusal::<T>(json!({"no_such_part": 1})));
        let documented = BTreeSet::from_iter(properties(schema));
        assert_eq!(documented, BTreeSet::from_iter(fields), "{schema}");
    }
    check::<Target>("TargetObject");
    check::<Find>("Find");
    check::<Relation>("Relation");
    check::<TextPattern>("TextPattern");
    check::<ImagePattern>("ImagePattern");
    check::<RolePattern>("RolePattern");
    check::<Hit>("Hit");
    check::<Line>("Line");
    check::<Word>("Word");
    check::<Window>("Window");
}

#[test]
fn results_in_examples_are_of_the_types() {
    for method in methods() {
        let value = method["examples"][0]["result"]["value"].clone();
        let schema = method["result"]["schema"]["$ref"].as_str().unwrap_or_default();
        match schema.rsplit('/').next() {
            Some("Hit") => drop(serde_json::from_value::<Hit>(value).unwrap()),
            Some("ReadResult") => {
                drop(serde_json::from_value::<Vec<Line>>(value["lines"].clone()).unwrap());
            }
            Some("LaunchResult") => {
                drop(serde_json::from_value::<Window>(value["window"].clone()).unwrap());
            }
            _ => {}
        }
    }
}
