//! The segment that is being filled: it starts with all the recording shows, so that it can be played
//! without those before it.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use karakuri_protocol::apng;
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::recording::{MAX_SEGMENT_BYTES, MAX_SEGMENT_MS};
use karakuri_sandbox::memfd;

use super::error::RecordError;

/// How long the first picture is shown. What made the segment begin follows once more by itself, so
/// that segments can also be played one over the other without their first pictures.
const LEAD: Duration = Duration::from_millis(20);
/// What a frame takes in the file beside its pixels, in bytes: two chunks, one of them a control.
const OVERHEAD: usize = 66;

/// What has no more pixels than this, in bytes, is compressed well, what has more, fast.
const SMALL: usize = 512 * 1024;

/// Its pictures; the first is the whole screen.
#[derive(Debug)]
pub(super) struct Segment {
    start_ms: u64,
    frames: Vec<apng::Frame>,
    /// In bytes.
    length: usize,
    begun: Instant,
    /// When the last frame was added.
    last: Instant,
}

impl Segment {
    /// Begins with all the recording shows `now`, which is after `before`, the end of the segment
    /// before; `start` is the run's.
    pub(super) fn begin(key: apng::Frame, start: Instant, before: Instant, now: Instant) -> Self {
        let begun = now.checked_sub(LEAD).map_or(before, |begun| begun.max(before));
        let start_ms = begun.saturating_duration_since(start).as_millis();
        let start_ms = u64::try_from(start_ms).unwrap_or(u64::MAX);
        let length = OVERHEAD + key.data.len();
        Self { start_ms, frames: vec![key], length, begun, last: begun }
    }

    /// What it takes so far, in bytes.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Whether it does not become too large by another frame.
    pub(super) fn has_room_for(&self, frame: &apng::Frame) -> bool {
        self.length + OVERHEAD + frame.data.len() <= MAX_SEGMENT_BYTES
    }

    /// Adds what changed `now`.
    pub(super) fn add(&mut self, frame: apng::Frame, now: Instant) {
        self.hold_last(now);
        self.length += OVERHEAD + frame.data.len();
        self.frames.push(frame);
    }

    /// When it is to end.
    pub(super) fn end(&self) -> Instant {
        self.begun + Duration::from_millis(MAX_SEGMENT_MS)
    }

    /// The file, whose last picture is shown until `now`.
    pub(super) fn finish(mut self, now: Instant) -> Result<OwnedFd, RecordError> {
        self.hold_last(now.min(self.end()));
        let file = apng::Segment { start_ms: self.start_ms, frames: self.frames }.to_bytes();
        Ok(memfd::sealed("karakuri-segment", &file)?)
    }

    fn hold_last(&mut self, now: Instant) {
        let delay = now.saturating_duration_since(self.last).as_millis();
        // No player skips a frame of a millisecond or takes it for one without a delay.
        let delay_ms = u16::try_from(delay).unwrap_or(u16::MAX).max(1);
        if let Some(last) = self.frames.last_mut() {
            last.delay_ms = delay_ms;
        }
        self.last += Duration::from_millis(delay_ms.into());
    }
}

/// A picture, RGBA, as a frame.
pub(super) fn encoded(rect: Rect, rgba: &[u8]) -> Result<apng::Frame, RecordError> {
    let compression = match rgba.len() {
        0..=SMALL => CompressionType::Level(4),
        _ => CompressionType::Fast,
    };
    let mut file = Vec::new();
    // What is below each other on a screen is alike: this filter leaves the least of it.
    PngEncoder::new_with_quality(&mut file, compression, FilterType::Up).write_image(
        rgba,
        rect.width,
        rect.height,
        ExtendedColorType::Rgba8,
    )?;
    Ok(apng::Frame::from_png(&file, rect.left, rect.top, 1)?)
}
