//! What a person sees while a run goes on, and at its end.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use karakuri_protocol::desktop::Effect;
use karakuri_protocol::job::{Drained, Exit, Outcome, Progress};
use karakuri_site::store::Store;

use crate::site::Site;

/// A delivery is told of once in this time.
const SELDOM: Duration = Duration::from_secs(1);

/// How the outcome is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In words on stdout.
    Summary,
    /// As JSON on stdout.
    Json,
    /// In words on stderr: stdout is another's.
    Aside,
}

/// The lines on the terminal, on stderr; stdout has the outcome alone.
#[derive(Debug)]
pub(crate) struct Display {
    verbose: bool,
    ending: Ending,
    live: bool,
    start: Instant,
    step: String,
    acts: u32,
    noops: u32,
    /// When a delivery was last told of.
    told: Option<Instant>,
}

impl Display {
    pub(crate) fn new(verbose: bool, ending: Ending) -> Self {
        let live = std::io::stderr().is_terminal();
        Self {
            verbose,
            ending,
            live,
            start: Instant::now(),
            step: String::new(),
            acts: 0,
            noops: 0,
            told: None,
        }
    }

    /// Shows one message of the run.
    pub(crate) fn show(&mut self, progress: &Progress) {
        match progress {
            Progress::Step { name } => {
                self.step = name.escaped(80);
                self.line(&self.step.clone());
            }
            Progress::Act { method, what, effect, ms } => {
                self.acts += 1;
                self.noops += u32::from(*effect == Effect::SuspectedNoop);
                if self.verbose {
                    let effect = effect_word(*effect);
                    self.line(&format!("  {method} {} → {effect} ({ms} ms)", what.shown(60)));
                }
            }
            Progress::Line { text } if self.verbose => {
                self.line(&format!("  | {}", text.escaped(200)))
            }
            Progress::Paused(true) => self.line("paused; `karakuri resume` lets it go on"),
            Progress::Paused(false) => self.line("resumed"),
            Progress::TakenOver => self.line("paused: a person has taken over in the window"),
            Progress::Delivery(drained) => self.delivered(drained),
            Progress::Line { .. }
            | Progress::Refused { .. }
            | Progress::Drained(_)
            | Progress::Finished(_) => {}
        }
    }

    /// How far a delivery is, not oftener than somebody could read it.
    fn delivered(&mut self, drained: &Drained) {
        let is_early = self.told.is_some_and(|told| told.elapsed() < SELDOM);
        if !is_early || drained.waiting == 0 {
            self.told = Some(Instant::now());
            self.line(&delivery(drained));
        }
    }

    /// Keeps the time moving on a terminal.
    pub(crate) fn tick(&self) {
        if self.live && !self.step.is_empty() {
            let (time, step, acts) = (self.elapsed(), &self.step, self.acts);
            self.raw(&format!("\r\x1b[K{time} {step}  ({acts} acts)"));
        }
    }

    pub(crate) fn stopping(&self, times: u32) {
        let text = if times == 1 {
            "stopping: evidence is being sealed (again: kill at once)"
        } else {
            "killing"
        };
        self.line(text);
    }

    fn elapsed(&self) -> String {
        format!("[{:6.1} s]", self.start.elapsed().as_secs_f64())
    }

    fn line(&self, text: &str) {
        let clear = if self.live { "\r\x1b[K" } else { "" };
        self.raw(&format!("{clear}{} {text}\n", self.elapsed()));
    }

    fn raw(&self, text: &str) {
        // A closed terminal does not end the run.
        let _written = std::io::stderr().write_all(text.as_bytes());
    }

    /// The end: what came out, where things are.
    pub(crate) fn finished(&self, outcome: &Outcome, site: &Site, report: Option<&Path>) {
        let artifacts = site.store().join(&outcome.store_prefix);
        if self.live {
            self.raw("\r\x1b[K");
        }
        let text = if self.ending == Ending::Json {
            let value = serde_json::json!({
                "outcome": outcome, "exit_code": outcome.exit.code(), "artifacts": artifacts,
                "report": report,
            });
            format!("{value:#}\n")
        } else {
            summary(outcome, site, &artifacts, report, self.noops)
        };
        match self.ending {
            Ending::Aside => self.raw(&text),
            Ending::Summary | Ending::Json => {
                let _written = std::io::stdout().write_all(text.as_bytes());
            }
        }
    }
}

