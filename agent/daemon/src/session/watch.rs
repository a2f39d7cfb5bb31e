//! Everything that can end a run from outside the conversation with the script: its end, its
//! output, the clock, a person, a process of the run that dies.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use karakuri_audit::{Actor, Event, Selector};
use karakuri_link::AsyncLink;
use karakuri_protocol::egress::{Attempt, AttemptOutcome};
use karakuri_protocol::job::{Control, Exit, Progress};
use karakuri_protocol::script::Level;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_protocol::watch::State;
use karakuri_sandbox::child::{Ending, Status};
use karakuri_sandbox::link::LinkError;
use tokio::time::Instant;

use super::{Heard, Pause, Record, Requester};
use crate::end::End;
use crate::script::{Output, OutputEnd};
use crate::timeline::Timeline;
use crate::walls::{Ended, SandboxId, Walls, sandbox_refused};

/// The sandboxes of a run.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// X server and applications.
    pub display: SandboxId,
    /// karakuri-desktop.
    pub desktop: SandboxId,
    /// The courier.
    pub courier: SandboxId,
    /// karakuri-egress, where the grant names hosts.
    pub egress: Option<SandboxId>,
    /// The script.
    pub script: SandboxId,
}

/// What to watch.
#[derive(Debug)]
pub struct Watch<'a> {
    /// The monitor.
    pub walls: &'a Walls,
    /// The run's sandboxes.
    pub running: Running,
    /// The script's stdout and stderr.
    pub outputs: [Output; 2],
    /// What both may print together, in bytes.
    pub output_room: u64,
    /// Wall time of the run.
    pub wall: Duration,
    /// Whoever asked for the run.
    pub requester: Requester,
    /// The link to karakuri-egress.
    pub egress: Option<&'a AsyncLink>,
    /// Where what is to be recorded goes.
    pub heard: Rc<Heard>,
    /// What a person at the terminal can set.
    pub pause: Rc<Pause>,
    /// Where lines go.
    pub timeline: Rc<RefCell<Timeline>>,
    /// The last line the script printed to stderr.
    pub last_words: Option<Untrusted>,
}

/// What ended the watch.
#[derive(Debug)]
pub enum Watched {
    /// The script ended by itself.
    Script(Ending),
    /// The run has to end.
    Run(End),
}

impl Watch<'_> {
    /// Waits for the first thing that ends the run.
    pub async fn wait(&mut self) -> Watched {
        let start = Instant::now();
        let [stdout, stderr] = &mut self.outputs;
        let mut open = [true, true];
        loop {
            // Both streams draw on the same room; each read takes what it got.
            let mut rooms = [self.output_room; 2];
            let [room_out, room_err] = &mut rooms;
            let (line, level) = tokio::select! {
                line = stdout.line(room_out), if open[0] => (line, Level::Info),
                line = stderr.line(room_err), if open[1] => (line, Level::Error),
                ended = self.walls.ended() => match ended {
                    Ok(ended) if ended.id == self.running.script => {
                        return script_ended(ended);
                    }
                    Ok(ended) => return Watched::Run(process_ended(ended, self.running)),
                    Err(e) => return Watched::Run(e.into()),
                },
                () = self.pause.has_run_for(start, self.wall) => {
                    let s = self.wall.as_secs();
                    let message = format!("the run took longer than limits.wall_s = {s} and was stopped");
                    return Watched::Run(End::new(Exit::Timeout, message));
                }
                attempt = next_attempt(self.egress) => match attempt {
                    Ok(Some((attempt, _))) => {
                        let text = shown(&attempt);
                        let (actor, event) = recorded(&attempt);
                        self.heard.push(actor, event);
                        (Ok(text), Level::Info)
                    }
                    // Its end is reported by the monitor, which knows why.
                    _ => {
                        self.egress = None;
                        continue;
                    }
                },
                control = self.requester.link().recv::<Control>() => match control {
                    Ok(Some((control @ (Control::Pause | Control::Resume), _))) => {
                        let paused = control == Control::Pause;
                        match pauses(&self.pause, &self.heard, &self.requester, paused) {
                            Some(text) => (Ok(text), Level::Info),
                            None => continue,
                        }
                    }
                    Ok(Some((Control::Stop, _))) => return interrupted("a person stopped the run"),
                    _ => return interrupted("whoever asked for the run is gone"),
                },
            };
            self.output_room = rooms[0].min(rooms[1]);
            match line {
                Ok(text) => {
                    let text = self.timeline.borrow_mut().line(level, &text);
                    if level == Level::Error && !text.is_empty() {
                        self.last_words = Some(text.clone());
                    }
                    self.requester.tell(&Progress::Line { text });
                }
                Err(OutputEnd::Closed) => open[usize::from(level == Level::Error)] = false,
                Err(OutputEnd::Limit) => {
                    return Watched::Run(End::new(
                        Exit::OutputLimit,
                        "the script printed more than limits.output_kb allows and was stopped; \
                         print less, or raise the limit in workflow.toml",
                    ));
                }
            }
        }
    }

    /// Takes what the script printed last and nobody has read yet.
    pub async fn drain(&mut self) {
        let soon = Duration::from_millis(50);
        for (output, level) in self.outputs.iter_mut().zip([Level::Info, Level::Error]) {
            let mut room = self.output_room;
            while let Ok(Ok(text)) = tokio::time::timeout(soon, output.line(&mut room)).await {
                let text = self.timeline.borrow_mut().line(level, &text);
                if level == Level::Error && !text.is_empty() {
                    self.last_words = Some(text.clone());
                }
                self.requester.tell(&Progress::Line { text });
            }
        }
    }
}

