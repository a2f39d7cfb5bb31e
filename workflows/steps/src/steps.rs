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

use karakuri_protocol::script::{METHODS, Request};
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::{Map, Number, Value, json};

/// One step.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    /// Where it begins, counted from 1.
    pub(crate) line: usize,
    /// One of [`METHODS`].
    pub(crate) method: String,
    /// Its parameters, with `${name}` still in them.
    pub(crate) params: Map<String, Value>,
    /// The name its result is saved under.
    pub(crate) save: Option<String>,
}

/// Why a text is not a list of steps.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{line}: {problem}")]
pub(crate) struct StepsError {
    line: usize,
    problem: String,
}

fn error(line: usize, problem: impl Into<String>) -> StepsError {
    StepsError { line, problem: problem.into() }
}

/// Parses and checks all steps.
pub(crate) fn parse(text: &str) -> Result<Vec<Step>, StepsError> {
    let documents = MarkedYaml::load_from_str(text)
        .map_err(|e| error(e.marker().line(), e.info().to_owned()))?;
    match documents.as_slice() {
        [MarkedYaml { data: YamlData::Sequence(items), .. }] => items.iter().map(step).collect(),
        _ => Err(error(1, "must be one list of steps, each `- method: {parameters}`")),
    }
}

fn step(item: &MarkedYaml<'_>) -> Result<Step, StepsError> {
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
    let step = Step { line, method: method.to_owned(), params, save };
    check(&step)?;
    Ok(step)
}

/// Parameters without `${name}` must fit the method already now.
fn check(step: &Step) -> Result<(), StepsError> {
    let params = Value::Object(step.params.clone());
    if params.to_string().contains("${") {
        return Ok(());
    }
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": step.method, "params": params});
    match Request::parse(request.to_string().as_bytes()) {
        Ok(_) => Ok(()),
        Err(e) => Err(error(step.line, e.to_string())),
    }
}

/// Whether `name` can stand in `${name}`.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
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
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_before_anything_runs() {
        for (text, expected) in [
            ("a: 1", "1: must be one list"),
            ("- press: {keys: a}\n- clik: {}", "2: there is no method \"clik\""),
            ("- press: {key: a}", "1: press: unknown field `key`"),
            ("- press: a", "1: press: parameters are written"),
            ("- press: {keys: a}\n  hover: {}", "1: a step has one method"),
            ("- save: x", "1: the step names no method"),
            ("- get_clipboard: {}\n  save: a b", "1: save must be a name"),
            ("- log: {message: !x y}", "1: tags of YAML"),
            ("- log: {message: .nan}", "1: a number must be finite"),
            ("- log: [", "2: while parsing"),
        ] {
            assert!(problem(text).starts_with(expected), "{text}: {}", problem(text));
        }
    }
}
