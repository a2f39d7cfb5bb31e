//! What of the audit log the site's event bus is told. The news follows the record, and says no more.

use karakuri_audit::Event;
use karakuri_protocol::event::{MAX_STEPS, RunEvent};
use karakuri_protocol::untrusted::Untrusted;

use super::Record;
use crate::end::End;

/// Characters of a step's name that are told.
const MAX_NAME: usize = 200;

impl Record {
    /// Seals an event for the bus; nothing, where there are no keys yet or the site has no bus.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn announce(&self, event: RunEvent) -> Result<(), End> {
        self.announce_of(&self.run, event)
    }

    /// Tells of another run.
    pub(crate) fn announce_of(&self, run: &str, event: RunEvent) -> Result<(), End> {
        let announced = self.evidence.borrow_mut().announce(run, event);
        announced.map_err(|e| End::evidence("sealing an event", e))
    }

    /// Tells that a step begins, unless there were very many.
    pub(super) fn announce_step(&self, name: &Untrusted) -> Result<(), End> {
        let number = self.steps.get().saturating_add(1);
        self.steps.set(number);
        if number > MAX_STEPS {
            return Ok(());
        }
        self.announce(RunEvent::Step { number, name: name.escaped(MAX_NAME) })
    }

    /// What the bus is told of a recorded event.
    pub(super) fn news_of(&self, event: &Event) -> Option<RunEvent> {
        Some(match event {
            Event::RunStarted { workflow, version, .. } => {
                RunEvent::Accepted { workflow: workflow.clone(), version: version.clone() }
            }
            Event::RunRefused { rule, .. } => RunEvent::Refused { rule: rule.clone() },
            Event::RunPaused {} | Event::TakeoverBegan { .. } => RunEvent::Paused {},
            Event::RunResumed {} | Event::TakeoverEnded { .. } => RunEvent::Resumed {},
            Event::RunFinished { outcome, acts, artifacts } => RunEvent::Finished {
                outcome: *outcome,
                acts: *acts,
                steps: self.steps.get(),
                artifacts: *artifacts,
            },
            _ => return None,
        })
    }
}
