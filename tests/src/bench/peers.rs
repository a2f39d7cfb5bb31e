//! What Karakuri is measured against: what one would use without it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::error::{BenchError, of};
use super::processes;

/// Program → the Debian package it is in.
const PROGRAMS: &[(&str, &str)] = &[
    ("Xvfb", "xvfb"),
    ("xvfb-run", "xvfb"),
    ("python3", "python3"),
    ("bwrap", "bubblewrap"),
    ("firejail", "firejail"),
    ("tesseract", "tesseract-ocr tesseract-ocr-eng"),
    ("xdotool", "xdotool"),
    ("scrot", "scrot"),
    ("soffice", "libreoffice-writer libreoffice-calc python3-uno"),
    ("java", "default-jdk-headless default-jre"),
    ("Xvnc", "tigervnc-standalone-server"),
    ("pdftotext", "poppler-utils"),
];

/// Checks that every peer is installed.
///
/// # Errors
/// Names all that are not, with their packages.
pub fn require() -> Result<(), BenchError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &str| std::env::split_paths(&path).any(|d| d.join(name).is_file());
    let missing: Vec<String> = PROGRAMS
        .iter()
        .filter(|(program, _)| !is_there(program))
        .map(|(program, package)| format!("  {program}: apt-get install {package}"))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(BenchError::Missing(missing.join("\n"))) }
}

/// What one call of a peer cost.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
    pub(super) stdout: String,
}

/// The peers, and the display on which they click.
#[derive(Debug)]
pub struct Peers {
    server: Child,
    display: String,
}

impl Peers {
    /// Starts an X server of their own, as large as a run's.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start() -> Result<Self, BenchError> {
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1280x800x24",
                "-noreset",
                "-nolisten",
                "tcp",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(of("Xvfb"))?;
        let mut number = String::new();
        if let Some(stdout) = server.stdout.take() {
            BufReader::new(stdout).read_line(&mut number).map_err(of("Xvfb"))?;
        }
        let peers = Self { server, display: format!(":{}", number.trim()) };
        if number.is_empty() {
            Err(BenchError::Absent("display of Xvfb".into()))
        } else {
            Ok(peers)
        }
    }

    /// A display and an interpreter that does nothing.
    pub(super) fn empty_script(&self) -> Result<Call, BenchError> {
        let mut command = Command::new("xvfb-run");
        call(command.args(["-a", "/usr/bin/python3", "-c", "pass"]))
    }

    /// Reads a picture of a screen.
    pub(super) fn read(&self, picture: &Path) -> Result<Call, BenchError> {
        call(Command::new("tesseract").arg(picture).args(["stdout", "-l", "eng"]))
    }

    /// Clicks without looking whether anything came of it, and without the 100 ms that xdotool
    /// waits after a click by default.
    pub(super) fn click(&self, x: u32, y: u32) -> Result<Call, BenchError> {
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string(), "click", "--delay", "0", "1"])
    }

    /// Moves the pointer.
    pub(super) fn hover(&self, x: u32, y: u32) -> Result<Call, BenchError> {
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string()])
    }

    fn xdotool(&self, arguments: &[&str]) -> Result<Call, BenchError> {
        call(Command::new("xdotool").args(arguments).env("DISPLAY", &self.display))
    }

    /// The text a PDF holds.
    pub(super) fn text_of(&self, pdf: &Path) -> Result<Call, BenchError> {
        call(Command::new("pdftotext").arg(pdf).arg("-"))
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // It may be gone already.
        let _killed = self.server.kill();
        let _status = self.server.wait();
    }
}

/// Runs a peer to its end.
pub(super) fn call(command: &mut Command) -> Result<Call, BenchError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let cpu = processes::ended_cpu();
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().map_err(of(&program))?;
    let wall = start.elapsed();
    let cpu = processes::ended_cpu().saturating_sub(cpu);
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(BenchError::Peer { program, status: output.status, stderr });
    }
    Ok(Call { wall, cpu, stdout: String::from_utf8_lossy(&output.stdout).into_owned() })
}
