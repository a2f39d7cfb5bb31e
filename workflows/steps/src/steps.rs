//! From the text of `steps.yaml` to steps.
//!
//! ```yaml
//! - launch: {app: mousepad}
//! - wait_for: {target: 'text:"Document"'}
//! - type_text: {text: "${greeting}\n"}
//! - read_text: {region: [0, 60, 400, 40]}
//!   save: seen
//! - output: {key: seen, value: "${seen}"}
//! ```
//!
//! A step is a method with its parameters, and the name its result is saved under. Everything is
//! checked before the first step runs, save what `${name}` stands for.

use std::collections::BTreeSet;

use karakuri_protocol::script::{METHODS, Request, RequestError};
use karakuri_protocol::wording::plain;
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::{Map, Number, Value, json};

use crate::template::{Piece, is_name, pieces, texts};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where it begins, counted from 1.
    pub line: usize,
    /// One of [`METHODS`].
    pub method: String,
    /// Its parameters, with `${name}` still in them.
    pub params: Map<String, Value>,
    /// The name its result is saved under.
    pub save: Option<String>,
    /// Whether `${name}` stands in its parameters.
    pub is_template: bool,
    /// The names in its parameters that no earlier step saved: inputs.
    pub inputs: BTreeSet<String>,
}

/// Why a text is not a list of steps.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{line}: {problem}")]
pub struct StepsError {
    /// Where, counted from 1.
    pub line: usize,
    /// The method and the parameter, what is wrong, and what to write.
    pub problem: String,
}

fn error(line: usize, problem: impl Into<String>) -> StepsError {
    StepsError { line, problem: problem.into() }
}

/// Parses and checks all steps.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(text: &str) -> Result<Vec<Step>, StepsError> {
    let documents = MarkedYaml::load_from_str(text)
        .map_err(|e| error(e.marker().line(), format!("not YAML: {}", e.info())))?;
    let [MarkedYaml { data: YamlData::Sequence(items), .. }] = documents.as_slice() else {
        return Err(error(1, "must be one list of steps, each `- method: {parameters}`"));
    };
    let mut saved = BTreeSet::new();
    items
        .iter()
        .map(|item| {
            let step = step(item, &saved)?;
            saved.extend(step.save.clone());
            Ok(step)
        })
        .collect()
}

fn step(item: &MarkedYaml<'_>, saved: &BTreeSet<String>) -> Result<Step, StepsError> {
    let line = item.span.start.line();
    let YamlData::Mapping(entries) = &item.data else {
        return Err(error(line, "a step is written `- method: {parameters}`"));
    };
    let (mut method, mut save) = (None, None);
    for (key, content) in entries {
        match (key.data.as_str(), content.data.as_str()) {
            (Some("save"), Some(name)) if is_name(name) => save = Some(name.to_owned()),
            (Some("save"), _) => {
                return Err(error(line, "save must be a name of letters, digits, `_` and `.`"));
            }
            (Some(name), _) if method.is_none() => method = Some((name, content)),
            _ => return Err(error(line, "a step has one method, and at most `save` beside it")),
        }
    }
    let (method, content) = method.ok_or_else(|| error(line, "the step names no method"))?;
    if !METHODS.contains(&method) {
        return Err(error(line, format!("there is no method {method:?}")));
    }
    let params = match value(content)? {
        Value::Object(params) => params,
        Value::Null => Map::new(),
        _ => return Err(error(line, format!("{method}: parameters are written {{name: value}}"))),
    };
    let (mut inputs, mut is_template) = (BTreeSet::new(), false);
    for text in params.values().flat_map(texts) {
        let pieces = pieces(text).ok_or_else(|| {
            error(line, format!("{method}: {text:?}: write ${{name}}, or $${{ for a plain ${{"))
        })?;
        let names = pieces.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(*name),
            Piece::Text(_) => None,
        });
        for name in names {
            is_template = true;
            inputs.extend((!saved.contains(name)).then(|| name.to_owned()));
        }
    }
    let step = Step { line, method: method.to_owned(), params, save, is_template, inputs };
    check(&step)?;
    Ok(step)
}

