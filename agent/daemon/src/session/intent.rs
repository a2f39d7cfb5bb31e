//! An act that the grant allows, ready to be recorded. Only then can the desktop carry it out.

use karakuri_audit::{Actor, Entry, Event, IntoEntry, Redacted, Selector};
use karakuri_protocol::desktop::Act;
use karakuri_protocol::script::Call;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_workflow::grant::Approved;

use crate::desktop::Intent;

/// What is to be done, for which call, on what.
#[derive(Debug)]
pub(super) struct ActIntent {
    run: String,
    call: u32,
    method: String,
    what: Untrusted,
    act: Act,
}

impl ActIntent {
    /// An act that carries out an approved call.
    pub(super) fn new(
        _approved: &Approved<Call>,
        (run, call): (&str, u32),
        method: &str,
        what: &Untrusted,
        act: Act,
    ) -> Self {
        Self { run: run.to_owned(), call, method: method.to_owned(), what: what.clone(), act }
    }
}

impl Intent for ActIntent {
    fn act(&self) -> &Act {
        &self.act
    }
}

impl IntoEntry for ActIntent {
    fn entry(&self) -> Entry {
        let (at, text) = match &self.act {
            Act::Pointer { at, .. } => (at.map(|p| (p.x, p.y)), None),
            Act::Type { text } | Act::SetClipboard { text } => (None, Some(Redacted::of(text))),
            Act::Paste { text } => (None, text.as_ref().map(Redacted::of)),
            Act::Press { .. } | Act::Focus { .. } | Act::Close { .. } => (None, None),
        };
        // What is typed is recorded by length and hash alone; a target or a chord as it was given.
        let target = text.is_none().then(|| Selector::new(&self.what));
        Entry {
            run: Some(self.run.clone()),
            actor: Actor::Script,
            event: Event::ActIntended {
                call: self.call,
                act: self.method.clone(),
                target,
                at,
                text,
                secret: None,
            },
        }
    }
}

/// An application that is to be started.
#[derive(Debug)]
pub(super) struct LaunchIntent {
    run: String,
    call: u32,
    pub(super) app: String,
    pub(super) arguments: Vec<String>,
}

impl LaunchIntent {
    /// A launch that carries out an approved call.
    pub(super) fn new(
        _approved: &Approved<Call>,
        (run, call): (&str, u32),
        app: &str,
        arguments: &[String],
    ) -> Self {
        Self { run: run.to_owned(), call, app: app.to_owned(), arguments: arguments.to_vec() }
    }
}

impl IntoEntry for LaunchIntent {
    fn entry(&self) -> Entry {
        Entry {
            run: Some(self.run.clone()),
            actor: Actor::Script,
            event: Event::ActIntended {
                call: self.call,
                act: "launch".to_owned(),
                target: Some(Selector::new(&Untrusted::new(self.app.as_str()))),
                at: None,
                text: Some(Redacted::of_bytes(self.arguments.join("\0").as_bytes())),
                secret: None,
            },
        }
    }
}
