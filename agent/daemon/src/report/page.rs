//! The page's structure.

use std::collections::BTreeMap;
use std::time::Duration;

use karakuri_protocol::desktop::{Effect, Hit};
use karakuri_protocol::job::Exit;
use karakuri_protocol::script::Level;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_sandbox::policy::Control;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;
use time::format_description::well_known::Rfc3339;

use super::About;
use super::pictures::Pictures;
use super::player;
use crate::film::Film;
use crate::timeline::{CallMoment, Moment, Timeline, What};

const CSS: &str = include_str!("page.css");
/// Nothing is loaded from anywhere, nothing runs: even if escaping failed, the browser refuses.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

pub(super) fn page(
    about: &About,
    timeline: &Timeline,
    (outputs, soft_failures): (&BTreeMap<String, Value>, &[Untrusted]),
    film: &Film,
) -> Markup {
    let mut pictures = Pictures::new(about.screen);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (about.workflow) " · " (about.exit.word()) " · " (about.run) }
                style { (PreEscaped(CSS)) }
            }
            body { main {
                (head(about, timeline))
                (inputs(about))
                (results(outputs, soft_failures))
                (refusals(timeline))
                (player::player(about, timeline, film))
                h2 { "What happened" }
                @for moment in timeline.moments() { (self::moment(moment, &mut pictures)) }
                footer {
                    "Written by Karakuri " (env!("CARGO_PKG_VERSION")) ". Red: the target as it was found. "
                    "Dashed blue: what changed. Every picture is also a sealed artifact of the run, "
                    "named under it. Personal data is masked; what was there is sealed apart, in the class pii."
                }
            } }
        }
    }
}

fn head(about: &About, timeline: &Timeline) -> Markup {
    let tone = match about.exit {
        Exit::Success => "good",
        Exit::FailBusiness | Exit::Interrupted => "warn",
        _ => "bad",
    };
    let calls = timeline.moments().iter().filter(|m| matches!(m.what, What::Call(_))).count();
    html! {
        h1 { (about.workflow) " " span class={ "badge " (tone) } { (about.exit.word()) } }
        p.soft { (about.exit.meaning()) "." }
        @if !about.message.is_empty() { p.message { (about.message) } }
        dl {
            dt { "Run" } dd.mono { (about.run) }
            @if !about.version.is_empty() { dt { "Version" } dd { (about.version) } }
            dt { "Started" } dd { (about.started.truncate_to_second().format(&Rfc3339).unwrap_or_default()) }
            dt { "Took" } dd { (seconds(about.elapsed)) }
            @if let Some(control) = &about.control { dt { "Bounded by" } dd { (bounds(control)) } }
            dt { "Calls" } dd { (calls) " shown below, " (about.acts) " of them acts" }
        }
    }
}

fn bounds(control: &Control) -> String {
    match control {
        Control::Cgroup { version, processors } => {
            let but = if *processors { "" } else { "; no share of the processors" };
            format!("a cgroup (version {version}), limits of each process{but}")
        }
        Control::ProcessLimits { reason } => {
            format!("limits of each process; no cgroup, as {}", Untrusted::new(reason).escaped(300))
        }
    }
}

fn inputs(about: &About) -> Markup {
    html! {
        @if !about.inputs.is_empty() {
            h2 { "Inputs" }
            dl { @for (name, value) in &about.inputs {
                dt { (name) } dd { (Untrusted::new(value.as_str()).escaped(400)) }
            } }
        }
    }
}

fn results(outputs: &BTreeMap<String, Value>, soft_failures: &[Untrusted]) -> Markup {
    html! {
        h2 { "Outputs" }
        @if outputs.is_empty() { p.soft { "The run set no output." } }
        @for (key, value) in outputs {
            details open[outputs.len() <= 6] {
                summary { (key) }
                pre { (serde_json::to_string_pretty(value).unwrap_or_default()) }
            }
        }
        @if !soft_failures.is_empty() {
            h2 { "Defects that did not end the run" }
            ul { @for reason in soft_failures { li { (reason.escaped(400)) } } }
        }
    }
}

fn refusals(timeline: &Timeline) -> Markup {
    let refused: Vec<(&Moment, &CallMoment)> = timeline
        .moments()
        .iter()
        .filter_map(|m| match &m.what {
            What::Call(call) if call.error.is_some() => Some((m, call.as_ref())),
            _ => None,
        })
        .collect();
    html! {
        @if !refused.is_empty() {
            h2 { "Refused or failed" }
            ul { @for (moment, call) in refused { li {
                (seconds(moment.at)) " " code { (call.method) } ": "
                (Untrusted::new(call.error.as_deref().unwrap_or_default()).escaped(400))
            } } }
        }
    }
}

fn moment(moment: &Moment, pictures: &mut Pictures) -> Markup {
    match &moment.what {
        What::Step(name) => html! { h2 { (name.escaped(200)) } },
        What::Line { level, text } => html! {
            p class={ "line mono " (tone(*level)) } {
                span.soft { (seconds(moment.at)) "  " } (text.escaped(4096))
            }
        },
        What::Call(call) => self::call(moment.at, call, pictures),
    }
}

fn call(at: Duration, call: &CallMoment, pictures: &mut Pictures) -> Markup {
    let failed = call.error.is_some();
    html! {
        article.failed[failed] {
            div.head {
                span.time { (seconds(at)) }
                code { (call.method) }
                span.what { (call.what.shown(300)) }
                @if let Some(effect) = call.effect { (badge(effect)) }
                @if failed { span.badge.bad { "error" } }
                span.soft { (call.ms) " ms" }
            }
            @if let Some(hit) = &call.hit { p.why { (why(hit)) } }
            @if call.effect == Some(Effect::SuspectedNoop) {
                p.why { "Nothing changed on the screen after it, so it may have had no effect: was it the right place, did the window have the keyboard?" }
            }
            @if let Some(error) = &call.error {
                p.why.error { (Untrusted::new(error.as_str()).escaped(600)) }
            }
            @if let Some(picture) = &call.picture {
                (pictures.show(picture, call.hit.as_ref(), call.changed))
            }
        }
    }
}

/// What was seen and why it was acted on there.
fn why(hit: &Hit) -> Markup {
    let via = format!("{:?}", hit.via).to_lowercase();
    html! {
        @if let Some(text) = &hit.text { "matched “" (text.escaped(120)) "” " }
        "by " (via) ", confidence " (format!("{:.2}", hit.confidence))
        ", box " (hit.rect.left) "," (hit.rect.top) " " (hit.rect.width) "×" (hit.rect.height)
        ", point " (hit.at.x) "," (hit.at.y)
    }
}

fn badge(effect: Effect) -> Markup {
    let (tone, word) = match effect {
        Effect::Confirmed => ("good", "confirmed"),
        Effect::Unverifiable => ("", "unverifiable"),
        Effect::SuspectedNoop => ("warn", "suspected no-op"),
        Effect::Refused => ("bad", "refused"),
    };
    html! { span class={ "badge " (tone) } { (word) } }
}

fn tone(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

pub(super) fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
