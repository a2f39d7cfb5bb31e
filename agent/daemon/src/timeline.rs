//! What happened in a run, in order, as the report shows it. Pictures are kept in memory up to a
//! limit; each is sealed as an artifact of its own besides. No text gets in before what is personal in it is
//! masked.

use std::time::{Duration, Instant};

use karakuri_protocol::desktop::{Effect, Hit};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::script::Level;
use karakuri_protocol::untrusted::Untrusted;

use crate::personal::Personal;

/// The most bytes of pictures that the report carries.
const MAX_PICTURES: usize = 96 * 1024 * 1024;

/// The run so far.
#[derive(Debug)]
pub struct Timeline {
    start: Instant,
    moments: Vec<Moment>,
    picture_bytes: usize,
    personal: Personal,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When, from the start of the run.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// The kinds of moments.
#[derive(Clone, Debug)]
pub enum What {
    /// A part of the run began.
    Step(Untrusted),
    /// The script asked for something and got an answer.
    Call(Box<CallMoment>),
    /// A line of the log, or that the script printed.
    Line {
        /// How much it matters.
        level: Level,
        /// The line.
        text: Untrusted,
    },
}

/// A call and what became of it.
#[derive(Clone, Debug)]
pub struct CallMoment {
    /// The method.
    pub method: String,
    /// On what: the target as the script gave it, a chord, the number of characters.
    pub what: Untrusted,
    /// What was found.
    pub hit: Option<Hit>,
    /// What became of an act.
    pub effect: Option<Effect>,
    /// The rectangle that changed.
    pub changed: Option<Rect>,
    /// How long it took.
    pub ms: u32,
    /// Why it was refused or failed.
    pub error: Option<String>,
    /// What is shown beside it.
    pub picture: Option<Picture>,
}

/// A picture, lossless WebP.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Id of the artifact.
    pub artifact: String,
    /// The bytes; none once the report is full.
    pub webp: Option<std::rc::Rc<[u8]>>,
}

impl Timeline {
    /// Starts the clock; `personal` masks what is written.
    #[must_use]
    pub fn start(personal: Personal) -> Self {
        Self { start: Instant::now(), moments: Vec::new(), picture_bytes: 0, personal }
    }

    /// What masks the texts of the run.
    pub fn personal(&mut self) -> &mut Personal {
        &mut self.personal
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Adds what happens now.
    pub fn push(&mut self, what: What) {
        let what = self.masked(what);
        self.moments.push(Moment { at: self.start.elapsed(), what });
    }

    /// Adds a line; as it may be shown.
    pub fn line(&mut self, level: Level, text: &Untrusted) -> Untrusted {
        let text = self.personal.untrusted("log", text);
        self.push(What::Line { level, text: text.clone() });
        text
    }

    fn masked(&mut self, what: What) -> What {
        let personal = &mut self.personal;
        match what {
            What::Step(name) => What::Step(personal.untrusted("step", &name)),
            What::Line { level, text } => {
                What::Line { level, text: personal.untrusted("log", &text) }
            }
            What::Call(mut call) => {
                let CallMoment { method, what, hit, error, .. } = &mut *call;
                *what = personal.untrusted(method, what);
                if let Some(text) = hit.as_mut().and_then(|hit| hit.text.as_mut()) {
                    *text = personal.untrusted(method, text);
                }
                if let Some(error) = error {
                    *error = personal.text(method, error);
                }
                What::Call(call)
            }
        }
    }

    /// All that happened.
    #[must_use]
    pub fn moments(&self) -> &[Moment] {
        &self.moments
    }

    /// A picture for the report, with its bytes as long as there is room.
    pub fn picture(&mut self, artifact: String, webp: Vec<u8>) -> Picture {
        let fits = self.picture_bytes + webp.len() <= MAX_PICTURES;
        if fits {
            self.picture_bytes += webp.len();
        }
        Picture { artifact, webp: fits.then(|| webp.into()) }
    }

    /// The lines of the run's log, as text.
    #[must_use]
    pub fn log(&self) -> String {
        let mut text = String::new();
        for Moment { at, what } in &self.moments {
            let line = match what {
                What::Step(name) => format!("step     {}", name.escaped(200)),
                What::Line { level, text } => {
                    format!("{:<8} {}", format!("{level:?}").to_lowercase(), text.escaped(4096))
                }
                What::Call(call) => {
                    let outcome = match (&call.error, call.effect) {
                        (Some(error), _) => {
                            format!("error: {}", Untrusted::new(error.as_str()).escaped(400))
                        }
                        (None, Some(effect)) => format!("{effect:?}"),
                        (None, None) => "ok".to_owned(),
                    };
                    format!(
                        "{:<8} {} -> {outcome} ({} ms)",
                        call.method,
                        call.what.shown(200),
                        call.ms
                    )
                }
            };
            text.push_str(&format!("{:>9.3} {line}\n", at.as_secs_f64()));
        }
        text
    }
}
