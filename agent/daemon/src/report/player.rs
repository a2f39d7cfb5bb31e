//! The recording, played by style sheets alone: the pictures lie one over the other, each appears when
//! its animation's delay is over. Play, speed and places to start from are radio buttons and check boxes.
//!
//! Each place and speed has animations of its own name, as an animation starts anew only when its name
//! changes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use karakuri_protocol::apng::Frame;
use karakuri_protocol::recording::Mark;
use maud::{Markup, PreEscaped, html};

use super::About;
use super::page::seconds;
use super::pictures::outline;
use crate::film::{Film, marks};
use crate::timeline::Timeline;

/// The most places to start from; beyond, only every second act, or third, has one.
const PLACES: usize = 60;
/// How long an act is shown at least, in ms.
const SHOWN_MS: u64 = 900;
/// How many times as fast as the run.
const SPEEDS: [u32; 3] = [1, 4, 16];

/// The player; nothing where nothing was recorded.
pub(super) fn player(about: &About, timeline: &Timeline, film: &Film) -> Markup {
    let Some((begin, screen)) = film.pictures().next().map(|(at, first)| (at, first.rect)) else {
        return html! {};
    };
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
            svg.stage viewBox={ "0 0 " (screen.width) " " (screen.height) } role="img"
                aria-label="the recording" {
                @for (number, (at, frame)) in film.pictures().enumerate() {
                    (picture(frame, at, number == 0))
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
        p.soft { "Of " (film.segments()) " segments. The run took " (seconds(about.elapsed)) ". "
            "A video of it: " code { "karakuri recording export " (about.run) " OUT.mp4" } }
    }
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

fn picture(frame: &Frame, at: u64, first: bool) -> Markup {
    let class = if first { "first" } else { "frame" };
    html! {
        image class=(class) style={ "--at:" (in_seconds(at)) } x=(frame.rect.left) y=(frame.rect.top)
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
