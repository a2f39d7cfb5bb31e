//! News of a run's life, as a site's event bus has it: CloudEvents 1.0 in its JSON format, each sealed under
//! the run's key of the class `event`.
//!
//! ```json
//! {"specversion":"1.0","id":"20261122T101112345Z-0badcafe/0004","source":"urn:karakuri:acme:osaka-1",
//!  "subject":"20261122T101112345Z-0badcafe","time":"2026-11-22T10:11:14Z",
//!  "datacontenttype":"application/json","dataschema":"urn:karakuri:events:1",
//!  "type":"karakuri.run.step","data":{"number":1,"name":"Post the invoice"}}
//! ```
//!
//! An event is news, not evidence: what is to be relied on is the run's signed manifest, which is in the store
//! before `karakuri.run.uploaded` is. Kinds and fields are added without a new [`SCHEMA`]; a reader passes over
//! what it does not know.

use serde::{Deserialize, Serialize};

use crate::job::Exit;

/// The version of CloudEvents.
pub const SPEC: &str = "1.0";
/// The version of [`RunEvent`].
pub const SCHEMA: &str = "urn:karakuri:events:1";
/// Media type of one event.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";
/// So many steps of a run are told of; the number of all is in the last event but one.
pub const MAX_STEPS: u32 = 500;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudEvent {
    /// [`SPEC`].
    pub specversion: String,
    /// The run and the event's name in it; no two events of a source share one.
    pub id: String,
    /// `urn:karakuri:<tenant>:<site>`.
    pub source: String,
    /// The run that it is about.
    pub subject: String,
    /// When, RFC 3339 in UTC. Not of [`RunEvent::Uploaded`], which is sealed beforehand: the store knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// `application/json`.
    pub datacontenttype: String,
    /// [`SCHEMA`].
    pub dataschema: String,
    /// What happened.
    #[serde(flatten)]
    pub event: RunEvent,
}

/// What happened to a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum RunEvent {
    /// Its workflow was checked and granted what it may do.
    #[serde(rename = "karakuri.run.accepted")]
    Accepted {
        /// Name of the workflow.
        workflow: String,
        /// Its version.
        version: String,
    },
    /// It was refused, and nothing of it was begun.
    #[serde(rename = "karakuri.run.refused")]
    Refused {
        /// The rule.
        rule: String,
    },
    /// Its script begins.
    #[serde(rename = "karakuri.run.started")]
    Started {},
    /// A named part of it begins.
    #[serde(rename = "karakuri.run.step")]
    Step {
        /// Counted from 1.
        number: u32,
        /// As the workflow calls it, personal data masked.
        name: String,
    },
    /// It waits for a person, who paused it or took over.
    #[serde(rename = "karakuri.run.paused")]
    Paused {},
    /// It goes on.
    #[serde(rename = "karakuri.run.resumed")]
    Resumed {},
    /// It ended.
    #[serde(rename = "karakuri.run.finished")]
    Finished {
        /// How.
        outcome: Exit,
        /// Acts carried out.
        acts: u32,
        /// Steps begun.
        steps: u32,
        /// Artifacts sealed.
        artifacts: u32,
    },
    /// It had been cut short, and is closed now, by the run whose id is the first part of the event's.
    #[serde(rename = "karakuri.run.interrupted")]
    Interrupted {},
    /// Everything of it is in the store, the signed manifest last.
    #[serde(rename = "karakuri.run.uploaded")]
    Uploaded {
        /// Key of the run in the store.
        prefix: String,
    },
}

impl RunEvent {
    /// The last word of its type, as the name of its file has it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Refused { .. } => "refused",
            Self::Started {} => "started",
            Self::Step { .. } => "step",
            Self::Paused {} => "paused",
            Self::Resumed {} => "resumed",
            Self::Finished { .. } => "finished",
            Self::Interrupted {} => "interrupted",
            Self::Uploaded { .. } => "uploaded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_one_spelling() {
        let text = r#"{"specversion":"1.0","id":"r/0004","source":"urn:karakuri:a:b","subject":"r","time":"2026-11-22T10:11:14Z","datacontenttype":"application/json","dataschema":"urn:karakuri:events:1","type":"karakuri.run.finished","data":{"outcome":"not_found","acts":3,"steps":1,"artifacts":7}}"#;
        let event: CloudEvent = serde_json::from_str(text).unwrap();
        let finished =
            RunEvent::Finished { outcome: Exit::NotFound, acts: 3, steps: 1, artifacts: 7 };
        assert_eq!((event.event.word(), &event.event), ("finished", &finished));
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
    }

    #[test]
    fn files_are_named_after_the_types() {
        let events = [
            RunEvent::Accepted { workflow: String::new(), version: String::new() },
            RunEvent::Refused { rule: String::new() },
            RunEvent::Started {},
            RunEvent::Step { number: 1, name: String::new() },
            RunEvent::Paused {},
            RunEvent::Resumed {},
            RunEvent::Finished { outcome: Exit::Success, acts: 0, steps: 0, artifacts: 0 },
            RunEvent::Interrupted {},
            RunEvent::Uploaded { prefix: String::new() },
        ];
        for event in events {
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["type"], format!("karakuri.run.{}", event.word()));
        }
    }
}
