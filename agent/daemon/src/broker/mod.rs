//! The broker: may the run do this, and does it do too much? It decides and does nothing else.
//!
//! A call that passes becomes [`Approved`]; the rest of karakurid acts on nothing less.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use karakuri_protocol::script::{Call, CallError, ErrorKind};
use karakuri_workflow::grant::{Approved, Denied, Grant};
use karakuri_workflow::needs::{Reach, needs};

/// The grant with what is left of the budget.
#[derive(Debug)]
pub struct Broker {
    grant: Grant,
    acts: u32,
    recent: VecDeque<Instant>,
}

/// Why a call is not carried out.
#[derive(Debug)]
pub enum Refused {
    /// The grant does not allow it.
    Denied(Denied),
    /// The budget is used up.
    Budget(CallError),
}

/// A call that may be carried out, after `delay`.
#[derive(Debug)]
pub struct Admitted {
    /// The call.
    pub call: Approved<Call>,
    /// How long to wait first, so that the run stays within its rate.
    pub delay: Duration,
}

impl Broker {
    /// Decides under `grant`.
    #[must_use]
    pub fn new(grant: Grant) -> Self {
        Self { grant, acts: 0, recent: VecDeque::new() }
    }

    /// The grant.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Acts that were admitted so far.
    #[must_use]
    pub fn acts(&self) -> u32 {
        self.acts
    }

    /// Decides about one call that arrives at `now`.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn admit(&mut self, call: &Call, now: Instant) -> Result<Admitted, Refused> {
        let approved = self.grant.allows(call).map_err(Refused::Denied)?;
        let delay = match needs(call).reach {
            Reach::Act => self.charge(now)?,
            _ => Duration::ZERO,
        };
        Ok(Admitted { call: approved, delay })
    }

    /// Counts an act against budget and rate; how long it has to wait.
    fn charge(&mut self, now: Instant) -> Result<Duration, Refused> {
        let limits = self.grant.limits();
        if self.acts >= limits.actions {
            let message = format!(
                "the run has used up its {} acts; raise limits.actions in workflow.toml",
                limits.actions
            );
            return Err(Refused::Budget(CallError::new(ErrorKind::BudgetExceeded, message)));
        }
        self.acts += 1;
        let window = Duration::from_secs(1);
        while self.recent.front().is_some_and(|first| *first + window <= now) {
            self.recent.pop_front();
        }
        let rate = limits.actions_per_s as usize;
        let excess = self.recent.len().checked_sub(rate).and_then(|i| self.recent.get(i));
        let start = excess.map_or(now, |oldest| (*oldest + window).max(now));
        self.recent.push_back(start);
        Ok(start - now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use karakuri_protocol::script::PressParams;
    use karakuri_workflow::manifest::Manifest;
    use karakuri_workflow::policy::Policy;

    fn broker(limits: &str) -> Broker {
        let text = format!(
            "name = \"t\"\nversion = \"1.0.0\"\nagent = \">=0.1\"\nentry = \"main.py\"\n\
             [permissions]\ninput = true\n[limits]\n{limits}\n"
        );
        let manifest = Manifest::parse(&text, "workflow.toml").unwrap();
        Broker::new(Grant::decide(&manifest, &Policy::development()).unwrap())
    }

    fn press() -> Call {
        Call::Press(PressParams { keys: "a".to_owned() })
    }

    #[test]
    fn the_budget_ends() {
        let mut broker = broker("actions = 2");
        let now = Instant::now();
        assert!(broker.admit(&press(), now).is_ok());
        assert!(broker.admit(&press(), now).is_ok());
        assert!(matches!(broker.admit(&press(), now), Err(Refused::Budget(_))));
    }

    #[test]
    fn acts_beyond_the_rate_wait_for_their_second() {
        let mut broker = broker("actions_per_s = 2");
        let now = Instant::now();
        let delays: Vec<_> =
            (0..5).map(|_| broker.admit(&press(), now).unwrap().delay.as_millis()).collect();
        assert_eq!(delays, [0, 0, 1000, 1000, 2000]);
        let later = now + Duration::from_secs(10);
        assert_eq!(broker.admit(&press(), later).unwrap().delay, Duration::ZERO);
    }

    #[test]
    fn what_is_not_granted_is_denied_and_costs_nothing() {
        let mut broker = broker("actions = 1");
        let clipboard = Call::GetClipboard(karakuri_protocol::script::NoParams {});
        assert!(matches!(broker.admit(&clipboard, Instant::now()), Err(Refused::Denied(_))));
        assert!(broker.admit(&press(), Instant::now()).is_ok());
    }
}
