//! A display of its own for each test, and karakuri-desktop on it.
//!
//! Whatever was started is killed by its handle when the test ends, by success or panic.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use karakuri_desktop::frame::Frame;
use karakuri_protocol::desktop::{Act, Effect, Question, Reply, Request, VERSION, Window};
use karakuri_sandbox::link::Link;
use karakuri_sandbox::memfd::read_sealed;
use tempfile::TempDir;

/// After so long a test fails instead of hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A child that does not outlive the test.
pub(crate) struct Owned(pub(crate) Child);

impl Owned {
    /// Waits for its end.
    pub(crate) fn finish(mut self) -> ExitStatus {
        let (done, ended) = mpsc::channel::<()>();
        let id = rustix::process::Pid::from_child(&self.0);
        std::thread::spawn(move || {
            if ended.recv_timeout(PATIENCE).is_err_and(|e| e == mpsc::RecvTimeoutError::Timeout) {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            }
        });
        let status = self.0.wait().unwrap();
        drop(done);
        status
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Xvfb and, in most tests, openbox.
pub(crate) struct Display {
    pub(crate) dir: TempDir,
    pub(crate) name: String,
    bus: Option<(String, Owned)>,
    _openbox: Option<Owned>,
    _xvfb: Owned,
}

impl Display {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more options for Xvfb.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let mut display = Self::bare(options);
        display.manage(concat!(env!("CARGO_MANIFEST_DIR"), "/session/rc.xml").as_ref());
        display
    }

    /// With the bus of a run, on which programs also say what they show.
    pub(crate) fn with_bus() -> Self {
        let mut display = Self::start();
        let address = format!("unix:path={}", display.path("bus").display());
        let config = display.path("bus.conf");
        let ours = include_str!("../../session/bus.conf");
        std::fs::write(&config, ours.replace("unix:path=/run/karakuri/bus", &address)).unwrap();
        let mut bus = display
            .command("dbus-daemon")
            .args(["--nofork", "--nopidfile", "--nosyslog", "--print-address=1"])
            .arg(format!("--config-file={}", config.display()))
            .env("AT_SPI_BUS_ADDRESS", &address)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        assert!(first_line(bus.stdout.take().unwrap()).starts_with(&address));
        // As karakuri-desktop does in a run.
        let arguments = ["-root", "-f", "AT_SPI_BUS", "8s", "-set", "AT_SPI_BUS", &address];
        assert!(display.command("xprop").args(arguments).status().unwrap().success());
        display.bus = Some((address, Owned(bus)));
        display
    }

    /// With a window manager that gives no window the keyboard for being clicked.
    pub(crate) fn start_without_click_to_focus() -> Self {
        let mut display = Self::bare(&[]);
        let config = display.path("rc.xml");
        let nothing_bound = "<openbox_config xmlns=\"http://openbox.org/3.4/rc\"><mouse/>\
            <focus><focusNew>yes</focusNew></focus></openbox_config>";
        std::fs::write(&config, nothing_bound).unwrap();
        display.manage(&config);
        display
    }

    fn manage(&mut self, config: &Path) {
        let mut openbox = self
            .command("openbox")
            .arg("--config-file")
            .arg(config)
            .args(["--startup", "echo ready"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ready = first_line(openbox.stdout.take().unwrap());
        self._openbox = Some(Owned(openbox));
        assert_eq!(ready, "ready");
    }

    /// Without a window manager.
    pub(crate) fn bare(options: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("sockets")).unwrap();
        let authority = dir.path().join("authority");
        write_cookie(&authority);
        let mut xvfb = program("", dir.path(), "Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-noreset"])
            .args(["-nolisten", "tcp", "-nolisten", "local", "-auth"])
            .arg(&authority)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let number = first_line(xvfb.stdout.take().unwrap());
        let name = format!(":{number}");
        let xvfb = Owned(xvfb);
        Self { dir, name, bus: None, _openbox: None, _xvfb: xvfb }
    }

    /// Where the bus is, on a display that has one.
    pub(crate) fn bus_address(&self) -> &str {
        self.bus.as_ref().map_or("", |(address, _)| address)
    }

    /// A command for this display.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = program(&self.name, self.dir.path(), name);
        if let Some((address, _)) = &self.bus {
            command.env_remove("NO_AT_BRIDGE").env("QT_LINUX_ACCESSIBILITY_ALWAYS_ON", "1");
            command.env("AT_SPI_BUS_ADDRESS", address).env("DBUS_SESSION_BUS_ADDRESS", address);
        }
        command
    }

