//! What karakurid can still reach once it has its links, its keys and the job: own spool and audit
//! log, the run's file systems, models. No exec, no fork, no socket.

use std::path::Path;

use karakuri_sandbox::policy::Access;
use karakuri_sandbox::restrict::{self, RestrictError, Restricted};
use karakuri_sandbox::seccomp;

use crate::config::Config;

/// Puts the walls up; call it on the only thread.
///
/// # Errors
/// When one of them cannot be put up. The process must end then.
pub fn confine(config: &Config) -> Result<Restricted, RestrictError> {
    let (audit, spool) = (config.state.join("audit"), config.state.join("spool"));
    let paths: [(&Path, Access); 4] = [
        (&audit, Access::ReadWrite),
        (&spool, Access::ReadWrite),
        (&config.run_root, Access::ReadWrite),
        (&config.assets, Access::Read),
    ];
    restrict::apply(seccomp::DAEMON, &paths)
}
