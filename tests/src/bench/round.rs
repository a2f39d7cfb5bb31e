//! What is measured, and in which order: one round measures everything once, each figure of
//! Karakuri followed at once by its peer's, so that a busy machine slows down both.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::error::{BenchError, of};
use super::peers::Peers;
use super::processes::{Memory, Process};
use super::run::{Mark, Run};
use super::table::{Idle, Report};
use super::{screens, sealing, upload};
use crate::{Agent, Workflow, repository};

const READER: &str = "tesseract";
const XDOTOOL: &str = "xdotool, effect not checked";
const EMPTY: &str = "print('mark started', flush=True)\n";
const PAGE: &str = "workflows/library/invoice-entry/invoices/northwind.pdf";

/// Measures into a report.
#[derive(Debug)]
pub struct Bench {
    agent: Agent,
    peers: Peers,
    empty: Workflow,
    screen: Workflow,
    idle: Workflow,
    page: PathBuf,
    words: BTreeSet<String>,
}

impl Bench {
    /// Prepares the workflows.
    ///
    /// # Errors
    /// When the words of the page cannot be taken out of it.
    pub fn new(peers: Peers) -> Result<Self, BenchError> {
        let screen = Workflow::empty();
        screen.file("workflow.toml", include_str!("screen.toml"));
        screen.file("main.py", include_str!("screen.py"));
        let page = repository().join(PAGE);
        let words = words(&peers.text_of(&page)?.stdout);
        Ok(Self {
            agent: Agent::new(),
            peers,
            empty: Workflow::new(EMPTY),
            screen,
            idle: Workflow::new(include_str!("idle.py")),
            page,
            words,
        })
    }

    /// Seeing and typing, once.
    ///
    /// # Errors
    /// When a reader fails.
    pub fn screens(&self, report: &mut Report) -> Result<(), BenchError> {
        screens::measure(report)
    }

    /// Sealing and uploading.
    ///
    /// # Errors
    /// When a server or a peer fails.
    pub fn data_plane(&self, report: &mut Report) -> Result<(), BenchError> {
        sealing::measure(report)?;
        upload::measure(report)
    }

    /// Everything that has a peer, once.
    ///
    /// # Errors
    /// When a run or a peer fails.
    pub fn round(&self, report: &mut Report) -> Result<(), BenchError> {
        self.empty_script(report)?;
        self.screen(report)
    }

    /// A whole workflow, of which no peer does the same.
    ///
    /// # Errors
    /// When the run fails.
    pub fn whole_run(&self, report: &mut Report) -> Result<(), BenchError> {
        let hello = repository().join("workflows/library/hello-desktop");
        let run = Run::follow(&self.agent, &hello, &[], |_| {})?;
        report.row("hello-desktop, whole run", "ms").ours(run.elapsed_ms());
        report.row("hello-desktop, processor", "ms").ours(ms(run.cpu));
        Ok(())
    }

    fn empty_script(&self, report: &mut Report) -> Result<(), BenchError> {
        let mut started = None;
        let run = Run::follow(&self.agent, self.empty.path(), &[], |m| started = Some(m.after))?;
        let peer = self.peers.empty_script()?;
        let started = started.ok_or_else(|| BenchError::Absent("mark started".to_owned()))?;
        let versus = "xvfb-run -a python3 -c pass";
        report.row("empty script, until it starts", "ms").ours(ms(started));
        report.row("empty script, whole run", "ms").ours(ms(run.wall)).peer(versus, ms(peer.wall));
        report.row("empty script, processor", "ms").ours(ms(run.cpu)).peer(versus, ms(peer.cpu));
        Ok(())
    }

    fn screen(&self, report: &mut Report) -> Result<(), BenchError> {
        let mut marks: BTreeMap<String, (Duration, Memory)> = BTreeMap::new();
        let page = [format!("page={}", self.page.display())];
        let run = Run::follow(&self.agent, self.screen.path(), &page, |mark| {
            if let Some(desktop) = of_desktop(&mark) {
                let cost = (desktop.cpu(), desktop.memory());
                marks.insert(mark.name, cost);
            }
        })?;
        let mark = |name: &str| {
            let cost = marks.get(name).copied();
            cost.ok_or_else(|| BenchError::Absent(format!("mark {name}")))
        };
        let ((fresh, _), (again, _), (done, memory)) =
            (mark("read")?, mark("again")?, mark("done")?);
        let cpu = [again.saturating_sub(fresh), done.saturating_sub(again)];
        self.reading(&run, cpu, report)?;
        let mib = memory.rss as f64 / 1024.0;
        report.row("karakuri-desktop after reading: RSS", "MiB").ours(mib);
        self.pointer(&run, report)
    }

