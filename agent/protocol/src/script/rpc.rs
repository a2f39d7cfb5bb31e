//! The JSON-RPC 2.0 envelope around a [`Call`]: requests, responses, typed errors.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, METHODS};
use crate::desktop::Hit;
use crate::untrusted::Untrusted;

/// The most characters of a reason that quotes a request.
const MAX_REASON: usize = 400;

/// A request as it stands on the wire, method and parameters not yet looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    jsonrpc: String,
    id: u64,
    method: String,
    #[serde(default)]
    params: Value,
}

/// Why bytes are not a [`Request`].
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not JSON, or not a JSON-RPC 2.0 request object with a number as id; or deeper than
    /// [`super::MAX_DEPTH`], or with a number that no 64-bit float holds. Ends the run.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// A method that is not in the vocabulary. Ends the run.
    #[error("unknown method {name:?}")]
    UnknownMethod {
        /// The request's id.
        id: u64,
        /// Its method, escaped.
        name: String,
    },
    /// Parameters that do not fit the method. Answered as an error; the run goes on.
    #[error("{method}: {reason}")]
    InvalidParams {
        /// The request's id.
        id: u64,
        /// Its method.
        method: String,
        /// What does not fit.
        reason: String,
    },
}

/// A parsed request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Chosen by the script, echoed in the answer.
    pub id: u64,
    /// What it asks.
    pub call: Call,
}

impl Request {
    /// Parses one frame's bytes.
    ///
    /// # Errors
    /// See [`RequestError`]; the first two mean that the script does not speak the protocol.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        // It quotes what the script sent.
        let escaped = |e: serde_json::Error| Untrusted::new(e.to_string()).escaped(MAX_REASON);
        let malformed = |e| RequestError::Malformed(escaped(e));
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(malformed)?;
        if envelope.jsonrpc != "2.0" {
            return Err(RequestError::Malformed("\"jsonrpc\" must be \"2.0\"".to_owned()));
        }
        let Envelope { id, method, params, .. } = envelope;
        if !METHODS.contains(&method.as_str()) {
            let name = Untrusted::new(method).escaped(60);
            return Err(RequestError::UnknownMethod { id, name });
        }
        let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
        let call = serde_json::json!({ "method": method, "params": params });
        match serde_json::from_value(call) {
            Ok(call) => Ok(Self { id, call }),
            Err(e) => Err(RequestError::InvalidParams { id, method, reason: escaped(e) }),
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Always `"2.0"`.
    pub jsonrpc: String,
    /// The request's id.
    pub id: u64,
    /// The result, when it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// The error, when it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<CallError>,
}

impl Response {
    /// The answer to request `id`.
    #[must_use]
    pub fn new(id: u64, outcome: Result<Value, CallError>) -> Self {
        let (result, error) = match outcome {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(error)),
        };
        Self { jsonrpc: "2.0".to_owned(), id, result, error }
    }
}

/// The kinds of errors, each with its JSON-RPC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The parameters do not fit the method (-32602).
    InvalidParams,
    /// The target is not on the screen; `nearest` holds what comes closest (-32001).
    NotFound,
    /// Several things match; `candidates` holds them (-32002).
    AmbiguousTarget,
    /// The wait was over before it happened (-32003).
    Timeout,
    /// The grant does not allow it (-32004).
    Denied,
    /// The run has used up its actions (-32005).
    BudgetExceeded,
    /// This agent does not offer it yet (-32006).
    Unsupported,
    /// An application did not start, or its window did not come (-32007).
    AppFailed,
    /// No person consented (-32008).
    NotApproved,
    /// The agent itself failed (-32603).
    Internal,
}

impl ErrorKind {
    /// The JSON-RPC error code.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::InvalidParams => -32602,
            Self::NotFound => -32001,
            Self::AmbiguousTarget => -32002,
            Self::Timeout => -32003,
            Self::Denied => -32004,
            Self::BudgetExceeded => -32005,
            Self::Unsupported => -32006,
            Self::AppFailed => -32007,
            Self::NotApproved => -32008,
            Self::Internal => -32603,
        }
    }
}

