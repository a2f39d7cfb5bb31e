//! What karakuri-courier can still reach: the store, and the files that come with the requests.

use std::path::Path;

use karakuri_sandbox::policy::Access;
use karakuri_sandbox::restrict::{self, RestrictError, Restricted};
use karakuri_sandbox::seccomp;

/// Puts the walls up; call it on the only thread.
///
/// # Errors
/// When one of them cannot be put up. The process must end then.
pub fn confine(store: &Path) -> Result<Restricted, RestrictError> {
    restrict::apply(seccomp::COURIER, &[(store, Access::ReadWrite)])
}
