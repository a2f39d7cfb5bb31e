//! From a frame on the channel to its answer.

use std::time::{Duration, Instant};

use karakuri_audit::{Actor, Event, Redacted, Selector};
use karakuri_protocol::job::Exit;
use karakuri_protocol::script::{Call, CallError, ErrorKind, Request, RequestError, Response};
use karakuri_protocol::untrusted::Untrusted;
use karakuri_protocol::wording::plain;
use karakuri_verbs::{Settings, words};
use karakuri_workflow::disclosure::withhold;
use karakuri_workflow::grant::Approved;
use karakuri_workflow::needs::needs;
use serde_json::Value;

use super::hands::Hands;
use super::{Fault, Session};
use crate::broker::Refused;
use crate::end::End;
use crate::script::{Channel, ChannelError};
use crate::timeline::{CallMoment, What};

/// How long the script may live on after it closed its channel.
const AFTER_CLOSE: Duration = Duration::from_secs(2);

/// What is known of a call while it is carried out; it becomes a line of the report.
pub(super) struct Doing {
    pub(super) number: u32,
    pub(super) moment: CallMoment,
}

impl Session<'_> {
    /// Answers the script until it closes its channel or the run has to end.
    pub async fn serve(&mut self, channel: &mut Channel) -> End {
        loop {
            let bytes = match channel.request().await {
                Ok(bytes) => bytes,
                Err(e) => return self.no_request(e).await,
            };
            self.record.room().await;
            match self.answer(&bytes).await {
                Ok(response) => {
                    if let Err(e) = channel.answer(&response).await {
                        return self.no_request(e).await;
                    }
                }
                Err(end) => return end,
            }
        }
    }

    async fn no_request(&mut self, error: ChannelError) -> End {
        match error {
            // A script that ends closes its channel on the way: its own end says more.
            ChannelError::Closed | ChannelError::Io(_) => {
                tokio::time::sleep(AFTER_CLOSE).await;
                End::new(
                    Exit::ChannelClosed,
                    "the script closed fd 3, its channel to the agent, and went on; \
                     leave fd 3 to the karakuri package",
                )
            }
            ChannelError::Cut => {
                self.violation(Exit::MalformedRequest, &error.to_string(), &[]).await
            }
            ChannelError::Oversized(_) => {
                self.violation(Exit::OversizedRequest, &error.to_string(), &[]).await
            }
        }
    }

    /// The script does not speak the protocol: that is recorded, and the run ends.
    async fn violation(&mut self, exit: Exit, reason: &str, received: &[u8]) -> End {
        let event = Event::ProtocolViolation {
            peer: Actor::Script,
            reason: reason.to_owned(),
            received: Redacted::of_bytes(received),
        };
        match self.record.note(Actor::Daemon, event) {
            Ok(()) => {
                End::new(exit, format!("{reason}; use the karakuri package to talk to the agent"))
            }
            Err(end) => end,
        }
    }

    async fn answer(&mut self, bytes: &[u8]) -> Result<Response, End> {
        let request = match Request::parse(bytes) {
            Ok(request) => request,
            Err(e @ RequestError::Malformed(_)) => {
                return Err(self.violation(Exit::MalformedRequest, &e.to_string(), bytes).await);
            }
            Err(e @ RequestError::UnknownMethod { .. }) => {
                return Err(self.violation(Exit::UnknownMethod, &e.to_string(), bytes).await);
            }
            Err(RequestError::InvalidParams { id, method, reason }) => {
                let message = format!("{method}: {}", Untrusted::new(plain(&reason)).escaped(400));
                self.unhandled = Some(ErrorKind::InvalidParams);
                let error = CallError::new(ErrorKind::InvalidParams, message);
                return Ok(Response::new(id, Err(error)));
            }
        };
        let method = needs(&request.call).method;
        self.calls += 1;
        let what = words::summary(&request.call);
        // The audit log, the requester and the report all get it from here.
        let what = self.record.timeline.borrow_mut().personal().untrusted(method, &what);
        let mut doing = Doing {
            number: self.calls,
            moment: CallMoment {
                method: method.to_owned(),
                what,
                hit: None,
                effect: None,
                changed: None,
                ms: 0,
                error: None,
                picture: None,
            },
        };
        self.record_request(&doing, bytes, &request.call)?;
        let started = Instant::now();
        let outcome = self.carry_out(&request.call, &mut doing).await;
        doing.moment.ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
        let outcome = match outcome {
            Ok(value) => Ok(value),
            Err(Fault::Call(error)) => Err(error),
            Err(Fault::Run(end)) => {
                doing.moment.error = Some(end.message.clone());
                self.show(doing);
                return Err(end);
            }
        };
        self.unhandled = outcome.as_ref().err().map(|e| e.data.kind);
        doing.moment.error = outcome.as_ref().err().map(|e| e.message.clone());
        self.show(doing);
        // The record has all of it; a client outside gets what it may.
        let told = match self.broker.grant().withholds_screen() {
            true => withhold(&request.call, outcome),
            false => outcome,
        };
        Ok(Response::new(request.id, told))
    }

    fn record_request(&mut self, doing: &Doing, bytes: &[u8], call: &Call) -> Result<(), End> {
        // Text that is typed, logged or put out never reaches the log, not even shortened.
        let target = shows_selector(call).then(|| Selector::new(&doing.moment.what));
        self.record.note(
            Actor::Script,
            Event::CallRequested {
                call: doing.number,
                method: doing.moment.method.clone(),
                target,
                parameters: Redacted::of_bytes(bytes),
            },
        )
    }

    /// Checks the grant, waits for the rate and for the end of a pause, does it.
    async fn carry_out(&mut self, call: &Call, doing: &mut Doing) -> Result<Value, Fault> {
        let admitted = match self.broker.admit(call, Instant::now()) {
            Ok(admitted) => admitted,
            Err(refused) => return Err(self.refuse(refused, doing)?),
        };
        if !admitted.delay.is_zero() {
            tokio::time::sleep(admitted.delay).await;
        }
        self.pause.over().await;
        self.dispatch(&admitted.call, doing).await
    }

    /// Records a refusal; the error for the script.
    fn refuse(&mut self, refused: Refused, doing: &Doing) -> Result<Fault, End> {
        let call = doing.number;
        let (error, rule) = match refused {
            Refused::Denied(denied) => {
                if let Some(permission) = denied.permission {
                    let capability = permission.key().to_owned();
                    self.record
                        .note(Actor::Daemon, Event::CapabilityDenied { call, capability })?;
                }
                (CallError::from(denied), "grant")
            }
            Refused::Budget(error) => (error, "limits.actions"),
        };
        let reason = self.record.timeline.borrow_mut().personal().text("refusal", &error.message);
        let reason = Untrusted::new(reason).escaped(400);
        let rule = rule.to_owned();
        self.record.note(Actor::Daemon, Event::CallRefused { call, rule, reason })?;
        Ok(Fault::Call(error))
    }

    async fn dispatch(&mut self, call: &Approved<Call>, doing: &mut Doing) -> Result<Value, Fault> {
        match call.get() {
            Call::Screenshot(p) => self.screenshot(p, doing).await,
            Call::SoftFail(_)
            | Call::Attach(_)
            | Call::Output(_)
            | Call::Step(_)
            | Call::Once(_)
            | Call::Retry(_)
            | Call::Timeout(_)
            | Call::Input(_)
            | Call::Log(_)
            | Call::FailBusiness(_)
            | Call::FailApp(_) => self.note(call).await,
            on_the_desktop => {
                let settings = Settings { wait_ms: self.wait_ms, language: self.language };
                let mut hands = Hands::new(self, call, doing);
                karakuri_verbs::carry_out(&mut hands, on_the_desktop, settings).await
            }
        }
    }

    fn show(&mut self, doing: Doing) {
        let moment = doing.moment;
        if let Some(effect) = moment.effect {
            self.requester.tell(&karakuri_protocol::job::Progress::Act {
                method: moment.method.clone(),
                what: moment.what.clone(),
                effect,
                ms: moment.ms,
            });
        }
        // Steps and log lines have a place of their own in the timeline.
        if !matches!(moment.method.as_str(), "step" | "log" | "input" | "timeout") {
            self.record.push(What::Call(Box::new(moment)));
        }
    }
}

/// Whether the summary of a call is a selector that the audit log may hold.
fn shows_selector(call: &Call) -> bool {
    !matches!(
        call,
        Call::TypeText(_)
            | Call::Paste(_)
            | Call::SetClipboard(_)
            | Call::Log(_)
            | Call::Output(_)
            | Call::SoftFail(_)
            | Call::Retry(_)
            | Call::FailBusiness(_)
            | Call::FailApp(_)
            | Call::Screenshot(_)
            | Call::Attach(_)
    )
}