/// An error as the script sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallError {
    /// [`ErrorKind::code`].
    pub code: i32,
    /// What happened and what to do, in a sentence.
    pub message: String,
    /// The typed part.
    pub data: ErrorData,
}

/// The typed part of an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorData {
    /// Which error.
    pub kind: ErrorKind,
    /// For [`ErrorKind::AmbiguousTarget`]: all that match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Hit>,
    /// For [`ErrorKind::NotFound`]: what comes closest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nearest: Vec<Hit>,
}

impl CallError {
    /// An error without candidates.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let data = ErrorData { kind, candidates: Vec::new(), nearest: Vec::new() };
        Self { code: kind.code(), message: message.into(), data }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MAX_DEPTH, NoParams, depth};
    use super::*;

    fn parse(json: &str) -> Result<Request, RequestError> {
        Request::parse(json.as_bytes())
    }

    #[test]
    fn every_method_parses_to_its_own_call_or_says_what_it_lacks() {
        for method in METHODS {
            let json = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{}}}}"#);
            match parse(&json) {
                Ok(_) => {}
                Err(RequestError::InvalidParams { reason, .. }) => {
                    assert!(reason.contains("missing field"), "{method}: {reason}");
                }
                Err(e) => panic!("{method}: {e}"),
            }
        }
    }

    #[test]
    fn missing_params_mean_empty_params() {
        let request = parse(r#"{"jsonrpc":"2.0","id":7,"method":"get_clipboard"}"#).unwrap();
        assert_eq!(request, Request { id: 7, call: Call::GetClipboard(NoParams {}) });
    }

    #[test]
    fn an_unknown_method_is_not_a_malformed_request() {
        let error = parse(r#"{"jsonrpc":"2.0","id":1,"method":"exec"}"#).unwrap_err();
        assert!(matches!(error, RequestError::UnknownMethod { id: 1, .. }));
    }

    #[test]
    fn batches_notifications_and_other_versions_are_malformed() {
        for json in [
            r#"[]"#,
            r#"{"jsonrpc":"2.0","method":"get_clipboard"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"get_clipboard"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"get_clipboard","extra":1}"#,
            "\u{0}",
        ] {
            assert!(matches!(parse(json), Err(RequestError::Malformed(_))), "{json}");
        }
    }

    fn output(value: &str) -> Result<Request, RequestError> {
        let params = format!(r#"{{"key":"a","value":{value}}}"#);
        parse(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"output","params":{params}}}"#))
    }

    #[test]
    fn the_deepest_request_is_read_and_a_deeper_one_is_malformed() {
        // The request and its parameters are the first two.
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let request = output(&nested(MAX_DEPTH - 2)).unwrap();
        let Call::Output(params) = request.call else { panic!("{request:?}") };
        assert_eq!(depth(&params.value), MAX_DEPTH - 2);
        let error = output(&nested(MAX_DEPTH - 1)).unwrap_err();
        assert!(matches!(error, RequestError::Malformed(_)), "{error}");
    }

    #[test]
    fn a_number_that_no_float_holds_is_malformed() {
        let number = |zeros| format!("1{}", "0".repeat(zeros));
        assert!(output(&number(308)).is_ok());
        let error = output(&number(400)).unwrap_err();
        assert!(matches!(error, RequestError::Malformed(_)), "{error}");
        let Call::Output(exact) = output("18446744073709551615").unwrap().call else { panic!() };
        assert_eq!(exact.value, u64::MAX);
    }

    #[test]
    fn an_unknown_parameter_is_named() {
        let json = r#"{"jsonrpc":"2.0","id":1,"method":"press","params":{"keys":"a","key":"b"}}"#;
        let error = parse(json).unwrap_err().to_string();
        assert!(error.contains("unknown field `key`"), "{error}");
    }
}
