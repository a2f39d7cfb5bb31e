//! The wire: JSON-RPC 2.0 on a socket, each message after its length (big-endian, 32 bit).

use std::os::fd::RawFd;

use karakuri_protocol::script::{CallError, MAX_DEPTH, MAX_REQUEST, MAX_RESPONSE, Response, depth};
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, send};
use serde_json::{Value, json};

/// The number under which the agent's socket is inherited.
pub const AGENT: RawFd = 3;

/// The connection to the agent.
#[derive(Debug)]
pub struct Channel {
    socket: RawFd,
    last_id: u64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// No socket, or the agent is gone.
    #[error("the agent cannot be reached ({0}); start this workflow with: karakuri run DIR")]
    Closed(Errno),
    /// A request that would end the run.
    #[error("the request has {0} bytes, at most {MAX_REQUEST} are allowed")]
    TooLarge(usize),
    /// The same.
    #[error(
        "arrays and objects of the request stand in each other {0} deep, at most {MAX_DEPTH} are allowed"
    )]
    TooDeep(usize),
    /// An answer that is not one.
    #[error("the agent's answer is not understood: {0}")]
    Answer(String),
}

impl Channel {
    /// Over a connected stream socket that stays open as long as this is used: [`AGENT`], unless it is a
    /// test.
    #[must_use]
    pub fn over(socket: RawFd) -> Self {
        Self { socket, last_id: 0 }
    }

    /// Asks and waits for the answer: the result, or the error that the agent tells.
    ///
    /// # Errors
    /// See [`ChannelError`]; after any but [`ChannelError::TooLarge`] and [`ChannelError::TooDeep`] the channel is
    /// of no use.
    pub fn call(
        &mut self,
        method: &str,
        params: &Value,
    ) -> Result<Result<Value, CallError>, ChannelError> {
        let depth = 1 + depth(params);
        if depth > MAX_DEPTH {
            return Err(ChannelError::TooDeep(depth));
        }
        self.last_id += 1;
        let request =
            json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params});
        let body = request.to_string().into_bytes();
        let length = u32::try_from(body.len()).ok().filter(|length| *length <= MAX_REQUEST);
        let length = length.ok_or(ChannelError::TooLarge(body.len()))?;
        self.send(&length.to_be_bytes())?;
        self.send(&body)?;
        let response = self.response()?;
        if response.id != self.last_id {
            return Err(ChannelError::Answer("it is to another request".to_owned()));
        }
        Ok(match response.error {
            Some(error) => Err(error),
            None => Ok(response.result.unwrap_or_default()),
        })
    }

    fn response(&self) -> Result<Response, ChannelError> {
        let mut length = [0; 4];
        self.receive(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length > MAX_RESPONSE {
            return Err(ChannelError::Answer(format!("it has {length} bytes")));
        }
        let mut body = vec![0; length as usize];
        self.receive(&mut body)?;
        serde_json::from_slice(&body).map_err(|e| ChannelError::Answer(e.to_string()))
    }

    fn send(&self, mut bytes: &[u8]) -> Result<(), ChannelError> {
        while !bytes.is_empty() {
            match send(self.socket, bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(count) => bytes = &bytes[count..],
                Err(Errno::EINTR) => {}
                Err(e) => return Err(ChannelError::Closed(e)),
            }
        }
        Ok(())
    }

    fn receive(&self, mut room: &mut [u8]) -> Result<(), ChannelError> {
        while !room.is_empty() {
            match recv(self.socket, room, MsgFlags::empty()) {
                Ok(0) => return Err(ChannelError::Closed(Errno::ECONNRESET)),
                Ok(count) => room = &mut room[count..],
                Err(Errno::EINTR) => {}
                Err(e) => return Err(ChannelError::Closed(e)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// The other end says `answer`, whatever it is asked.
    fn answered(answer: &Value) -> Result<Result<Value, CallError>, ChannelError> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let answer = answer.to_string();
        theirs.write_all(&u32::try_from(answer.len()).unwrap().to_be_bytes()).unwrap();
        theirs.write_all(answer.as_bytes()).unwrap();
        let answer = Channel::over(ours.as_raw_fd()).call("press", &json!({ "keys": "a" }));
        let mut length = [0; 4];
        theirs.read_exact(&mut length).unwrap();
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        theirs.read_exact(&mut request).unwrap();
        let request: Value = serde_json::from_slice(&request).unwrap();
        assert_eq!(
            (&request["method"], &request["params"]["keys"]),
            (&json!("press"), &json!("a"))
        );
        answer
    }

    #[test]
    fn the_answer_is_the_result_or_the_error() {
        let result = answered(&json!({ "jsonrpc": "2.0", "id": 1, "result": 7 })).unwrap();
        assert_eq!(result, Ok(json!(7)));
        let error = json!({ "code": -32001, "message": "no", "data": { "kind": "not_found" } });
        let told = answered(&json!({ "jsonrpc": "2.0", "id": 1, "error": error })).unwrap();
        assert_eq!(told.unwrap_err().message, "no");
        let stray = answered(&json!({ "jsonrpc": "2.0", "id": 2, "result": 7 })).unwrap_err();
        assert!(matches!(stray, ChannelError::Answer(_)), "{stray}");
    }

    #[test]
    fn an_agent_that_is_gone_is_an_error() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let mut channel = Channel::over(ours.as_raw_fd());
        let error = channel.call("press", &json!({"keys": "a"})).unwrap_err();
        assert!(matches!(error, ChannelError::Closed(_)), "{error}");
    }

    #[test]
    fn what_would_end_the_run_is_not_sent() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut channel = Channel::over(ours.as_raw_fd());
        let text = "x".repeat(MAX_REQUEST as usize);
        let error = channel.call("type_text", &json!({ "text": text })).unwrap_err();
        assert!(matches!(error, ChannelError::TooLarge(_)), "{error}");
        let targets = (0..MAX_DEPTH).fold(json!("text:a"), |inner, _| json!([inner]));
        let error = channel.call("expect_any", &targets).unwrap_err();
        assert!(matches!(error, ChannelError::TooDeep(128)), "{error}");
        drop(ours);
        assert_eq!(theirs.read(&mut [0]).unwrap(), 0);
    }
}
