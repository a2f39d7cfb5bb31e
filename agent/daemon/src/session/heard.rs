//! What happens beside the conversation with the script: it is recorded as soon as whoever heard of it waits.

use std::cell::RefCell;

use karakuri_audit::{Actor, Event};
use tokio::sync::Notify;

use super::Record;
use crate::end::End;

/// Events that wait to be recorded, before whatever is recorded next.
#[derive(Debug, Default)]
pub struct Heard {
    waiting: RefCell<Vec<(Actor, Event)>>,
    more: Notify,
}

impl Heard {
    /// Adds one.
    pub fn push(&self, actor: Actor, event: Event) {
        self.waiting.borrow_mut().push((actor, event));
        self.more.notify_one();
    }

    pub(super) fn take(&self) -> Vec<(Actor, Event)> {
        self.waiting.take()
    }
}

/// Records what is heard; returns only when that fails.
pub async fn record_heard(record: &Record) -> End {
    loop {
        record.heard.more.notified().await;
        if let Err(end) = record.catch_up() {
            return end;
        }
    }
}