    /// karakuri-desktop without models.
    pub(crate) fn desktop(&self, arguments: &[&str]) -> Desktop {
        Desktop::start(self, arguments)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// Runs what follows with a `/tmp/.X11-unix` that only the programs of one test share. Servers that
/// have no abstract socket, as those of a run, would take each other's socket file otherwise.
const ALONE: &str = "mkdir -p /tmp/.X11-unix && mount --bind \"$0\" /tmp/.X11-unix && exec \"$@\"";

/// A program in namespaces of its own for mounts and network, with a small environment.
fn program(display: &str, dir: &Path, name: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        // Not as root: xterm would try to give its terminal to a group that does not exist here.
        .args(["--map-user=1000", "--map-group=1000", "--keep-caps", "--mount", "--net"])
        .args(["sh", "-c", ALONE])
        .arg(dir.join("sockets"))
        .arg(name)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("DISPLAY", display)
        .env("XAUTHORITY", dir.join("authority"))
        .env("HOME", dir)
        .env("LANG", "C.UTF-8")
        .env("GSETTINGS_BACKEND", "memory")
        .env("NO_AT_BRIDGE", "1")
        .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
        .stdin(Stdio::null());
    command
}

/// An Xauthority file whose one entry fits every display (family "wild", Xau(3)).
fn write_cookie(path: &Path) {
    let mut cookie = [0; 16];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut cookie).unwrap();
    let mut file = std::fs::File::create(path).unwrap();
    file.write_all(&[0xff, 0xff, 0, 0, 0, 0, 0, 18]).unwrap();
    file.write_all(b"MIT-MAGIC-COOKIE-1\x00\x10").unwrap();
    file.write_all(&cookie).unwrap();
}

fn first_line(output: impl Read) -> String {
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// karakuri-desktop and our end of its link.
pub(crate) struct Desktop {
    link: Link,
    process: Owned,
    pub(crate) capture: String,
}

impl Desktop {
    fn start(display: &Display, arguments: &[&str]) -> Self {
        let (ours, theirs) = Link::pair().unwrap();
        // The shell moves the link from fd 0, where `Command` can put it, to fd 3.
        let process = display
            .command("/bin/sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 0</dev/null"])
            .arg(env!("CARGO_BIN_EXE_karakuri-desktop"))
            .args(arguments)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .unwrap();
        let mut desktop = Self { link: ours, process: Owned(process), capture: String::new() };
        let (assets, images) = (Vec::new(), Vec::new());
        let (watched, recording, masking) = (false, None, None);
        let open = Request::Open { version: VERSION, assets, images, watched, recording, masking };
        match desktop.ask(open) {
            Reply::Opened { capture, .. } => desktop.capture = capture,
            other => panic!("not opened: {other:?}"),
        }
        desktop
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    pub(crate) fn ask_with_files(&mut self, request: impl Into<Request>) -> (Reply, Vec<OwnedFd>) {
        self.link.send(&request.into(), &[]).unwrap();
        self.link.recv().unwrap().expect("karakuri-desktop closed the link")
    }

    pub(crate) fn ask(&mut self, request: impl Into<Request>) -> Reply {
        self.ask_with_files(request).0
    }

    /// Acts and gives the effect; panics when it failed.
    pub(crate) fn act(&mut self, act: Act, watch_ms: u32) -> Effect {
        match self.ask(Request::Act { act, watch_ms, picture: false }) {
            Reply::Acted { effect, .. } => effect,
            other => panic!("the act failed: {other:?}"),
        }
    }

    pub(crate) fn type_text(&mut self, text: &str) -> Effect {
        self.act(Act::Type { text: text.into() }, 2000)
    }

    pub(crate) fn press(&mut self, keys: &str) -> Effect {
        self.act(Act::Press { keys: keys.to_owned(), hold_ms: 0 }, 500)
    }

    pub(crate) fn windows(&mut self) -> Vec<Window> {
        match self.ask(Question::Windows) {
            Reply::Windows(windows) => windows,
            other => panic!("no windows: {other:?}"),
        }
    }

    /// Starts a program and waits for its window to have the keyboard.
    pub(crate) fn launch(&mut self, command: &mut Command) -> (Owned, Window) {
        let (child, window) = self.open(command.stderr(Stdio::null()));
        assert_eq!(self.act(Act::Focus { window: window.id }, 5000), Effect::Confirmed);
        (child, window)
    }

    /// Starts a program and waits for its window.
    pub(crate) fn open(&mut self, command: &mut Command) -> (Owned, Window) {
        let known = self.windows().iter().map(|w| w.id).collect();
        let child = Owned(command.spawn().unwrap());
        match self.ask(Question::WaitWindow { known, timeout_ms: 20_000 }) {
            Reply::NewWindow(Some(window)) => (child, window),
            other => panic!("no new window: {other:?}"),
        }
    }

    /// Waits until a window is called `title`.
    pub(crate) fn await_title(&mut self, id: u32, title: &str) {
        let end = Instant::now() + PATIENCE;
        let named = |w: &Window| w.id == id && w.title.danger_raw().contains(title);
        while !self.windows().iter().any(named) {
            assert!(Instant::now() < end, "no window is called {title}");
        }
    }

    pub(crate) fn picture(&mut self, region: Option<karakuri_protocol::geometry::Rect>) -> Frame {
        let (reply, mut fds) = self.ask_with_files(Question::Picture { region });
        assert!(matches!(reply, Reply::Picture { .. }), "{reply:?}");
        Frame::decode(&read_sealed(fds.remove(0), 64 * 1024 * 1024).unwrap()).unwrap()
    }

    /// Closes the link; how the process ended.
    pub(crate) fn close(self) -> ExitStatus {
        drop(self.link);
        self.process.finish()
    }

    /// Waits until nothing moves for `ms`.
    pub(crate) fn still(&mut self, still_ms: u32) {
        let still = Question::Still { still_ms, region: None, timeout_ms: 20_000 };
        assert_eq!(self.ask(still), Reply::Stilled { still: true });
    }
}

/// The lines a program prints, as they come.
pub(crate) struct Lines(mpsc::Receiver<String>);

impl Lines {
    pub(crate) fn of(child: &mut Owned) -> Self {
        let output = child.0.stdout.take().unwrap();
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Self(receive)
    }

    /// The next line for which `wanted` gives something.
    pub(crate) fn find<T>(&self, mut wanted: impl FnMut(&str) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.0.recv_timeout(left).expect("the line never came");
            if let Some(found) = wanted(&line) {
                return found;
            }
        }
    }
}
