//! The person before the run's window: they take over, act, and hand back. The script waits meanwhile.
//!
//! Nothing they do needs a grant of the workflow, and all of it is recorded before it is done: presses
//! with their places, keys by their number alone. The window says nothing of what it shows, and gets no
//! pixel from here.

use std::future::pending;
use std::rc::Rc;

use karakuri_audit::{Actor, Entry, Event, IntoEntry, ManualAct, Recorded, Selector};
use karakuri_link::AsyncLink;
use karakuri_protocol::desktop::Button;
use karakuri_protocol::geometry::Point;
use karakuri_protocol::job::Progress;
use karakuri_protocol::script::Level;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_protocol::watch::{Asked, Done, Held, Input, Inputs, MAX_INPUTS, Person, State, Told};
use tokio::sync::watch;

use super::{Pause, Record, Requester};
use crate::desktop::DesktopError;
use crate::end::End;
use crate::timeline::What;

/// The links of a window, and who sits before it.
#[derive(Debug)]
pub struct Window {
    /// Who.
    pub person: Person,
    /// To karakuri-watch.
    pub link: AsyncLink,
    /// To karakuri-desktop, for what they do.
    pub hands: AsyncLink,
}

/// One window of one run.
#[derive(Debug)]
pub struct Takeover<'a> {
    window: Window,
    record: &'a Record,
    requester: Requester,
    pause: Rc<Pause>,
    allowed: bool,
    now: Option<Now>,
}

/// A take-over that goes on.
#[derive(Debug)]
struct Now {
    /// What lets the pointer move.
    began: Recorded<Entry>,
    /// Buttons that are down, and where they were pressed.
    down: Vec<(Button, Point)>,
    clicks: u32,
    keys: u32,
}

/// What is recorded as one thing, and done once it is.
struct Step<'i> {
    run: &'i str,
    event: Event,
}

impl IntoEntry for Step<'_> {
    fn entry(&self) -> Entry {
        Entry { run: Some(self.run.to_owned()), actor: Actor::User, event: self.event.clone() }
    }
}

/// What stands together in one record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Movement,
    Keys,
    Button,
}

fn kind(input: &Input) -> Kind {
    match input {
        Input::Move { .. } => Kind::Movement,
        Input::Key { .. } => Kind::Keys,
        Input::Press { .. } | Input::Release { .. } | Input::Scroll { .. } => Kind::Button,
    }
}

impl<'a> Takeover<'a> {
    /// Tells the window of the run, and whether a take-over is `allowed`; `pause` is what the script
    /// waits for.
    pub fn new(
        window: Window,
        (workflow, allowed): (&str, bool),
        record: &'a Record,
        requester: Requester,
        pause: Rc<Pause>,
    ) -> Self {
        let takeover = Self { window, record, requester, pause, allowed, now: None };
        takeover.tell(&Told::Run { workflow: workflow.to_owned(), take_over: allowed });
        takeover
    }

    /// Serves the window; returns only when what is done cannot be recorded or the display fails.
    pub async fn serve(takeover: Option<&mut Self>) -> End {
        let Some(takeover) = takeover else { return pending().await };
        match takeover.until_it_closes().await {
            Ok(()) => pending().await,
            Err(end) => end,
        }
    }

    async fn until_it_closes(&mut self) -> Result<(), End> {
        let mut states = self.pause.states();
        loop {
            tokio::select! {
                _changed = states.changed() => self.changed(&mut states).await?,
                asked = self.window.link.recv::<Asked>() => match asked {
                    Ok(Some((asked, _))) => self.heard(asked).await?,
                    _ => return self.closed().await,
                },
            }
        }
    }

    fn tell(&self, told: &Told) {
        if let Err(e) = self.window.link.try_send(told) {
            tracing::debug!("the window does not listen: {e}");
        }
    }

    /// Somebody said who acts: we, or a word from another terminal.
    async fn changed(&mut self, states: &mut watch::Receiver<State>) -> Result<(), End> {
        let state = *states.borrow_and_update();
        if state != State::TakenOver {
            self.end().await?;
        }
        self.tell(&Told::State(state));
        Ok(())
    }

    async fn heard(&mut self, asked: Asked) -> Result<(), End> {
        let mut next = Some(asked);
        while let Some(asked) = next.take() {
            match asked {
                Asked::TakeOver => self.begin().await?,
                Asked::HandBack => self.hand_back().await?,
                Asked::Input(first) => {
                    let (inputs, other) = self.gather(first).await;
                    self.act(&inputs).await?;
                    next = other;
                }
            }
        }
        Ok(())
    }

    /// The inputs that are there already; and what was said after them, if that is no input.
    async fn gather(&self, first: Input) -> (Vec<Input>, Option<Asked>) {
        let mut inputs = vec![first];
        while inputs.len() < MAX_INPUTS {
            let said = tokio::select! {
                biased;
                said = self.window.link.recv::<Asked>() => said,
                () = std::future::ready(()) => break,
            };
            match said {
                Ok(Some((Asked::Input(input), _))) => inputs.push(input),
                Ok(Some((other, _))) => return (inputs, Some(other)),
                // It is found again when it is listened to.
                _ => break,
            }
        }
        (inputs, None)
    }

