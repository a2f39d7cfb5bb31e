//! The lists of system calls, one JSON file per kind of process, in seccompiler's format.
//!
//! Every list allows what it names and answers everything else with `EPERM`; a call made for
//! another architecture kills the process. Every list has a second filter, installed last, that
//! answers newer calls with `ENOSYS` so that libraries fall back. It also takes away the calls that
//! install filters. Where both filters answer with an error the
//! kernel takes the newest one's (seccomp(2), "the most recently installed").

use seccompiler::{BpfProgram, TargetArch};

/// A list that is not compiled yet.
#[derive(Clone, Copy, Debug)]
pub struct List {
    json: &'static str,
    /// Names of the filters in the file, in the order of installation.
    filters: &'static [&'static str],
}

/// For the customer's script.
pub const SCRIPT: List =
    List { json: include_str!("script.json"), filters: &["script", "script_enosys"] };
/// For applications, the X server and the window manager.
pub const APPLICATION: List =
    List { json: include_str!("app.json"), filters: &["app", "app_enosys"] };
/// For karakuri-desktop until it has connected and restricts itself to [`DESKTOP`].
pub const START: List =
    List { json: include_str!("start.json"), filters: &["start", "start_enosys"] };
/// For karakurid.
pub const DAEMON: List =
    List { json: include_str!("daemon.json"), filters: &["daemon", "daemon_enosys"] };
/// For karakuri-desktop.
pub const DESKTOP: List =
    List { json: include_str!("desktop.json"), filters: &["desktop", "desktop_enosys"] };
/// For karakuri-courier.
pub const COURIER: List =
    List { json: include_str!("courier.json"), filters: &["courier", "courier_enosys"] };

/// Why a list is not in force.
#[derive(Debug, thiserror::Error)]
pub enum SeccompError {
    /// The list itself is wrong.
    #[error("the list of system calls does not compile: {0}")]
    List(String),
    /// The kernel refused the filter.
    #[error("the kernel refused the system call filter: {0}")]
    Install(#[from] seccompiler::Error),
}

/// A list ready to be installed.
#[derive(Debug)]
pub struct Compiled(Vec<BpfProgram>);

impl List {
    /// Compiles the list for this machine.
    ///
    /// # Errors
    /// When the list names a call this architecture does not have.
    pub fn compile(&self) -> Result<Compiled, SeccompError> {
        let arch = TargetArch::try_from(std::env::consts::ARCH)
            .map_err(|e| SeccompError::List(e.to_string()))?;
        let mut map = seccompiler::compile_from_json(self.json.as_bytes(), arch)
            .map_err(|e| SeccompError::List(e.to_string()))?;
        let programs = self.filters.iter().map(|name| {
            map.remove(*name).ok_or_else(|| SeccompError::List(format!("{name} is missing")))
        });
        Ok(Compiled(programs.collect::<Result<_, _>>()?))
    }
}

impl Compiled {
    /// Puts the filters in force for this thread and all it starts, for ever.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn install(&self) -> Result<(), SeccompError> {
        for program in &self.0 {
            seccompiler::apply_filter(program)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_compiles() {
        for list in [SCRIPT, APPLICATION, START, DAEMON, DESKTOP, COURIER] {
            list.compile().unwrap();
        }
    }
}
