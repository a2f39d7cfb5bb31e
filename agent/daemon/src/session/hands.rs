//! One approved call's way to the desktop: what it does is recorded first, then done, then what was
//! seen of it is recorded.

use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use karakuri_audit::{Actor, Event};
use karakuri_protocol::desktop::{Act, Effect, Hit, Question, Via};
use karakuri_protocol::script::{Call, CallError, ErrorKind, MAX_RESPONSE, ScreenshotParams};
use karakuri_sandbox::child::{Ending, Report};
use karakuri_verbs::{Acted, Answer, Desk, Picture};
use karakuri_workflow::grant::Approved;
use serde_json::{Value, json};

use super::calls::Doing;
use super::intent::{ActIntent, LaunchIntent};
use super::{Fault, Session};
use crate::desktop::DesktopError;

/// How long an act's effect is waited for, in ms.
const WATCH_MS: u32 = 1_500;

/// What an application may lack that ends at once, where it is not listed and where it is.
const NOT_NESTED: &str = "; one that brings a sandbox of its own, as browsers do, must be listed \
                          in permissions.nested_sandbox in workflow.toml";
const NESTED: &str = "; its own sandbox needs a machine that lets users make user namespaces \
                      (sysctl user.max_user_namespaces, \
                      kernel.apparmor_restrict_unprivileged_userns); --log debug shows what it printed";

/// See the module's documentation.
pub(super) struct Hands<'h, 's> {
    session: &'h mut Session<'s>,
    call: &'h Approved<Call>,
    doing: &'h mut Doing,
}

impl<'h, 's> Hands<'h, 's> {
    /// Hands for an approved call and for nothing else.
    pub(super) fn new(
        session: &'h mut Session<'s>,
        call: &'h Approved<Call>,
        doing: &'h mut Doing,
    ) -> Self {
        Self { session, call, doing }
    }

    /// Records an effect.
    fn observed(&mut self, acted: &Acted, via: Via) -> Result<(), Fault> {
        let doing = &mut *self.doing;
        doing.moment.effect = Some(acted.effect);
        doing.moment.changed = acted.changed;
        let (call, effect, ms) = (doing.number, acted.effect, acted.ms);
        let via = Some(acted.via.unwrap_or(via));
        let event = Event::ActObserved { call, effect, via, ms };
        self.session.record.note(Actor::Desktop, event)?;
        if effect == Effect::SuspectedNoop {
            tracing::debug!(call, "nothing changed on the screen");
        }
        Ok(())
    }
}

impl Desk for Hands<'_, '_> {
    type Error = Fault;

    /// What a pause fell into is asked again after it: a person may have changed the screen, and the time
    /// of the pause is no time that was waited.
    async fn ask(&mut self, question: Question) -> Result<Answer, Fault> {
        let pause = Rc::clone(&self.session.pause);
        loop {
            let pauses = pause.count();
            let answer = self.session.desktop.ask(question.clone()).await;
            if pauses == pause.count() {
                return Ok(answer?);
            }
            pause.over().await;
        }
    }

    async fn act(&mut self, act: Act, via: Via) -> Result<Acted, Fault> {
        let pause = Rc::clone(&self.session.pause);
        let _acting = pause.act().await;
        let moment = &self.doing.moment;
        let about = (self.session.record.run.as_str(), self.doing.number);
        let intent = ActIntent::new(self.call, about, &moment.method, &moment.what, act);
        let intent = self.session.record.append(intent)?;
        // Where the call has looked, its picture shows the place before the act.
        let wanted = self.doing.moment.picture.is_none();
        let (acted, picture) = self.session.desktop.act(&intent, WATCH_MS, wanted).await?;
        self.observed(&acted, via)?;
        if let Some(picture) = picture {
            self.keep(picture)?;
        }
        Ok(acted)
    }

    async fn start(&mut self, app: &str, arguments: &[String]) -> Result<u32, Fault> {
        self.session.pause.over().await;
        let about = (self.session.record.run.as_str(), self.doing.number);
        let intent = LaunchIntent::new(self.call, about, app, arguments);
        let intent = self.session.record.append(intent)?.into_inner();
        Ok(self.session.display.order(&intent.app, &intent.arguments, None)?)
    }

    async fn ended(&mut self, program: u32) -> Result<Option<String>, Fault> {
        // Reports are small and rare; those that are there are read without waiting.
        let soon = std::time::Duration::from_millis(1);
        while let Ok(report) = tokio::time::timeout(soon, self.session.display.report()).await {
            if let Report::Ended { id, ending } = report?
                && id == program
                && ending != Ending::Code(0)
            {
                let nests = |app: &str| self.session.display.nests(app);
                let hint = match self.call.get() {
                    Call::Launch(params) if nests(&params.app) => NESTED,
                    _ => NOT_NESTED,
                };
                return Ok(Some(format!("{}{hint}", describe(ending))));
            }
        }
        Ok(None)
    }

    async fn started(&mut self, acted: &Acted) -> Result<(), Fault> {
        self.observed(acted, Via::Focus)?;
        let picture = self.session.desktop.picture(None).await?;
        self.keep(picture)
    }

    fn found(&mut self, hit: &Hit) {
        self.doing.moment.hit = Some(hit.clone());
    }

    fn wants_pictures(&self) -> bool {
        true
    }

    /// Seals it.
    fn keep(&mut self, picture: Picture) -> Result<(), Fault> {
        let name = format!("call-{:04}", self.doing.number);
        self.doing.moment.picture = Some(self.session.record.keep_picture(&name, picture)?);
        Ok(())
    }

    fn out_of_turn(&self) -> Fault {
        DesktopError::OutOfTurn.into()
    }
}

impl Session<'_> {
    /// Seals a picture that the script asked for; a client that may see it gets it too.
    pub(super) async fn screenshot(
        &mut self,
        params: &ScreenshotParams,
        doing: &mut Doing,
    ) -> Result<Value, Fault> {
        let picture = self.desktop.picture(params.region).await?;
        let disclosed = self.broker.grant().discloses_screen();
        let disclosed = disclosed.then(|| encoded(&picture.webp));
        let kept = self.record.keep_picture("screenshot", picture)?;
        let mut answer = json!({ "artifact": kept.artifact });
        doing.moment.picture = Some(kept);
        if let Some(picture) = disclosed.transpose()? {
            answer["picture"] = Value::String(picture);
        }
        Ok(answer)
    }
}

/// A picture as base64, if an answer has room for it.
fn encoded(webp: &[u8]) -> Result<String, CallError> {
    /// What stands around it in the answer.
    const ENVELOPE: usize = 1024;
    let length = webp.len().div_ceil(3) * 4 + ENVELOPE;
    if u32::try_from(length).is_ok_and(|length| length <= MAX_RESPONSE) {
        return Ok(BASE64.encode(webp));
    }
    let message =
        format!("the picture has {} bytes, more than an answer holds; give a region", webp.len());
    Err(CallError::new(ErrorKind::InvalidParams, message))
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
