//! Workflows written for one test.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A workflow in a directory of its own.
#[derive(Debug)]
pub struct Workflow(TempDir);

/// A manifest that asks for everything this version grants.
const MANIFEST: &str = r#"
name = "test"
version = "1.0.0"
agent = ">=0.1"
entry = "main.py"

[permissions]
apps = ["xterm", "mousepad"]
screen = true
input = true
clipboard = true
files = "write"

[limits]
wall_s = 60

[outputs.result]
type = "json"
"#;

impl Workflow {
    /// A workflow whose `main.py` is `script`, with everything granted.
    ///
    /// # Panics
    /// When the directory cannot be written.
    #[must_use]
    pub fn new(script: &str) -> Self {
        let workflow = Self::empty();
        workflow.file("workflow.toml", MANIFEST).file("main.py", script);
        workflow
    }

    /// An empty directory.
    ///
    /// # Panics
    /// When there is no room for one.
    #[must_use]
    pub fn empty() -> Self {
        let directory =
            tempfile::tempdir().unwrap_or_else(|e| panic!("a temporary directory: {e}"));
        Self(directory)
    }

    /// Writes a file.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn file(&self, name: &str, content: &str) -> &Self {
        fs::write(self.path().join(name), content).unwrap_or_else(|e| panic!("{name}: {e}"));
        self
    }

    /// Replaces a part of the manifest.
    ///
    /// # Panics
    /// When the part is not there.
    #[must_use]
    pub fn manifest(self, from: &str, to: &str) -> Self {
        assert!(MANIFEST.contains(from), "{from:?} is not in the manifest");
        self.file("workflow.toml", &MANIFEST.replace(from, to));
        self
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
