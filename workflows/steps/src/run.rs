//! Runs steps: puts in what `${name}` stands for, asks the agent, saves results.
//!
//! `${name}` is a saved result, or else the input of that name. There is nothing else: no
//! expressions, no loops, no conditions. What was put in is not looked at for `${…}` again.

use std::collections::BTreeMap;

use karakuri_channel::{Channel, ChannelError};
use karakuri_protocol::desktop::Hit;
use karakuri_protocol::script::CallError;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_steps::steps::Step;
use karakuri_steps::template::{Piece, pieces};
use serde_json::{Map, Value, json};

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The agent answered with an error.
    #[error("{line}: {}", said(.method, .error))]
    Call {
        /// The step's line.
        line: usize,
        /// Its method, or `input` for what a name stands for.
        method: String,
        /// The answer.
        error: Box<CallError>,
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

/// The answer in one line, which becomes the run's message. It often begins with the method already.
fn said(method: &str, error: &CallError) -> String {
    let message = Untrusted::new(error.message.as_str()).escaped(1000);
    if message.starts_with(&format!("{method}: ")) {
        message
    } else {
        format!("{method}: {message}")
    }
}

/// What else was seen: the lines before the last one.
pub(crate) fn hits(error: &RunError) -> Vec<String> {
    let RunError::Call { error, .. } = error else { return Vec::new() };
    let line = |kind: &str, hit: &Hit| {
        let text = hit.text.as_ref().map_or(String::new(), |t| t.escaped(60));
        let Hit { at, confidence, .. } = hit;
        format!("  {kind}: {text:?} at ({}, {}), confidence {confidence:.2}", at.x, at.y)
    };
    let candidates = error.data.candidates.iter().map(|hit| line("candidate", hit));
    candidates.chain(error.data.nearest.iter().map(|hit| line("nearest", hit))).collect()
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

/// What is saved of a result: of something read or found, its value if one was asked for, else its text.
fn plain(result: Value) -> Value {
    match result {
        Value::Object(mut object) => match object.remove("value").or(object.remove("text")) {
            Some(plain) => plain,
            None => Value::Object(object),
        },
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
        // What is no template was refused before the first step.
        let pieces = pieces(text).unwrap_or_default();
        if let [Piece::Name(name)] = pieces.as_slice() {
            return self.meaning(name);
        }
        let mut done = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(plain) => done += plain,
                Piece::Name(name) => match self.meaning(name)? {
                    Value::String(meaning) => done += &meaning,
                    Value::Array(_) | Value::Object(_) => {
                        return Err(RunError::Inside { line: self.line, name: name.to_owned() });
                    }
                    other => done += &other.to_string(),
                },
            }
        }
        Ok(Value::String(done))
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
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    use std::thread::JoinHandle;

    use karakuri_steps::steps::parse;

    use super::*;

    /// A channel whose other end answers with `reply`, and the requests it got.
    fn answered_by(
        reply: impl Fn(&Value) -> Value + Send + 'static,
    ) -> (UnixStream, Channel, JoinHandle<Vec<Value>>) {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let channel = Channel::over(ours.as_raw_fd());
        let agent = std::thread::spawn(move || {
            let mut asked = Vec::new();
            let mut length = [0; 4];
            while theirs.read_exact(&mut length).is_ok() {
                let mut body = vec![0; u32::from_be_bytes(length) as usize];
                theirs.read_exact(&mut body).unwrap();
                let request: Value = serde_json::from_slice(&body).unwrap();
                let mut answer = reply(&request);
                answer["jsonrpc"] = json!("2.0");
                answer["id"] = request["id"].clone();
                let answer = answer.to_string();
                let length = u32::try_from(answer.len()).unwrap();
                theirs.write_all(&length.to_be_bytes()).unwrap();
                theirs.write_all(answer.as_bytes()).unwrap();
                asked.push(json!([request["method"], request["params"]]));
            }
            asked
        });
        (ours, channel, agent)
    }

    /// Runs the steps against an agent that knows one input and reads one text.
    fn ran(yaml: &str) -> (Result<(), RunError>, Vec<Value>) {
        let (ours, mut channel, agent) = answered_by(|request| match request["method"].as_str() {
            Some("input") if request["params"]["name"] == "who" => json!({"result": "A ${x}"}),
            Some("input") => json!({"error": {"code": -32004, "message": "no such input",
                "data": {"kind": "denied"}}}),
            Some("read_text") => json!({"result": {"text": "seen", "lines": []}}),
            Some("find_all") => json!({"result": [1]}),
            Some("expect") => json!({"error": {"code": -32001, "message": "expect: not there",
                "data": {"kind": "not_found", "nearest": [{"rect": [0, 0, 9, 9], "at": [4, 4],
                    "via": "text", "confidence": 0.5, "text": "Pots"}]}}}),
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
    fn an_answer_that_names_the_method_is_one_line_and_says_it_once() {
        let error = ran("- expect: {target: 'text:Post'}").0.unwrap_err();
        assert_eq!(error.to_string(), "1: expect: not there");
        assert_eq!(hits(&error), ["  nearest: \"Pots\" at (4, 4), confidence 0.50"]);
    }

    #[test]
    fn what_is_no_text_is_told() {
        let message = |yaml: &str| ran(yaml).0.unwrap_err().to_string();
        let list = "- find_all: {target: 'text:a'}\n  save: l\n- log: {message: 'x ${l}'}";
        assert!(message(list).contains("must be the whole value"));
    }
}