fn summary(
    outcome: &Outcome,
    site: &Site,
    artifacts: &Path,
    report: Option<&Path>,
    noops: u32,
) -> String {
    let mut text = String::new();
    for (key, value) in &outcome.outputs {
        text.push_str(&format!("{key}: {value:#}\n"));
    }
    let seconds = f64::from(u32::try_from(outcome.elapsed_ms).unwrap_or(u32::MAX)) / 1000.0;
    text.push_str(&format!(
        "\n{}: {} ({seconds:.1} s)\n",
        outcome.exit.word(),
        outcome.exit.meaning()
    ));
    for line in outcome.message.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    for path in &outcome.not_collected {
        text.push_str(&format!("missing    {path}\n"));
    }
    for warning in &outcome.warnings {
        text.push_str(&format!("warning    {warning}\n"));
    }
    if noops > 0 {
        let acts = if noops == 1 { "act" } else { "acts" };
        text.push_str(&format!(
            "note       {noops} {acts} may have had no effect (suspected no-op): nothing changed on \
             the screen after them\n"
        ));
    }
    text.push_str(&format!("run        {}\n", outcome.run));
    let (count, prefix) = (outcome.artifacts, &outcome.store_prefix);
    text.push_str(&match site.file() {
        Some(file) => {
            format!("artifacts  {count} for the store of {}, below {prefix}\n", file.display())
        }
        None => format!(
            "artifacts  {count} in {}\n           sealed for the development key {}\n",
            artifacts.display(),
            site.path().join("keys/development.pem").display()
        ),
    });
    if outcome.waiting > 0 {
        text.push_str(&format!(
            "waiting    {} sealed files for the store: `karakuri artifacts deliver`, or the next run\n",
            outcome.waiting
        ));
    }
    if let Some(report) = report {
        text.push_str(&format!("report     {}\n", report.display()));
    }
    text.push_str(&format!("next       {}\n", next(outcome.exit, site)));
    text
}

/// How far a delivery is.
pub(crate) fn delivery(Drained { delivered, waiting, parked, reason }: &Drained) -> String {
    let mut text = format!("{delivered} files delivered, {waiting} wait");
    if *parked > 0 {
        text.push_str(&format!(", {parked} of them parked"));
    }
    if let Some(reason) = reason {
        text.push_str(&format!(": {}", reason.escaped(300)));
    }
    text
}

/// What a person does next after such an end.
fn next(exit: Exit, site: &Site) -> &'static str {
    match exit {
        Exit::Success => match site.settings().map(|settings| settings.store) {
            Ok(Store::S3(_)) => {
                "karakuri audit verify · who may decrypt: karakuri artifacts fetch RUN --auditor FILE"
            }
            Ok(Store::Export(_)) => {
                "karakuri audit verify · where the disk goes: karakuri import DIR --verify \
                 --trust signing.pub.pem"
            }
            _ => "karakuri artifacts list last · karakuri audit verify",
        },
        Exit::InvalidWorkflow | Exit::MissingEntry | Exit::InvalidInput | Exit::UnknownMethod => {
            "karakuri lint DIR · karakuri run --help lists the exit codes"
        }
        Exit::Platform | Exit::Sandbox | Exit::WrongAsset => "karakuri doctor",
        Exit::EvidenceFailed | Exit::NotVerified => "karakuri audit verify",
        _ => "karakuri report last --open shows every act · run again with -v",
    }
}

fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Confirmed => "confirmed",
        Effect::Unverifiable => "unverifiable",
        Effect::SuspectedNoop => "suspected no-op",
        Effect::Refused => "refused",
    }
}
