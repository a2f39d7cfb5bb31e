//! Starting an application and waiting for its window.

use karakuri_protocol::desktop::{Effect, Via};
use karakuri_protocol::script::{Call, CallError, ErrorKind, LaunchParams};
use karakuri_sandbox::child::{Ending, Report};
use karakuri_workflow::grant::Approved;
use serde_json::{Value, json};

use super::calls::Doing;
use super::intent::LaunchIntent;
use super::{Fault, Session};
use crate::desktop::Acted;

/// How long a window may take when the call does not say, in ms: office programs are slow starters.
const WINDOW_MS: u32 = 30_000;
/// How often the end of the program is looked for meanwhile, in ms.
const SLICE_MS: u32 = 1_000;

impl Session<'_> {
    /// Starts an application of the grant in the display's sandbox.
    pub(super) async fn launch(
        &mut self,
        call: &Approved<Call>,
        params: &LaunchParams,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        let known = self.desktop.windows().await?.iter().map(|w| w.id).collect::<Vec<_>>();
        let about = (self.record.run.as_str(), doing.number);
        let intent = LaunchIntent::new(call, about, &params.app, &params.args);
        let intent = self.record.append(intent)?.into_inner();
        let started = std::time::Instant::now();
        let id = self.display.order(&intent.app, &intent.arguments, None)?;
        let mut left = params.timeout_ms.unwrap_or(WINDOW_MS);
        let window = loop {
            let slice = left.min(SLICE_MS);
            left -= slice;
            if let Some(window) = self.desktop.new_window(known.clone(), slice).await? {
                break window;
            }
            if let Some(ending) = self.ended(id).await? {
                return Err(app_failed(&params.app, &describe(ending)));
            }
            if left == 0 {
                return Err(app_failed(&params.app, "showed no window in time"));
            }
        };
        let ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
        let changed = Some(window.rect);
        let acted = Acted { effect: Effect::Confirmed, changed, ms, picture: None };
        self.observed(&acted, Via::Focus, doing)?;
        let picture = self.desktop.picture(None).await?;
        self.keep_picture(picture, doing)?;
        Ok(json!({
            "effect": acted.effect, "via": Via::Focus, "at": null, "ms": ms, "changed": changed,
            "window": window,
        }))
    }

    /// Whether the program has ended already.
    async fn ended(&mut self, program: u32) -> Result<Option<Ending>, Fault> {
        // Reports are small and rare; those that are there are read without waiting.
        let soon = std::time::Duration::from_millis(1);
        while let Ok(report) = tokio::time::timeout(soon, self.display.report()).await {
            if let Report::Ended { id, ending } = report?
                && id == program
                && ending != Ending::Code(0)
            {
                return Ok(Some(ending));
            }
        }
        Ok(None)
    }
}

fn describe(ending: Ending) -> String {
    match ending {
        Ending::Code(127) => "could not be started; is it installed in /usr/bin?".to_owned(),
        Ending::Code(code) => format!("ended with exit code {code} before it showed a window"),
        Ending::Signal(signal) => {
            format!("was killed by signal {signal} before it showed a window")
        }
    }
}

fn app_failed(app: &str, how: &str) -> Fault {
    Fault::Call(CallError::new(ErrorKind::AppFailed, format!("{app} {how}")))
}
