//! The time by which stays are counted: the wall clock when this process started, and what has passed
//! since by `CLOCK_BOOTTIME`, which nobody sets and which goes on while the machine sleeps.

use karakuri_spool::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use time::OffsetDateTime;

/// See the module's documentation.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall_ms: u64,
    boot_ms: u64,
}

impl Clock {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        let wall = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        Self { wall_ms: u64::try_from(wall).unwrap_or(0), boot_ms: since_boot() }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(self.wall_ms + since_boot().saturating_sub(self.boot_ms))
    }
}

fn since_boot() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let ms = i128::from(time.tv_sec) * 1000 + i128::from(time.tv_nsec) / 1_000_000;
    u64::try_from(ms).unwrap_or(0)
}
