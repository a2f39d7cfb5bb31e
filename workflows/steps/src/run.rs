//! Runs steps: puts in what `${name}` stands for, asks the agent, saves results.
//!
//! `${name}` is a saved result, or else the input of that name. There is nothing else: no
//! expressions, no loops, no conditions. What was put in is not looked at for `${…}` again.

use std::collections::BTreeMap;

use karakuri_protocol::script::CallError;
use karakuri_protocol::untrusted::Untrusted;
use serde_json::{Map, Value, json};

use crate::channel::{Channel, ChannelError};
use crate::steps::{Step, is_name};

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The agent answered with an error.
    #[error("{line}: {method}: {}{}", Untrusted::new(.error.message.as_str()).escaped(1000), hits(.error))]
    Call {
        /// The step's line.
        line: usize,
        /// Its method, or `input` for what a name stands for.
        method: String,
        /// The answer.
        error: Box<CallError>,
    },
    /// A `${` that is not followed by a name and `}`.
    #[error("{line}: {text:?}: write ${{name}}, or $${{ for a plain ${{")]
    Name {
        /// The step's line.
        line: usize,
        /// The text with it.
        text: String,
    },
    /// A list or an object inside a text.
    #[error("{line}: ${{{name}}} is not a text or a number, so it must be the whole value")]
    Inside {
        /// The step's line.
        line: usize,
        /// The name.
        name: String,
    },
    /// The agent cannot be reached.
    #[error("{line}: {source}")]
    Channel {
        /// The step's line.
        line: usize,
        /// Why.
        source: ChannelError,
    },
}

fn hits(error: &CallError) -> String {
    let all = error.data.candidates.iter().chain(&error.data.nearest);
    all.map(|hit| {
        let text = hit.text.as_ref().map_or(String::new(), |t| t.escaped(60));
        format!("\n  {text:?} at ({}, {}), confidence {:.2}", hit.at.x, hit.at.y, hit.confidence)
    })
    .collect()
}

/// Runs all steps, or up to the first that fails.
pub(crate) fn run(steps: &[Step], channel: &mut Channel) -> Result<(), RunError> {
    let mut saved = BTreeMap::new();
    for step in steps {
        let mut names = Names { line: step.line, saved: &mut saved, channel };
        let params = names.put_in(&Value::Object(step.params.clone()))?;
        let result = call(channel, step.line, &step.method, &params)?;
        if let Some(name) = &step.save {
            saved.insert(name.clone(), plain(result));
        }
    }
    Ok(())
}

/// What is saved of a result: of something read or found, its text.
fn plain(result: Value) -> Value {
    match result {
        Value::Object(mut object) => object.remove("text").unwrap_or(Value::Object(object)),
        other => other,
    }
}

fn call(
    channel: &mut Channel,
    line: usize,
    method: &str,
    params: &Value,
) -> Result<Value, RunError> {
    match channel.call(method, params) {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(error)) => {
            Err(RunError::Call { line, method: method.to_owned(), error: Box::new(error) })
        }
        Err(source) => Err(RunError::Channel { line, source }),
    }
}

/// What names stand for in one step.
struct Names<'a> {
    line: usize,
    saved: &'a mut BTreeMap<String, Value>,
    channel: &'a mut Channel,
}

impl Names<'_> {
    fn put_in(&mut self, value: &Value) -> Result<Value, RunError> {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().map(|item| self.put_in(item)).collect(),
            Value::Object(object) => {
                let mut done = Map::new();
                for (key, content) in object {
                    done.insert(key.clone(), self.put_in(content)?);
                }
                Ok(Value::Object(done))
            }
            other => Ok(other.clone()),
        }
    }

    fn text(&mut self, text: &str) -> Result<Value, RunError> {
        if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
            && is_name(name)
        {
            return self.meaning(name);
        }
        let mut done = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(plain) = before.strip_suffix('$') {
                done += plain;
                done += "${";
                rest = after;
                continue;
            }
            let bad = || RunError::Name { line: self.line, text: text.to_owned() };
            let (name, tail) = after.split_once('}').ok_or_else(bad)?;
            if !is_name(name) {
                return Err(bad());
            }
            done += before;
            match self.meaning(name)? {
                Value::String(meaning) => done += &meaning,
                Value::Array(_) | Value::Object(_) => {
                    return Err(RunError::Inside { line: self.line, name: name.to_owned() });
                }
                other => done += &other.to_string(),
            }
            rest = tail;
        }
        Ok(Value::String(done + rest))
    }

    fn meaning(&mut self, name: &str) -> Result<Value, RunError> {
        if let Some(value) = self.saved.get(name) {
            return Ok(value.clone());
        }
        let value = call(self.channel, self.line, "input", &json!({ "name": name }))?;
        self.saved.insert(name.to_owned(), value.clone());
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::tests::answered_by;
    use crate::steps::parse;

    /// Runs the steps against an agent that knows one input and reads one text.
    fn ran(yaml: &str) -> (Result<(), RunError>, Vec<Value>) {
        let (ours, mut channel, agent) = answered_by(|request| match request["method"].as_str() {
            Some("input") if request["params"]["name"] == "who" => json!({"result": "A ${x}"}),
            Some("input") => json!({"error": {"code": -32004, "message": "no such input",
                "data": {"kind": "denied"}}}),
            Some("read_text") => json!({"result": {"text": "seen", "lines": []}}),
            Some("find_all") => json!({"result": [1]}),
            _ => json!({"result": null}),
        });
        let result = run(&parse(yaml).unwrap(), &mut channel);
        drop(ours);
        (result, agent.join().unwrap())
    }

    #[test]
    fn names_are_inputs_or_saved_results_and_are_not_looked_into() {
        let (result, asked) = ran(
            "- type_text: {text: 'I am ${who}, $${who} ${who}'}\n- read_text: {}\n  save: t\n- output: {key: k, value: ['${t}', 1]}",
        );
        result.unwrap();
        assert_eq!(
            asked,
            [
                json!(["input", {"name": "who"}]),
                json!(["type_text", {"text": "I am A ${x}, ${who} A ${x}"}]),
                json!(["read_text", {}]),
                json!(["output", {"key": "k", "value": ["seen", 1]}]),
            ]
        );
    }

    #[test]
    fn the_first_step_that_fails_is_the_last() {
        let (result, asked) =
            ran("- step: {name: a}\n- log: {message: '${nobody}'}\n- step: {name: b}");
        assert_eq!(result.unwrap_err().to_string(), "2: input: no such input");
        assert_eq!(asked.len(), 2);
    }

    #[test]
    fn what_is_no_name_and_what_is_no_text_is_told() {
        let message = |yaml: &str| ran(yaml).0.unwrap_err().to_string();
        assert!(message("- log: {message: '${a b}'}").contains("write ${name}"));
        assert!(message("- log: {message: '${a'}").contains("write ${name}"));
        let list = "- find_all: {target: 'text:a'}\n  save: l\n- log: {message: 'x ${l}'}";
        assert!(message(list).contains("must be the whole value"));
    }
}