/// Takes what karakuri-egress said last and nobody has read yet, once it is killed: the script may end
/// before the watch hears of an attempt, and every attempt is recorded.
pub async fn last_attempts(link: &AsyncLink, record: &Record) {
    while let Ok(Some((attempt, _))) = link.recv::<Attempt>().await {
        let text = shown(&attempt);
        let (actor, event) = recorded(&attempt);
        record.heard.push(actor, event);
        record.line(Level::Info, &text);
    }
}

/// What karakuri-egress says next; never, where there is none.
async fn next_attempt(
    link: Option<&AsyncLink>,
) -> Result<Option<(Attempt, Vec<OwnedFd>)>, LinkError> {
    match link {
        Some(link) => link.recv::<Attempt>().await,
        None => std::future::pending().await,
    }
}

/// Pauses or resumes; what to say of it, unless it is so already.
fn pauses(pause: &Pause, heard: &Heard, requester: &Requester, paused: bool) -> Option<Untrusted> {
    let is_paused = *pause.states().borrow() != State::Running;
    if is_paused == paused {
        return None;
    }
    pause.set(if paused { State::Paused } else { State::Running });
    let (event, text) = match paused {
        true => (Event::RunPaused {}, "a person paused the run"),
        false => (Event::RunResumed {}, "a person let the run go on"),
    };
    heard.push(Actor::User, event);
    requester.tell(&Progress::Paused(paused));
    Some(text.into())
}

fn interrupted(why: &str) -> Watched {
    Watched::Run(End::new(Exit::Interrupted, why))
}

fn recorded(attempt: &Attempt) -> (Actor, Event) {
    let (destination, outcome) = (Selector::new(&attempt.destination), attempt.outcome);
    (Actor::Egress, Event::NetworkAttempt { destination, outcome })
}

fn shown(attempt: &Attempt) -> Untrusted {
    let how = match attempt.outcome {
        AttemptOutcome::Connected => "an application connected to",
        AttemptOutcome::Refused => "an application was not let through to",
        AttemptOutcome::Unreachable => "an application could not reach",
    };
    Untrusted::new(format!("network: {how} {}", attempt.destination.escaped(200)))
}

fn script_ended(ended: Ended) -> Watched {
    if ended.usage.memory_kills > 0 {
        return Watched::Run(End::new(
            Exit::MemoryLimit,
            "the script used more memory than limits.memory_mb allows, the files it wrote to /work, \
             /tmp and /dev/shm included; the kernel killed it",
        ));
    }
    match ended.status {
        Some(Status::Ended(ending)) => Watched::Script(ending),
        Some(Status::Refused(failure)) => Watched::Run(sandbox_refused(&failure)),
        None => Watched::Script(Ending::Signal(9)),
    }
}

fn process_ended(ended: Ended, running: Running) -> End {
    if let Some(Status::Refused(failure)) = &ended.status {
        return sandbox_refused(failure);
    }
    let name = match ended.id {
        id if id == running.display => "the display (X server and applications)",
        id if id == running.desktop => "karakuri-desktop",
        id if Some(id) == running.egress => "karakuri-egress",
        _ => "karakuri-courier",
    };
    End::desktop(name, "ended while the run went on")
}
