//! How fast uploads may go, all together.

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A limit in bytes a second that all who hold a copy share; none where the site sets none.
#[derive(Clone, Debug)]
pub(crate) struct Pace(Option<Arc<Limit>>);

#[derive(Debug)]
struct Limit {
    bytes_per_second: NonZeroU64,
    /// When the line is free again.
    free: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn new(bytes_per_second: Option<NonZeroU64>) -> Self {
        let limit = |bytes_per_second| {
            Arc::new(Limit { bytes_per_second, free: Mutex::new(Instant::now()) })
        };
        Self(bytes_per_second.map(limit))
    }

    /// Takes the line for `bytes`; the moment from which they may go, if that is not now.
    pub(crate) fn take(&self, bytes: usize) -> Option<Instant> {
        let limit = self.0.as_ref()?;
        let nanoseconds = u128::from(bytes as u64) * 1_000_000_000;
        let taken = nanoseconds / u128::from(limit.bytes_per_second.get());
        let taken = Duration::from_nanos(u64::try_from(taken).unwrap_or(u64::MAX));
        let now = Instant::now();
        let mut free = limit.free.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = (*free).max(now);
        *free = begin.checked_add(taken).unwrap_or(begin);
        (begin > now).then_some(begin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_follow_one_another_at_the_given_pace() {
        let pace = Pace::new(NonZeroU64::new(1000));
        let other = pace.clone();
        assert_eq!(pace.take(500), None);
        let second = other.take(1000).unwrap();
        let third = pace.take(1).unwrap();
        assert_eq!(third - second, Duration::from_secs(1));
        assert_eq!(Pace::new(None).take(usize::MAX), None);
    }
}
