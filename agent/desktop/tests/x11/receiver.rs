//! Programs that tell what they received from the keyboard.
//!
//! Each shows one text field, and writes what it holds as a line of JSON when it is asked to by a
//! key; the key goes the same way as the text, so it also tells when all of it was handled.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use karakuri_protocol::desktop::{Act, Effect, Reply, Request, Window};
use rustix::fs::{CWD, FileType, Mode};

use super::rig::{Desktop, Display, Owned, PATIENCE};

/// A kind of program with a kind of field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Xterm,
    GtkEntry,
    GtkView,
    QtLine,
    QtText,
    ChromiumInput,
    ChromiumArea,
    Writer,
}

impl Kind {
    /// Whether a text can be more than a line long there.
    pub(crate) fn has_lines(self) -> bool {
        !matches!(self, Self::GtkEntry | Self::QtLine | Self::ChromiumInput)
    }

    /// The key that makes it tell.
    fn key(self) -> &'static str {
        if self == Self::Xterm { "ctrl+g" } else { "F9" }
    }
}

/// A program that is running and has the keyboard.
pub(crate) struct Receiver {
    pub(crate) kind: Kind,
    window: Window,
    _child: Owned,
    told: mpsc::Receiver<String>,
}

impl Receiver {
    pub(crate) fn start(display: &Display, desktop: &mut Desktop, kind: Kind) -> Self {
        let receiver = Self::start_unfocused(display, desktop, kind);
        let window = receiver.window.id;
        assert_eq!(desktop.act(Act::Focus { window }, 5000), Effect::Confirmed);
        receiver
    }

    /// Shown, but perhaps without the keyboard.
    pub(crate) fn start_unfocused(display: &Display, desktop: &mut Desktop, kind: Kind) -> Self {
        let fifo = fifo(display, &format!("{kind:?}"));
        let mut command = command(display, kind, &fifo);
        let told = if matches!(kind, Kind::ChromiumInput | Kind::ChromiumArea) {
            let writer = File::options().read(true).write(true).open(&fifo).unwrap();
            let told = lines(fifo);
            command.stderr(Stdio::from(writer));
            told
        } else {
            lines(fifo)
        };
        let (child, window) = desktop.open(&mut command);
        if matches!(kind, Kind::ChromiumInput | Kind::ChromiumArea) {
            desktop.await_title(window.id, "page ready");
            desktop.still(500);
        }
        Self { kind, window, _child: child, told }
    }

    /// Types `text`; what arrived, or why it was not typed.
    pub(crate) fn type_text(&self, desktop: &mut Desktop, text: &str) -> String {
        let act = Act::Type { text: text.into() };
        match desktop.ask(Request::Act { act, watch_ms: 2000, picture: false }) {
            Reply::Acted { .. } => self.content(desktop),
            other => format!("{other:?}"),
        }
    }

    /// What has arrived since it was last asked.
    pub(crate) fn content(&self, desktop: &mut Desktop) -> String {
        desktop.press(self.kind.key());
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.told.recv_timeout(left).expect("the program never told");
            if let Some(text) = parsed(&line) {
                return text;
            }
        }
    }
}

/// Where the programs are.
pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/x11/receivers")
}

fn command(display: &Display, kind: Kind, fifo: &Path) -> Command {
    let source = sources();
    let python = |script: &str, field: &str| {
        let mut command = display.command("/usr/bin/python3");
        command.arg(source.join(script)).arg(field).arg(fifo);
        command
    };
    match kind {
        Kind::Xterm => {
            let mut command = display.command("xterm");
            command
                .args(["-u8", "-e", "/usr/bin/python3"])
                .arg(source.join("terminal.py"))
                .arg(fifo);
            command
        }
        Kind::GtkEntry => python("gtk.py", "entry"),
        Kind::GtkView => python("gtk.py", "view"),
        Kind::QtLine => python("qt.py", "line"),
        Kind::QtText => python("qt.py", "text"),
        Kind::Writer => python("writer.py", "gen"),
        Kind::ChromiumInput | Kind::ChromiumArea => {
            let field = if kind == Kind::ChromiumInput { "input" } else { "area" };
            let mut command = display.command("chromium");
            command
                .args([
                    "--no-sandbox",
                    "--no-first-run",
                    "--disable-gpu",
                    "--enable-logging=stderr",
                ])
                .args(["--disable-dev-shm-usage", "--password-store=basic"])
                .arg(format!("--user-data-dir={}", display.path("chromium").display()))
                .arg(format!("--app=file://{}#{field}", source.join("page.html").display()));
            command
        }
    }
}

/// A named pipe through which a program tells what it received.
pub(crate) fn fifo(display: &Display, name: &str) -> PathBuf {
    let path = display.path(name);
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(CWD, &path, FileType::Fifo, mode, 0).unwrap();
    path
}

/// The lines that come through a named pipe.
pub(crate) fn lines(fifo: PathBuf) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(File::open(fifo).unwrap()).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}

/// The text of a line of JSON, which Chromium puts between quotes of its own.
fn parsed(line: &str) -> Option<String> {
    let json = match line.split_once("received ") {
        Some((_, rest)) => rest.rsplit_once("\", source:")?.0,
        None => line,
    };
    serde_json::from_str(json).ok()
}
