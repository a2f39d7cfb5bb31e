//! karakuri-desktop → karakurid: the recording of the run, over a socket pair of its own that comes
//! with [`crate::desktop::Request::Open`], so that a segment never waits for a reply.
//!
//! karakuri-desktop sends [`Recorded`] with the segment as a sealed memfd (`crate::apng`). karakurid
//! sends [`Finish`] once; then the last segment comes, and the link is closed.

use serde::{Deserialize, Serialize};

use crate::geometry::{Point, Rect};

/// A segment ends after so long, or
pub const MAX_SEGMENT_MS: u64 = 5_000;
/// when it would be larger, in bytes. A single picture of a very large screen may be larger.
pub const MAX_SEGMENT_BYTES: usize = 4 * 1024 * 1024;

/// How a recording is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// When the run began, in ms of `CLOCK_MONOTONIC`: its time is the recording's.
    pub began_ms: u64,
}

/// A segment is complete. It comes with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {}

/// The run is over: send what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {}

/// Name of the artifact that lists what was done while the recording was made: JSON, a list of [`Mark`].
pub const MARKS: &str = "recording-marks";

/// An act, as it is drawn over the recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// When its call began, in ms from the start of the run.
    pub at_ms: u64,
    /// How long the call took.
    pub ms: u32,
    /// The method.
    pub method: String,
    /// The box of what was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Rect>,
    /// The pixel that was acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<Point>,
    /// What changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Rect>,
}
