//! The recording, played by style sheets alone: the pictures lie one over the other, each appears when
//! its animation's delay is over. Play, speed and places to start from are radio buttons and check boxes.
//!
//! Each place and speed has animations of its own name, as an animation starts anew only when its name
//! changes.
//!
//! Until it is played from somewhere, it stands at the picture with the most on it: a run begins with an
//! empty screen.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::recording::Mark;
use maud::{Markup, PreEscaped, html};

use super::About;
use super::page::seconds;
use super::pictures::outline;
use crate::film::{Film, Shown, marks};
use crate::timeline::Timeline;

/// The most places to start from; beyond, only every second act, or third, has one.
const PLACES: usize = 60;
/// How long an act is shown at least, in ms.
const SHOWN_MS: u64 = 900;
/// How many times as fast as the run.
const SPEEDS: [u32; 3] = [1, 4, 16];

/// The player; nothing where nothing was recorded.
pub(super) fn player(about: &About, timeline: &Timeline, film: &Film) -> Markup {
    let Some(begin) = film.pictures().next().map(|first| first.at_ms) else {
        return html! {};
    };
    let screens = film.pictures().filter(|shown| shown.is_anew).map(|shown| shown.frame.rect);
    let stage = screens.fold(Rect::new(0, 0, 0, 0), |all, screen| all.union(&screen));
    let fullest = fullest(film);
    let marks: Vec<Mark> = marks(timeline)
        .into_iter()
        .filter(|mark| mark.at_ms + u64::from(mark.ms) >= begin)
        .collect();
    let every = marks.len().div_ceil(PLACES).max(1);
    let places: Vec<(u64, &str)> = std::iter::once((begin, "the beginning"))
        .chain(marks.iter().step_by(every).map(|mark| (mark.at_ms, mark.method.as_str())))
        .collect();
    html! {
        h2 #recording { "Recording" }
        p.soft { (told(film)) }
        style { (PreEscaped(rules(&places))) }
        div.player {
            @for speed in SPEEDS {
                input.control type="radio" name="speed" id={ "x" (speed) } checked[speed == 1];
                label for={ "x" (speed) } { "×" (speed) }
            }
            input.control.play type="checkbox" id="play";
            label for="play" { "play" }
            @for (number, _) in places.iter().enumerate() {
                input.place type="radio" name="place" id={ "k" (number) } checked[number == 0];
            }
            svg.stage viewBox={ "0 0 " (stage.width) " " (stage.height) } role="img"
                aria-label="the recording" {
                @for (number, shown) in film.pictures().enumerate() {
                    (picture(&shown, class(number, fullest), stage))
                }
                @for (number, mark) in marks.iter().enumerate() {
                    (drawn(mark, marks.get(number + 1)))
                }
            }
            p.places {
                span.soft { "Start from: " }
                @for (number, (at, name)) in places.iter().enumerate() {
                    label for={ "k" (number) } { (in_seconds(*at)) " s " (name) }
                }
            }
        }
        p.soft { (in_segments(film.segments())) " The run took " (seconds(about.elapsed)) ". "
            "A video of it: " code { "karakuri recording export " (about.run) " OUT.mp4" } }
    }
}

fn in_segments(count: u32) -> String {
    if count == 1 { "In one segment.".to_owned() } else { format!("In {count} segments.") }
}

fn told(film: &Film) -> &'static str {
    if film.is_cut() {
        "What was read off the screen is shown as it was, personal data covered, everything else as \
         squares of one colour. \
         Only the last part is here; all of it is in the run's sealed artifacts."
    } else {
        "What was read off the screen is shown as it was, personal data covered, everything else as \
         squares of one colour."
    }
}

/// Where each place starts, and the animations of each place and speed.
fn rules(places: &[(u64, &str)]) -> String {
    let mut css = String::new();
    for (number, (at, _)) in places.iter().enumerate() {
        let names = SPEEDS.map(|speed| format!("--x{speed}:k{number}x{speed}"));
        let from = in_seconds(*at);
        css += &format!("#k{number}:checked~.stage{{--from:{from};{}}}", names.join(";"));
        for speed in SPEEDS {
            css += &format!("@keyframes k{number}x{speed}{{from,to{{visibility:visible}}}}");
        }
    }
    for speed in SPEEDS {
        css += &format!("#x{speed}:checked~.stage{{--on:var(--x{speed});--speed:{speed}}}");
    }
    css
}

/// The number of the picture with the most on it: the one that is hardest to compress.
fn fullest(film: &Film) -> usize {
    let lengths = film.pictures().map(|shown| shown.frame.data.len()).enumerate();
    lengths.max_by_key(|(_, length)| *length).map_or(0, |(number, _)| number)
}

/// `first` is always shown, `poster` until it is played, and as any `frame` when its time has come.
fn class(number: usize, fullest: usize) -> &'static str {
    match number {
        0 => "first",
        _ if number <= fullest => "frame poster",
        _ => "frame",
    }
}

fn picture(shown: &Shown<'_>, class: &str, stage: Rect) -> Markup {
    let Shown { at_ms, frame, is_anew } = shown;
    let at = format!("--at:{}", in_seconds(*at_ms));
    html! {
        @if *is_anew {
            rect class=(class) style=(at) width=(stage.width) height=(stage.height) {}
        }
        image class=(class) style=(at) x=(frame.rect.left) y=(frame.rect.top)
            width=(frame.rect.width) height=(frame.rect.height)
            href={ "data:image/png;base64," (STANDARD.encode(frame.to_png())) } {}
    }
}

fn drawn(mark: &Mark, next: Option<&Mark>) -> Markup {
    let until_next = next.map_or(u64::MAX, |next| next.at_ms.saturating_sub(mark.at_ms));
    let shown = in_seconds(u64::from(mark.ms).max(SHOWN_MS).min(until_next));
    html! {
        g.act style={ "--at:" (in_seconds(mark.at_ms)) ";--for:" (shown) } {
            @if let Some(rect) = mark.changed { (outline(rect, "changed")) }
            @if let Some(rect) = mark.target { (outline(rect, "target")) }
            @if let Some(point) = mark.point { circle.point cx=(point.x) cy=(point.y) r="4" {} }
            text.method x="12" y="28" { (mark.method) }
        }
    }
}

fn in_seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use karakuri_protocol::apng::{Frame, Segment};

    use super::*;

    #[test]
    fn it_stands_at_the_picture_with_the_most_on_it() {
        let lengths = [10, 10, 90, 40];
        let rect = Rect::new(0, 0, 64, 64);
        let frames = lengths.map(|length| Frame { rect, delay_ms: 200, data: vec![0; length] });
        let mut film = Film::default();
        film.add(Segment { start_ms: 0, frames: frames.to_vec() }, 150);
        let classes: Vec<&str> = (0..4).map(|number| class(number, fullest(&film))).collect();
        assert_eq!(classes, ["first", "frame poster", "frame poster", "frame"]);
        assert_eq!(fullest(&Film::default()), 0);
    }
}
