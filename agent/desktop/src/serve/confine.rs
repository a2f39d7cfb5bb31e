//! What this process can still reach once the display is open: shared libraries, what ONNX Runtime
//! reads of the machine, and the X server for the fallback capture, which connects anew each time.
//!
//! Applied before the models come, so that they are parsed, and the threads that run them start,
//! behind the walls already.

use std::path::Path;

use karakuri_sandbox::policy::Access;
use karakuri_sandbox::restrict::{self, RestrictError, Restricted};
use karakuri_sandbox::seccomp;

/// Read by the dynamic loader for the libraries ONNX Runtime needs, and by ONNX Runtime to learn of
/// processors and memory. What does not exist on a machine is left out.
const READABLE: [&str; 7] = [
    "/etc/ld.so.cache",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/proc/cpuinfo",
    "/proc/self",
    "/sys/devices/system/cpu",
];

/// Puts the walls up; call it on the only thread.
///
/// # Errors
/// When one of them cannot be put up. The process must end then.
pub fn confine() -> Result<Restricted, RestrictError> {
    let authority = std::env::var_os("XAUTHORITY");
    let paths: Vec<(&Path, Access)> = READABLE
        .iter()
        .map(Path::new)
        .chain(authority.as_deref().map(Path::new))
        .filter(|path| path.exists())
        .map(|path| (path, Access::Read))
        .collect();
    restrict::apply(seccomp::DESKTOP, &paths)
}
