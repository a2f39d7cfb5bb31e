//! Calls about the run's own record: steps, outputs, inputs, the log, the end.

use karakuri_protocol::job::{Exit, Progress};
use karakuri_protocol::script::{AttachParams, Call, CallError, ErrorKind, FailParams, Level};
use karakuri_protocol::untrusted::Untrusted;
use karakuri_workflow::grant::Approved;
use karakuri_workflow::manifest::OutputClass;
use serde_json::{Value, json};

use super::{Fault, Session, collect};
use crate::end::End;
use crate::timeline::What;

/// The most personal values in an output that is masked: a key of its own is sealed for each, with the syncs of
/// spool and audit log. 1,000 values of 1 KiB take 2 to 3 s on two processors and an ext4 disk; a stop and
/// `wall_s` are heard after each.
const MAX_PARTS: usize = 1000;

impl Session<'_> {
    /// Carries out a call about the run itself.
    pub(super) async fn note(&mut self, call: &Approved<Call>) -> Result<Value, Fault> {
        match call.get() {
            Call::Step(p) => {
                let name = Untrusted::new(p.name.as_str());
                let name = self.record.timeline.borrow_mut().personal().untrusted("step", &name);
                self.requester.tell(&Progress::Step { name: name.clone() });
                self.record.announce_step(&name)?;
                self.record.push(What::Step(name));
            }
            Call::Log(p) => {
                self.line(p.level, &p.message);
            }
            Call::SoftFail(p) => {
                let reason = self.line(Level::Warning, &p.reason);
                self.record.soft_failures.borrow_mut().push(reason);
            }
            Call::Retry(p) => {
                let text = format!("attempt {}: {}", p.attempt, p.reason.danger_raw());
                self.line(Level::Warning, &text.into());
            }
            Call::Timeout(p) => self.wait_ms = p.ms,
            // The grant knows the declared names; an optional input may have no value.
            Call::Input(p) => return Ok(json!(self.inputs.get(&p.name).map(|i| &i.value))),
            // Only a resumed run has done a part before, and this version resumes none.
            Call::Once(_) => return Ok(json!(false)),
            Call::Output(p) => return self.output(&p.key, &p.value).await,
            Call::Attach(p) => return self.attach(p).await,
            Call::FailBusiness(p) => return Err(Fault::Run(failed(Exit::FailBusiness, p))),
            Call::FailApp(p) => return Err(Fault::Run(failed(Exit::FailApp, p))),
            _ => return Err(Fault::Call(CallError::new(ErrorKind::Unsupported, "not a note"))),
        }
        Ok(Value::Null)
    }

    /// Adds a line to the log and shows it; as it may be shown.
    fn line(&mut self, level: Level, text: &Untrusted) -> Untrusted {
        let text = self.record.line(level, text);
        self.requester.tell(&Progress::Line { text: text.clone() });
        text
    }

    /// Seals a declared output under its class.
    async fn output(&mut self, key: &str, value: &Value) -> Result<Value, Fault> {
        let name = format!("output-{key}");
        let shown = match self.broker.grant().outputs().get(key).map(|o| o.class) {
            Some(OutputClass::Pii) => self.record.seal_personal_output(key, &name, value)?,
            _ => {
                let parts = self.record.personal_parts(value);
                if parts.len() > MAX_PARTS {
                    let message = format!(
                        "output {key} holds {} personal values, more than {MAX_PARTS}; say \
                         class = \"pii\" in [outputs.{key}] of workflow.toml, or split it",
                        parts.len()
                    );
                    return Err(Fault::Call(CallError::new(ErrorKind::InvalidParams, message)));
                }
                let (shown, warning) = self.record.seal_output(key, &name, value, &parts).await?;
                if let Some(warning) = warning {
                    self.record.warn(warning);
                }
                shown
            }
        };
        self.record.outputs.borrow_mut().insert(key.to_owned(), shown);
        Ok(Value::Null)
    }

    /// Seals a copy of a file of the run.
    async fn attach(&mut self, params: &AttachParams) -> Result<Value, Fault> {
        let taken = collect::one(&self.ground, params.path.danger_raw()).await.map_err(|e| {
            Fault::Call(CallError::new(ErrorKind::InvalidParams, format!("attach: {e}")))
        })?;
        let shown = params.name.as_ref().unwrap_or(&params.path);
        let name = shown.danger_raw().rsplit('/').next().unwrap_or_default();
        let name = self.record.file_name(name).escaped(100);
        let sealed = collect::seal(self.record, &name, &taken)?;
        Ok(json!({ "artifact": sealed.artifact().id }))
    }
}

fn failed(exit: Exit, params: &FailParams) -> End {
    let code = params.code.escaped(100);
    let message = params.message.as_ref().map(|m| m.escaped(400));
    End::new(exit, message.map_or_else(|| code.clone(), |m| format!("{code}: {m}")))
}
