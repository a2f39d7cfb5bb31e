//! What of the recording is kept in memory for the report: its last segments, and the acts to be drawn
//! over them. All of it is sealed besides, segment by segment.

use std::collections::VecDeque;

use karakuri_protocol::apng::{Frame, Segment};
use karakuri_protocol::recording::Mark;

use crate::timeline::{Moment, Timeline, What};

/// The most bytes of it that the report carries. How a run ended matters most, so the first go.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What appears at a time.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// In ms from the start of the run.
    pub at_ms: u64,
    /// Lies over those before.
    pub frame: &'a Frame,
    /// The screen has another size than before: nothing of before is on it any more.
    pub is_anew: bool,
}

/// The last segments.
#[derive(Debug, Default)]
pub struct Film {
    kept: VecDeque<(Segment, usize)>,
    bytes: usize,
    segments: u32,
}

impl Film {
    /// Takes the next segment, whose file has `length` bytes; its number, counted from 1.
    pub fn add(&mut self, segment: Segment, length: usize) -> u32 {
        self.kept.push_back((segment, length));
        self.bytes += length;
        while self.bytes > MAX_BYTES
            && let Some((_, length)) = self.kept.pop_front()
        {
            self.bytes -= length;
        }
        self.segments += 1;
        self.segments
    }

    /// How many segments there were.
    #[must_use]
    pub fn segments(&self) -> u32 {
        self.segments
    }

    /// Whether the first are not kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.kept.len() < self.segments as usize
    }

    /// What is kept, as pictures to be put one over the other. The first is the whole screen.
    pub fn pictures(&self) -> impl Iterator<Item = Shown<'_>> {
        let screen = |segment: &Segment| segment.frames.first().map(|key| key.rect);
        let mut before = None;
        self.kept.iter().flat_map(move |(segment, _)| {
            let is_anew = before != screen(segment);
            before = screen(segment);
            // What a later segment begins with is on the screen already, unless that is another.
            let news = segment.timed().enumerate().skip(usize::from(!is_anew));
            news.map(move |(number, (at_ms, frame))| Shown {
                at_ms,
                frame,
                is_anew: is_anew && number == 0,
            })
        })
    }
}

/// The acts of a run.
#[must_use]
pub fn marks(timeline: &Timeline) -> Vec<Mark> {
    timeline.moments().iter().filter_map(mark).collect()
}

fn mark(moment: &Moment) -> Option<Mark> {
    let What::Call(call) = &moment.what else { return None };
    call.effect?;
    // A moment is taken down when its call is over.
    let at_ms = moment.at.as_millis().saturating_sub(call.ms.into());
    Some(Mark {
        at_ms: u64::try_from(at_ms).unwrap_or(u64::MAX),
        ms: call.ms,
        method: call.method.clone(),
        target: call.hit.as_ref().map(|hit| hit.rect),
        point: call.hit.as_ref().map(|hit| hit.at),
        changed: call.changed,
    })
}

#[cfg(test)]
mod tests {
    use karakuri_protocol::geometry::Rect;

    use super::*;

    fn segment(start_ms: u64, length: usize) -> Segment {
        let frame = |rect, delay_ms| Frame { rect, delay_ms, data: vec![0; length] };
        let screen = Rect::new(0, 0, 64, 64);
        let change = Rect::new(0, 0, 16, 16);
        Segment { start_ms, frames: vec![frame(screen, 20), frame(change, 300), frame(change, 1)] }
    }

    #[test]
    fn pictures_come_in_order_and_the_screen_once() {
        let mut film = Film::default();
        assert_eq!((film.add(segment(100, 1), 9), film.add(segment(9_000, 1), 9)), (1, 2));
        let times: Vec<u64> = film.pictures().map(|shown| shown.at_ms).collect();
        assert_eq!(times, [100, 120, 420, 9_020, 9_320]);
        assert!(!film.is_cut());
    }

    #[test]
    fn the_first_segments_go_when_there_are_too_many() {
        let mut film = Film::default();
        for number in 0..3 {
            film.add(segment(number * 10_000, 1), MAX_BYTES / 2);
        }
        assert!(film.is_cut());
        assert_eq!(film.pictures().next().map(|shown| shown.at_ms), Some(10_000));
    }

    #[test]
    fn a_screen_of_another_size_begins_anew() {
        let mut film = Film::default();
        film.add(segment(100, 1), 9);
        let mut other = segment(9_000, 1);
        other.frames[0].rect = Rect::new(0, 0, 32, 80);
        film.add(other, 9);
        let anew = film.pictures().filter(|shown| shown.is_anew);
        let anew: Vec<_> = anew.map(|shown| (shown.at_ms, shown.frame.rect.height)).collect();
        assert_eq!(anew, [(100, 64), (9_000, 80)]);
        assert_eq!(film.pictures().count(), 6);
    }
}