/// Parameters must fit the method already now. Of those with `${name}` only what it cannot mend is
/// told: a name that is not a parameter, or a parameter that is missing.
fn check(step: &Step) -> Result<(), StepsError> {
    let Step { line, method, params, .. } = step;
    let Some(reason) = refused(method, params) else { return Ok(()) };
    let is_about_names = ["unknown field", "missing field"].iter().any(|r| reason.starts_with(r));
    if step.is_template && !is_about_names {
        return Ok(());
    }
    // serde does not say where in the parameters: it is the one without which something else,
    // or nothing, is wrong.
    let is_culprit = |key: &&String| {
        let mut others = params.clone();
        others.remove(*key);
        refused(method, &others).is_none_or(|other| other != reason)
    };
    let place = params.keys().filter(|_| !is_about_names).find(is_culprit);
    let place = place.map_or(String::new(), |key| format!("{key}: "));
    Err(error(*line, format!("{method}: {place}{}", plain(&reason))))
}

/// Why these parameters are refused.
fn refused(method: &str, params: &Map<String, Value>) -> Option<String> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    match Request::parse(request.to_string().as_bytes()) {
        Ok(_) => None,
        Err(RequestError::InvalidParams { reason, .. }) => Some(reason),
        Err(e) => Some(e.to_string()),
    }
}

fn value(node: &MarkedYaml<'_>) -> Result<Value, StepsError> {
    let line = node.span.start.line();
    match &node.data {
        YamlData::Value(scalar) => {
            scalar_value(scalar).ok_or_else(|| error(line, "a number must be finite"))
        }
        YamlData::Sequence(items) => items.iter().map(value).collect(),
        YamlData::Mapping(entries) => {
            let mut object = Map::new();
            for (key, content) in entries {
                let key = key.data.as_str().ok_or_else(|| error(line, "a key must be a string"))?;
                object.insert(key.to_owned(), value(content)?);
            }
            Ok(Value::Object(object))
        }
        _ => Err(error(line, "tags of YAML are not used in steps")),
    }
}

fn scalar_value(scalar: &Scalar<'_>) -> Option<Value> {
    Some(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => Value::Bool(*flag),
        Scalar::Integer(number) => json!(number),
        Scalar::FloatingPoint(number) => Value::Number(Number::from_f64(**number)?),
        Scalar::String(text) => json!(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_example_of_the_documentation_is_a_list_of_steps() {
        let yaml: Vec<&str> = include_str!("steps.rs")
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .skip_while(|line| !line.contains("```yaml"))
            .skip(1)
            .take_while(|line| !line.contains("```"))
            .collect();
        let steps = parse(&yaml.join("\n")).unwrap();
        assert_eq!(steps.len(), 5);
        assert_eq!((steps[3].line, steps[3].save.as_deref()), (4, Some("seen")));
        assert_eq!(steps[2].params["text"], "${greeting}\n");
        let inputs: Vec<Vec<&str>> =
            steps.iter().map(|s| s.inputs.iter().map(String::as_str).collect()).collect();
        assert_eq!(inputs, [&[][..], &[], &["greeting"], &[], &[]], "seen was saved");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_before_anything_runs() {
        for (text, expected) in [
            ("a: 1", "1: must be one list"),
            ("- press: {keys: a}\n- clik: {}", "2: there is no method \"clik\""),
            ("- press: {key: a}", "1: press: there is no `key` here; known: keys"),
            ("- press: {key: '${a}'}", "1: press: there is no `key` here; known: keys"),
            ("- click: {}\n- wait_for: {}", "2: wait_for: `target` is missing"),
            (
                "- wait_for: {target: 'text:a', timeout_ms: long}",
                "1: wait_for: timeout_ms: the text \"long\" must be a whole number",
            ),
            (
                "- wait_for:\n    timeout_ms: 10\n    target: xpath://a",
                "1: wait_for: target: \"xpath://a\" is not a target: write text:",
            ),
            ("- log: {message: '${a b}'}", "1: log: \"${a b}\": write ${name}, or $${ for"),
            ("- log: {message: '${a'}", "1: log: \"${a\": write ${name}"),
            ("- press: a", "1: press: parameters are written"),
            ("- press: {keys: a}\n  hover: {}", "1: a step has one method"),
            ("- save: x", "1: the step names no method"),
            ("- get_clipboard: {}\n  save: a b", "1: save must be a name"),
            ("- log: {message: !x y}", "1: tags of YAML"),
            ("- log: {message: .nan}", "1: a number must be finite"),
            ("- log: [", "2: not YAML: while parsing"),
        ] {
            assert!(problem(text).starts_with(expected), "{text}: {}", problem(text));
        }
    }
}