    async fn begin(&mut self) -> Result<(), End> {
        if self.now.is_some() || !self.allowed {
            return Ok(());
        }
        let Person { uid, user } = &self.window.person;
        let user = user.as_ref().map(|user| Selector::new(&Untrusted::new(user.as_str())));
        let name = user.as_ref().map_or_else(String::new, |user| format!("{}, ", user.as_str()));
        let text = format!("a person ({name}uid {uid}) took over");
        let event = Event::TakeoverBegan { uid: *uid, user };
        let run = Some(self.record.run.clone());
        let began = self.record.append(Entry { run, actor: Actor::User, event })?;
        self.pause.set(State::TakenOver);
        self.pause.quiet().await;
        self.now = Some(Now { began, down: Vec::new(), clicks: 0, keys: 0 });
        self.requester.tell(&Progress::TakenOver);
        self.show(text);
        Ok(())
    }

    async fn hand_back(&mut self) -> Result<(), End> {
        if self.now.is_some() {
            self.end().await?;
            self.pause.set(State::Running);
            self.requester.tell(&Progress::Paused(false));
        }
        Ok(())
    }

    /// Records the end of a take-over, if there is one; buttons that are down go up.
    async fn end(&mut self) -> Result<(), End> {
        let Some(now) = self.now.take() else { return Ok(()) };
        let release = |(button, at)| Input::Release { button, at, held: Held::default() };
        let down: Vec<Input> = now.down.into_iter().map(release).collect();
        if !down.is_empty() {
            self.carry_out(&now.began, &down).await?;
        }
        self.note_end(now.clicks, now.keys)
    }

    fn note_end(&self, clicks: u32, keys: u32) -> Result<(), End> {
        self.record.note(Actor::User, Event::TakeoverEnded { clicks, keys })?;
        self.show(format!("the person handed back (clicks: {clicks}, keys: {keys})"));
        Ok(())
    }

    /// The run ends, whoever acts.
    ///
    /// # Errors
    /// When that cannot be recorded.
    pub fn close(&mut self) -> Result<(), End> {
        self.now.take().map_or(Ok(()), |now| self.note_end(now.clicks, now.keys))
    }

    /// The window is gone: what a person had begun is not for the script to go on with by itself.
    async fn closed(&mut self) -> Result<(), End> {
        if self.now.is_some() {
            self.end().await?;
            self.pause.set(State::Paused);
            self.requester.tell(&Progress::Paused(true));
        }
        Ok(())
    }

    async fn act(&mut self, inputs: &[Input]) -> Result<(), End> {
        for part in inputs.chunk_by(|a, b| kind(a) == kind(b) && kind(a) != Kind::Button) {
            let Some(now) = &mut self.now else { return Ok(()) };
            let event = now.take_note(part);
            if let Some(text) = event.as_ref().and_then(shown) {
                self.show(text);
            }
            match (event, &self.now) {
                (Some(event), _) => {
                    let step = self.record.append(Step { run: &self.record.run, event })?;
                    self.carry_out(&step, part).await?;
                }
                (None, Some(now)) => self.carry_out(&now.began, part).await?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Has karakuri-desktop do what is recorded.
    async fn carry_out<T>(&self, _recorded: &Recorded<T>, inputs: &[Input]) -> Result<(), End> {
        let hands = &self.window.hands;
        hands.send(&Inputs(inputs.to_vec()), &[]).map_err(DesktopError::from)?;
        match hands.recv::<Done>().await.map_err(DesktopError::from)? {
            Some(_) => Ok(()),
            None => Err(DesktopError::Gone.into()),
        }
    }

    fn show(&self, text: String) {
        let text = Untrusted::new(text);
        self.requester.tell(&Progress::Line { text: text.clone() });
        self.record.push(What::Line { level: Level::Info, text });
    }
}

impl Now {
    /// Counts what is alike; what is to be recorded of it. A movement, and the release of a button where it
    /// was pressed, are in what is recorded already.
    fn take_note(&mut self, alike: &[Input]) -> Option<Event> {
        let pointer = |act, at: &Point| Some(Event::TakeoverPointer { act, at: (at.x, at.y) });
        match alike.first()? {
            Input::Move { .. } => None,
            Input::Press { button, at, .. } => {
                self.clicks += 1;
                self.down.push((*button, *at));
                pointer(ManualAct::Press(*button), at)
            }
            Input::Release { button, at, .. } => {
                let place = self.down.iter().position(|(down, _)| down == button);
                let pressed = place.map(|place| self.down.remove(place).1);
                if pressed == Some(*at) { None } else { pointer(ManualAct::Drop(*button), at) }
            }
            Input::Scroll { direction, at, .. } => pointer(ManualAct::Scroll(*direction), at),
            Input::Key { .. } => {
                let count = u32::try_from(alike.len()).unwrap_or(u32::MAX);
                self.keys = self.keys.saturating_add(count);
                Some(Event::TakeoverKeys { count })
            }
        }
    }
}

/// What the report shows of an event.
fn shown(event: &Event) -> Option<String> {
    let Event::TakeoverPointer { act, at: (x, y) } = event else { return None };
    Some(match act {
        ManualAct::Press(button) => format!("the person pressed {button:?} at {x},{y}"),
        ManualAct::Drop(button) => format!("the person released {button:?} at {x},{y}"),
        ManualAct::Scroll(direction) => format!("the person scrolled {direction:?} at {x},{y}"),
    })
}
