//! The run as one HTML page: readable without network and without script, and on paper.
//!
//! Everything that came from a script, a screen or a file is escaped by maud and, where it stands
//! in a line of ours, made visible by `Untrusted::escaped`.

mod page;
mod pictures;
mod player;

use std::collections::BTreeMap;
use std::time::Duration;

use karakuri_protocol::geometry::Rect;
use karakuri_protocol::job::Exit;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_sandbox::policy::Control;
use serde_json::Value;
use time::OffsetDateTime;

use crate::film::Film;
use crate::timeline::Timeline;

/// The facts at the head of the page.
#[derive(Clone, Debug)]
pub struct About {
    /// The run's id.
    pub run: String,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow's version; empty when its manifest could not be read.
    pub version: String,
    /// When it began, UTC.
    pub started: OffsetDateTime,
    /// How long it took.
    pub elapsed: Duration,
    /// How it ended.
    pub exit: Exit,
    /// What happened.
    pub message: String,
    /// The inputs: name and value; for a file its path in the run.
    pub inputs: Vec<(String, String)>,
    /// Acts carried out.
    pub acts: u32,
    /// The screen; none if there never was one.
    pub screen: Option<Rect>,
    /// What bounded memory and processes; none if it did not come to that.
    pub control: Option<Control>,
}

/// The page. `results` are the outputs and the defects that did not end the run.
#[must_use]
pub fn html(
    about: &About,
    timeline: &Timeline,
    results: (&BTreeMap<String, Value>, &[Untrusted]),
    film: &Film,
) -> String {
    page::page(about, timeline, results, film).into_string()
}
