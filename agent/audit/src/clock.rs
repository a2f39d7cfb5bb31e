//! The time of a record: wall time for people, boot time because nobody can set it.

use std::path::Path;
use std::{fs, io};

use rustix::time::{ClockId, clock_gettime};
use time::OffsetDateTime;
use time::macros::format_description;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The kernel's name for this boot, a UUID.
pub(crate) fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string(Path::new(BOOT_ID))?.trim_end().to_owned())
}

/// Nanoseconds since this boot, sleep included (`CLOCK_BOOTTIME`, clock_gettime(2)).
pub(crate) fn boot_time_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// The wall time, UTC, RFC 3339 with milliseconds.
pub(crate) fn wall_time() -> Result<String, time::error::Format> {
    OffsetDateTime::now_utc().format(format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
    ))
}
