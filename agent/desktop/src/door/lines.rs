//! The conversation: a request a line, its answer a line, in order.

use std::convert::Infallible;
use std::fs::File;
use std::future::Future;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anyhow::Context as _;
use karakuri_protocol::desktop::{Question, Reply, VERSION};
use karakuri_protocol::script::{
    Call, CallError, ErrorKind, MAX_REQUEST, Request, RequestError, Response, ScreenshotParams,
};
use karakuri_sandbox::memfd;
use karakuri_verbs::computer::{self, Plan};
use karakuri_verbs::{Desk, Settings, carry_out};
use serde_json::{Value, json};

use super::Options;
use super::hands::Hands;
use crate::serve::dispatch::Dispatch;
use crate::vision::Asset;
use crate::x11::desktop::Desktop;

/// How long a wait lasts that does not say, until the client sets another time; as in a run.
const DEFAULT_WAIT_MS: u32 = 10_000;
/// JSON-RPC's code for a line that is no request.
const PARSE_ERROR: i32 = -32700;

/// Answers stdin on stdout until stdin is closed.
///
/// # Errors
/// When the models or pictures cannot be loaded, or the display or the client goes away.
pub fn serve(desktop: Desktop, options: &Options) -> anyhow::Result<()> {
    let hands = open(desktop, options)?;
    let settings = Settings { wait_ms: DEFAULT_WAIT_MS, language: options.language };
    let mut door = Door { hands, settings, out: options.out.clone(), pictures: 0 };
    let (mut input, mut output) = (std::io::stdin(), std::io::stdout());
    let mut unread = Vec::new();
    while let Some(line) = door.line(&mut input, &mut unread)? {
        let mut answer = door.answer(&line).to_string();
        answer.push('\n');
        output.write_all(answer.as_bytes())?;
        output.flush()?;
    }
    Ok(())
}

/// Hands over what a run would: the models and the pictures.
fn open(desktop: Desktop, options: &Options) -> anyhow::Result<Hands> {
    let mut fds = Vec::new();
    let mut take = |path: PathBuf, name: &str| -> anyhow::Result<()> {
        let file = File::open(&path).with_context(|| path.display().to_string())?;
        fds.push(memfd::sealed_from(name, file).with_context(|| path.display().to_string())?);
        Ok(())
    };
    let assets: Vec<String> = Asset::ALL.iter().map(|asset| asset.name().to_owned()).collect();
    for name in &assets {
        take(options.assets.join(name), name)?;
    }
    let images = options.images.as_deref().map_or(Ok(Vec::new()), pictures)?;
    for name in &images {
        take(options.images.clone().unwrap_or_default().join(name), name)?;
    }
    let mut dispatch = Dispatch::new(desktop);
    let request = karakuri_protocol::desktop::Request::Open {
        version: VERSION,
        assets,
        images,
        watched: false,
        recording: None,
        // Whoever sits before the display sees it anyway.
        masking: None,
    };
    match dispatch.answer(request, fds).reply {
        Reply::Opened { .. } => Ok(Hands::new(dispatch)),
        Reply::Failed(failure) => anyhow::bail!("{}", failure.message),
        _ => anyhow::bail!("the desktop answered out of turn"),
    }
}

/// The names of the pictures in a directory.
fn pictures(directory: &Path) -> anyhow::Result<Vec<String>> {
    let entries = directory.read_dir().with_context(|| directory.display().to_string())?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().into_string();
        names.extend(name.ok().filter(|name| name.ends_with(".png") || name.ends_with(".webp")));
    }
    names.sort();
    Ok(names)
}

#[derive(Debug)]
struct Door {
    hands: Hands,
    settings: Settings,
    out: Option<PathBuf>,
    pictures: u32,
}

impl Door {
    /// The next line without its end; none when the client is done. Programs that paste from the
    /// clipboard are served meanwhile.
    fn line(
        &mut self,
        input: &mut (impl Read + std::os::fd::AsFd),
        unread: &mut Vec<u8>,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let mut piece = [0; 64 * 1024];
        loop {
            if let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let rest = unread.split_off(end + 1);
                let mut line = std::mem::replace(unread, rest);
                line.truncate(end);
                return Ok(Some(line));
            }
            anyhow::ensure!(
                u32::try_from(unread.len()).is_ok_and(|length| length <= MAX_REQUEST),
                "a line of more than {MAX_REQUEST} bytes"
            );
            self.hands.dispatch.desktop.serve_until_readable(input.as_fd())?;
            match input.read(&mut piece)? {
                0 if unread.is_empty() => return Ok(None),
                0 => return Ok(Some(std::mem::take(unread))),
                count => unread.extend(&piece[..count]),
            }
        }
    }

    fn answer(&mut self, line: &[u8]) -> Value {
        let (id, outcome) = match Request::parse(line) {
            Ok(request) => (request.id, self.carry_out(&request.call)),
            Err(RequestError::InvalidParams { id, method, reason }) => {
                let message = format!("{method}: {reason}");
                (id, Err(CallError::new(ErrorKind::InvalidParams, message)))
            }
            Err(RequestError::UnknownMethod { id, name }) if name == computer::METHOD => {
                (id, self.computer(line))
            }
            Err(e @ RequestError::UnknownMethod { id, .. }) => {
                (id, Err(CallError::new(ErrorKind::Unsupported, e.to_string())))
            }
            Err(e) => {
                let error = json!({ "code": PARSE_ERROR, "message": e.to_string() });
                return json!({ "jsonrpc": "2.0", "id": null, "error": error });
            }
        };
        json!(Response::new(id, outcome))
    }

    /// Carries out the action, or the list of them, in the parameters of a request.
    fn computer(&mut self, line: &[u8]) -> Result<Value, CallError> {
        let request: Value = serde_json::from_slice(line).unwrap_or_default();
        let plan = Plan::of(&request["params"])?;
        match plan.follow(|call| Ok::<_, Infallible>(self.carry_out(call))) {
            Ok(outcome) => outcome,
        }
    }

    fn carry_out(&mut self, call: &Call) -> Result<Value, CallError> {
        match call {
            Call::Screenshot(params) => self.screenshot(params),
            Call::Timeout(params) => {
                self.settings.wait_ms = params.ms;
                Ok(Value::Null)
            }
            Call::Step(_) | Call::Log(_) | Call::SoftFail(_) | Call::Retry(_) => Ok(Value::Null),
            Call::Once(_) => Ok(Value::Bool(false)),
            call => at_once(carry_out(&mut self.hands, call, self.settings)),
        }
    }

    /// Writes a picture where the person wants them.
    fn screenshot(&mut self, params: &ScreenshotParams) -> Result<Value, CallError> {
        let Some(directory) = &self.out else {
            let message = "screenshots need a directory: karakuri desktop --out DIR";
            return Err(CallError::new(ErrorKind::Unsupported, message));
        };
        let path = directory.join(format!("screenshot-{:04}.webp", self.pictures + 1));
        let question = Question::Picture { region: params.region };
        let answer = at_once(self.hands.ask(question))?;
        let picture = answer.picture.ok_or_else(|| self.hands.out_of_turn())?;
        std::fs::write(&path, picture.webp).map_err(|e| {
            CallError::new(ErrorKind::Internal, format!("writing {}: {e}", path.display()))
        })?;
        self.pictures += 1;
        Ok(json!({ "artifact": path }))
    }
}

/// The desktop is in this process, so its answers are never waited for.
fn at_once<T>(call: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(CallError::new(ErrorKind::Internal, "the call waits for nobody")),
    }
}
