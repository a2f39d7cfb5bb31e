//! What this process can still reach once its window is open: its two links and that connection. No file, no
//! program, no socket: the calls are those of karakurid, which makes none either.

use karakuri_sandbox::restrict::{self, RestrictError, Restricted};
use karakuri_sandbox::seccomp;

/// Puts the walls up; call it on the only thread.
///
/// # Errors
/// When one of them cannot be put up. The process must end then.
pub fn confine() -> Result<Restricted, RestrictError> {
    restrict::apply(seccomp::DAEMON, &[])
}