    /// `cpu` is the reader's processor time for the changed screen and for the unchanged one.
    fn reading(
        &self,
        run: &Run,
        cpu: [Duration; 2],
        report: &mut Report,
    ) -> Result<(), BenchError> {
        let peer = self.peers.read(&self.picture(run)?)?;
        let rows = [
            ("read a screen, the first of a run", "first", None),
            ("read a screen, changed", "fresh", Some(cpu[0])),
            ("read a screen, unchanged", "unchanged", Some(cpu[1])),
        ];
        for (what, key, cpu) in rows {
            for value in run.numbers(key)? {
                report.row(what, "ms").ours(value).peer(READER, ms(peer.wall));
            }
            if let Some(cpu) = cpu {
                let what = format!("{what}: processor");
                report.row(&what, "ms").ours(ms(cpu)).peer(READER, ms(peer.cpu));
            }
        }
        let what = format!("words of the page found, of {}", self.words.len());
        let (ours, theirs) = (self.found(run.text("text")?), self.found(&peer.stdout));
        report.row(&what, "").ours(ours).peer(READER, theirs);
        Ok(())
    }

    /// How many of the page's words a reading holds.
    fn found(&self, text: &str) -> f64 {
        words(text).intersection(&self.words).count() as f64
    }

    fn pointer(&self, run: &Run, report: &mut Report) -> Result<(), BenchError> {
        let clicks = run.numbers("click")?;
        let what = format!("clicks confirmed by their effect, of {}", clicks.len());
        for (ms_ours, n) in clicks.into_iter().zip(0..) {
            let theirs = self.peers.click(300 + 8 * n, 300 + 40 * (n % 2))?;
            report.row("click", "ms").ours(ms_ours).peer(XDOTOOL, ms(theirs.wall));
        }
        for (ms_ours, n) in run.numbers("hover")?.into_iter().zip(0..) {
            let theirs = self.peers.hover(300 + 8 * n, 300 + 40 * (n % 2))?;
            report.row("hover", "ms").ours(ms_ours).peer(XDOTOOL, ms(theirs.wall));
        }
        for count in run.numbers("confirmed")? {
            report.row(&what, "").ours(count);
        }
        Ok(())
    }

    /// Opens the picture of the screen that a run kept.
    fn picture(&self, run: &Run) -> Result<PathBuf, BenchError> {
        let out = self.agent.state().join("opened");
        let picture = run.text("picture")?;
        let words = ["artifacts", "decrypt", run.id(), picture, "--out", &out.to_string_lossy()];
        let output = self.agent.command(&words).output().map_err(of("karakuri artifacts"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().into());
        }
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let program = format!("karakuri artifacts decrypt {picture}");
        Err(BenchError::Peer { program, status: output.status, stderr })
    }

    /// How long a program takes to start in the sandbox.
    ///
    /// # Errors
    /// When a way of starting it fails.
    pub fn sandbox(&self, report: &mut Report) -> Result<(), BenchError> {
        super::sandbox::start(report)
    }

    /// What a recording costs karakuri-desktop on an office desktop.
    ///
    /// # Errors
    /// When a run fails.
    pub fn recording(&self, report: &mut Report) -> Result<(), BenchError> {
        super::recording::cost(&self.agent, report)
    }

    /// Memory and processor time of each process while the script sleeps.
    ///
    /// # Errors
    /// When the run fails.
    pub fn idle(&self, report: &mut Report) -> Result<(), BenchError> {
        let mut before = None;
        Run::follow(&self.agent, self.idle.path(), &[], |mark| match before.take() {
            None => {
                let cpu: Vec<Duration> = mark.processes.iter().map(Process::cpu).collect();
                before = Some((mark, cpu));
            }
            Some((first, cpu)) => {
                let length = mark.after.saturating_sub(first.after);
                let processes = first.processes.iter().zip(cpu);
                report.idle = processes.map(|(p, before)| Idle::of(p, before, length)).collect();
            }
        })?;
        Ok(())
    }
}

fn of_desktop(mark: &Mark) -> Option<&Process> {
    mark.processes.iter().find(|process| process.name == "karakuri-desktop")
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Words of two letters or digits and more; punctuation around them does not count.
fn words(text: &str) -> BTreeSet<String> {
    let trimmed = text.split_whitespace().map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()));
    trimmed.filter(|word| word.chars().count() > 1).map(str::to_owned).collect()
}
