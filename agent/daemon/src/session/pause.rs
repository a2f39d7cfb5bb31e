//! Who acts: the script, nobody, or a person in the run's window. While it is not the script, no call of it
//! is carried out, and the time does not count against the run.

use std::cell::Cell;
use std::time::Duration;

use karakuri_protocol::watch::State;
use tokio::sync::watch;
use tokio::time::Instant;

/// Shared by whoever hears the person and whoever carries calls out.
#[derive(Debug)]
pub struct Pause {
    state: watch::Sender<State>,
    acting: watch::Sender<bool>,
    /// How long all pauses took that are over.
    past: Cell<Duration>,
    /// Since when the script waits.
    since: Cell<Option<Instant>>,
    pauses: Cell<u32>,
}

impl Default for Pause {
    fn default() -> Self {
        Self {
            state: watch::Sender::new(State::Running),
            acting: watch::Sender::new(false),
            past: Cell::default(),
            since: Cell::default(),
            pauses: Cell::default(),
        }
    }
}

/// An act of the script is carried out as long as this is there.
#[derive(Debug)]
pub struct Acting<'p>(&'p Pause);

impl Drop for Acting<'_> {
    fn drop(&mut self) {
        self.0.acting.send_replace(false);
    }
}

impl Pause {
    /// Says who acts from now on; who did before.
    pub fn set(&self, state: State) -> State {
        match (state, self.since.get()) {
            (State::Running, Some(since)) => {
                self.past.set(self.past.get() + since.elapsed());
                self.since.set(None);
            }
            (State::Paused | State::TakenOver, None) => {
                self.since.set(Some(Instant::now()));
                self.pauses.set(self.pauses.get() + 1);
            }
            _ => {}
        }
        self.state.send_replace(state)
    }

    /// Tells when who acts has changed.
    #[must_use]
    pub fn states(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// How often the script had to wait so far.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.pauses.get()
    }

    /// Returns when the script may act.
    pub async fn over(&self) {
        // The sender lives as long as this value, so the wait ends with the pause alone.
        let mut states = self.states();
        let _resumed = states.wait_for(|state| *state == State::Running).await;
    }

    /// Waits until the script may act, and has whoever takes over wait for the end of the act.
    pub async fn act(&self) -> Acting<'_> {
        self.over().await;
        self.acting.send_replace(true);
        Acting(self)
    }

    /// Returns when no act of the script is carried out.
    pub async fn quiet(&self) {
        let mut acting = self.acting.subscribe();
        let _quiet = acting.wait_for(|acting| !acting).await;
    }

    /// Returns when a run that began at `start` has run for `wall`, pauses not counted.
    pub async fn has_run_for(&self, start: Instant, wall: Duration) {
        let mut states = self.states();
        loop {
            let end = start + wall + self.past.get();
            tokio::select! {
                () = tokio::time::sleep_until(end), if self.since.get().is_none() => return,
                _changed = states.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_goes_on_when_the_pause_is_over() {
        let pause = Pause::default();
        assert_eq!(
            (pause.set(State::Paused), pause.set(State::TakenOver)),
            (State::Running, State::Paused)
        );
        assert_eq!(pause.count(), 1);
        let resumed = Cell::new(false);
        let resume = async {
            tokio::task::yield_now().await;
            resumed.set(true);
            assert_eq!(pause.set(State::Running), State::TakenOver);
        };
        tokio::join!(resume, async {
            pause.over().await;
            assert!(resumed.get());
        });
    }

    #[tokio::test]
    async fn who_takes_over_waits_for_the_act_that_is_carried_out() {
        let pause = Pause::default();
        let acting = pause.act().await;
        pause.set(State::TakenOver);
        let ended = Cell::new(false);
        let end = async {
            tokio::task::yield_now().await;
            ended.set(true);
            drop(acting);
        };
        tokio::join!(end, async {
            pause.quiet().await;
            assert!(ended.get());
        });
    }

    #[tokio::test]
    async fn a_pause_does_not_count() {
        let (pause, start, ms) = (Pause::default(), Instant::now(), Duration::from_millis);
        pause.set(State::Paused);
        let go = async {
            tokio::time::sleep(ms(40)).await;
            pause.set(State::Running);
        };
        tokio::join!(go, pause.has_run_for(start, ms(30)));
        assert!(start.elapsed() >= ms(70), "{:?}", start.elapsed());
    }
}
