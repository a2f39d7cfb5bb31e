//! When the recording looks at the screen, and when a segment leaves.
//!
//! It bounds its own cost: after a look it rests [`REST`] times as long as that took on the processor,
//! and as long as the bytes it made may take. An office desktop never comes near either.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use karakuri_protocol::geometry::{Point, Rect};
use karakuri_protocol::recording::{Finish, Recorded, Recording};
use karakuri_sandbox::link::{Link, LinkError};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::canvas::Canvas;
use super::error::RecordError;
use super::segment::{Segment, encoded};
use crate::frame::Frame;
use crate::x11::error::X11Error;
use crate::x11::tap::{Grab, Scene, Tap, areas};

/// The shortest time between two looks: five pictures a second.
const INTERVAL: Duration = Duration::from_millis(200);
/// A look is followed by a rest of so many times its own processor time: 2.5 % of a core.
const REST: u32 = 39;
/// What may be recorded in a second, in bytes, once the first look is done.
const RATE: u32 = 512 * 1024;

/// The recorder of one run.
pub(crate) struct Recorder {
    link: Option<Link>,
    start: Instant,
    canvas: Option<Canvas>,
    segment: Option<Segment>,
    /// Where the last segment ended.
    sent: Instant,
    /// Not before then is the screen looked at again.
    next: Instant,
}

impl Recorder {
    /// A recorder whose segments go to `link`.
    pub(crate) fn new(link: Link, recording: Recording) -> Self {
        let (now, clock) = (Instant::now(), time_of(ClockId::Monotonic));
        let age = clock.saturating_sub(Duration::from_millis(recording.began_ms));
        let start = now.checked_sub(age).unwrap_or(now);
        Self { link: Some(link), start, canvas: None, segment: None, sent: start, next: now }
    }

    /// Takes note that `region` of the screen was read, when it showed `screen`, and of what is personal
    /// anywhere on it.
    pub(crate) fn read(&mut self, screen: &Frame, region: Rect, personal: &[Rect]) {
        if self.link.is_some() {
            self.canvas_of(screen.bounds()).read(screen, region, personal);
        }
    }

    /// What is known of the screen; nothing when it has another size than before.
    fn canvas_of(&mut self, screen: Rect) -> &mut Canvas {
        if self.canvas.as_ref().is_some_and(|canvas| canvas.bounds() != screen) {
            self.canvas = None;
            self.send(Instant::now());
        }
        self.canvas.get_or_insert_with(|| Canvas::new(screen))
    }

    /// Adds what changed to the segment, beginning one where there is none; the bytes that took.
    fn add(&mut self, now: Instant) -> Result<usize, RecordError> {
        let Some(canvas) = &mut self.canvas else { return Ok(0) };
        let Some(change) = canvas.update() else { return Ok(0) };
        let frame = encoded(change.rect, &change.rgba)?;
        if self.segment.as_ref().is_some_and(|segment| !segment.has_room_for(&frame)) {
            self.send(now);
        }
        let before = self.segment.as_ref().map_or(0, Segment::length);
        let segment = match (&mut self.segment, &self.canvas) {
            (Some(segment), _) => segment,
            (none, Some(canvas)) => {
                let key = encoded(canvas.bounds(), canvas.picture())?;
                none.insert(Segment::begin(key, self.start, self.sent, now))
            }
            (None, None) => return Ok(0),
        };
        segment.add(frame, now);
        Ok(segment.length() - before)
    }

    /// Hands the segment over. What goes wrong ends the recording and not the run: karakurid has ended
    /// the run already when it takes no segment.
    fn send(&mut self, now: Instant) {
        let (Some(segment), Some(link)) = (self.segment.take(), &self.link) else { return };
        self.sent = now.min(segment.end());
        let sent =
            segment.finish(now).and_then(|file| Ok(link.send(&Recorded {}, &[file.as_fd()])?));
        if let Err(error) = sent {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &RecordError) {
        tracing::warn!(%error, "the recording ends here");
        self.link = None;
    }

    /// Whether karakurid wants the rest, or is gone.
    fn is_asked_to_finish(&self) -> bool {
        let asked = self.link.as_ref().map(Link::try_recv::<Finish>);
        !matches!(asked, Some(Err(LinkError::Io(Errno::AGAIN))))
    }
}

impl Tap for Recorder {
    fn due(&self, drawn: bool, _pointer: Point) -> Option<Instant> {
        let stale = self.canvas.as_ref().is_none_or(Canvas::is_stale);
        let look = (drawn || stale).then_some(self.next);
        let end = self.segment.as_ref().map(Segment::end);
        look.into_iter().chain(end).min()
    }

    fn fd(&self) -> std::io::Result<OwnedFd> {
        match &self.link {
            Some(link) => link.as_fd().try_clone_to_owned(),
            None => Err(std::io::ErrorKind::NotConnected.into()),
        }
    }

    fn show(&mut self, scene: &Scene<'_>, grab: Grab<'_>) -> Result<bool, X11Error> {
        let begin = processor_time();
        let canvas = self.canvas_of(scene.screen);
        for area in areas(scene.drawn) {
            let place = canvas.whole_tiles(area);
            canvas.see(place, &grab(place)?);
        }
        let now = Instant::now();
        if self.segment.as_ref().is_some_and(|segment| segment.end() <= now) {
            self.send(now);
        }
        let bytes = self.add(now).unwrap_or_else(|error| {
            self.give_up(&error);
            0
        });
        if self.is_asked_to_finish() {
            self.send(now);
            self.link = None;
        }
        let rest = (processor_time().saturating_sub(begin)) * REST;
        let paid = Duration::from_secs(1) * u32::try_from(bytes).unwrap_or(u32::MAX) / RATE;
        self.next = now + INTERVAL.max(rest).max(paid);
        Ok(self.link.is_some())
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("canvas", &self.canvas).finish_non_exhaustive()
    }
}

/// What this thread has used of the processor.
fn processor_time() -> Duration {
    time_of(ClockId::ThreadCPUTime)
}

fn time_of(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
