//! Events for the site's bus, as CloudEvents.

use karakuri_protocol::event::{CloudEvent, RunEvent, SCHEMA, SPEC};
use karakuri_spool::EVENT;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::evidence::Origin;

/// The event as the bus has it; `file` is its name in the spool, `subject` the run it is about.
#[must_use]
pub fn cloud_event(origin: &Origin, file: &str, subject: &str, event: RunEvent) -> CloudEvent {
    let Origin { tenant, site, run } = origin;
    let name = file.strip_prefix(EVENT).unwrap_or(file);
    let number = name.split_once(['-', '.']).map_or(name, |(number, _)| number);
    let beforehand = matches!(event, RunEvent::Uploaded { .. });
    CloudEvent {
        specversion: SPEC.to_owned(),
        id: format!("{run}/{number}"),
        source: format!("urn:karakuri:{tenant}:{site}"),
        subject: subject.to_owned(),
        time: (!beforehand).then(|| OffsetDateTime::now_utc().format(&Rfc3339).ok()).flatten(),
        datacontenttype: "application/json".to_owned(),
        dataschema: SCHEMA.to_owned(),
        event,
    }
}
