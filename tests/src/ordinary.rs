//! Somebody without privilege: programs and models where he can read them, a state of his own.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::programs;

/// uid and gid; they need no name.
const USER: u32 = 54_321;

/// An ordinary user: where the test runs as root another one, else whoever runs it.
#[derive(Debug)]
pub struct Ordinary {
    home: TempDir,
}

impl Ordinary {
    /// Gives him copies of what he needs.
    ///
    /// # Errors
    /// When something cannot be copied.
    pub fn new() -> io::Result<Self> {
        let home = tempfile::tempdir()?;
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755))?;
        copy_files(&programs(), &home.path().join("bin"), |name| name.starts_with("karakuri"))?;
        copy_files(&assets(), &home.path().join("assets"), |name| !name.starts_with('.'))?;
        for name in ["assets", "state"] {
            let directory = home.path().join(name);
            fs::create_dir_all(&directory)?;
            if rustix::process::geteuid().is_root() {
                chown(&directory, Some(USER), Some(USER))?;
            }
        }
        Ok(Self { home })
    }

    /// The command `karakuri`, as him.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.home.path().join("bin/karakuri"));
        command.args(arguments).stdin(Stdio::null());
        command.env("KARAKURI_STATE", self.home.path().join("state"));
        command.env("KARAKURI_ASSETS", self.home.path().join("assets"));
        if rustix::process::geteuid().is_root() {
            command.uid(USER).gid(USER);
        }
        command
    }
}

/// The directory of the models.
#[must_use]
pub fn assets() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    std::env::var_os("KARAKURI_ASSETS")
        .map_or_else(|| home().join(".cache/karakuri/assets"), PathBuf::from)
}

fn copy_files(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_file() && wanted(&name.to_string_lossy()) {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
