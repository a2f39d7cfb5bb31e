//! Starting an application and waiting for its window.

use std::time::Instant;

use karakuri_protocol::desktop::{Effect, Question, Reply, Via, Window};
use karakuri_protocol::script::{CallError, ErrorKind, LaunchParams};
use karakuri_protocol::untrusted::Untrusted;
use serde_json::Value;

use crate::act::answer;
use crate::carry_out::to_value;
use crate::{Acted, Desk};

/// How long a window may take when the call does not say, in ms: office programs are slow starters.
const WINDOW_MS: u32 = 30_000;
/// A window is drawn when it did not change for so long, in ms,
const DRAWN_MS: u32 = 200;
/// or it never holds still.
const DRAWING_MS: u32 = 1_500;
/// How often the end of the program is looked for meanwhile, in ms.
const SLICE_MS: u32 = 1_000;

/// Starts an application and waits for its window.
pub(crate) async fn launch<D: Desk>(
    desk: &mut D,
    params: &LaunchParams,
) -> Result<Value, D::Error> {
    let Reply::Windows(windows) = desk.ask(Question::Windows).await?.reply else {
        return Err(desk.out_of_turn());
    };
    let known: Vec<u32> = windows.iter().map(|window| window.id).collect();
    let program = desk.start(&params.app, &params.args).await?;
    let begin = Instant::now();
    let window = appearance(desk, params, program, known).await?;
    // It appears before there is anything in it. One that lies off the screen is not waited for.
    let region = Some(window.rect);
    let still = Question::Still { still_ms: DRAWN_MS, region, timeout_ms: DRAWING_MS };
    let _drawn = desk.ask(still).await;
    let ms = u32::try_from(begin.elapsed().as_millis()).unwrap_or(u32::MAX);
    let acted = Acted { effect: Effect::Confirmed, changed: Some(window.rect), ms, via: None };
    desk.started(&acted).await?;
    let mut value = answer(&acted, Via::Focus, None);
    value["window"] = to_value(&window)?;
    Ok(value)
}

/// The first new window.
async fn appearance<D: Desk>(
    desk: &mut D,
    params: &LaunchParams,
    program: u32,
    known: Vec<u32>,
) -> Result<Window, D::Error> {
    let app = Untrusted::new(params.app.as_str()).escaped(80);
    let failed = |how: &str| CallError::new(ErrorKind::AppFailed, format!("{app} {how}"));
    let mut left = params.timeout_ms.unwrap_or(WINDOW_MS);
    loop {
        let timeout_ms = left.min(SLICE_MS);
        left -= timeout_ms;
        let question = Question::WaitWindow { known: known.clone(), timeout_ms };
        match desk.ask(question).await?.reply {
            Reply::NewWindow(Some(window)) => return Ok(window),
            Reply::NewWindow(None) => {}
            _ => return Err(desk.out_of_turn()),
        }
        if let Some(ending) = desk.ended(program).await? {
            return Err(failed(&ending).into());
        }
        if left == 0 {
            return Err(failed("showed no window in time").into());
        }
    }
}
