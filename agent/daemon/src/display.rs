//! The run's display: X server, window manager and applications, started in one serving sandbox.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use karakuri_link::AsyncLink;
use karakuri_protocol::job::Exit;
use karakuri_sandbox::child::{Order, Report};
use karakuri_sandbox::monitor::{BUS_ADDRESS, PROXY_PORT};
use karakuri_sandbox::policy::Command;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use crate::end::End;

/// Width, height and depth of the screen.
const SCREEN: &str = "1280x800x24";
/// The window manager's configuration.
const OPENBOX_RC: &str = include_str!("../../desktop/session/rc.xml");
/// The bus's configuration; [`BUS_ADDRESS`] is in it.
const BUS_CONF: &str = include_str!("../../desktop/session/bus.conf");
/// How long the X server and the session bus may take to start, in seconds.
const START_S: u64 = 10;

/// The running display.
#[derive(Debug)]
pub struct Display {
    link: AsyncLink,
    log: OwnedFd,
    number: u32,
    proxy: bool,
    nested: BTreeSet<String>,
    last: Cell<u32>,
}

/// Writes what the display's sandbox finds in `/etc/karakuri`: a fresh X cookie and the window
/// manager's configuration. Readable for the run's group only.
///
/// # Errors
/// When the files cannot be written.
pub fn configure(config: &Path) -> Result<(), End> {
    let mut cookie = [0u8; 16];
    rustix::rand::getrandom(&mut cookie, rustix::rand::GetRandomFlags::empty())
        .map_err(|e| End::internal("making an X cookie", e))?;
    for (name, content) in [
        ("xauthority", xauthority(&cookie)),
        ("openbox.xml", OPENBOX_RC.as_bytes().to_vec()),
        ("bus.conf", BUS_CONF.as_bytes().to_vec()),
    ] {
        let path = config.join(name);
        write(&path, &content)
            .map_err(|e| End::internal("writing the display's configuration", e))?;
    }
    Ok(())
}

/// The mode is set by fd: Landlock does not look at a change by path, so karakurid may not make one.
fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o640))?;
    file.write_all(content)
}

/// One entry that fits every display, see Xauth(3): family FamilyWild, empty address and number.
fn xauthority(cookie: &[u8; 16]) -> Vec<u8> {
    const FAMILY_WILD: u16 = 0xffff;
    let mut entry = FAMILY_WILD.to_be_bytes().to_vec();
    for field in [&b""[..], b"", b"MIT-MAGIC-COOKIE-1", cookie] {
        // All fields are shorter than 64 KiB: they are the literals above.
        let length = u16::try_from(field.len()).unwrap_or_default();
        entry.extend(length.to_be_bytes());
        entry.extend(field);
    }
    entry
}

impl Display {
    /// Starts the X server, the session bus and the window manager; with `proxy`, applications are
    /// told where it is; those in `nested` bring a sandbox of their own. What they and the
    /// applications print goes to `log`.
    ///
    /// # Errors
    /// When the X server does not start.
    pub async fn start(
        link: AsyncLink,
        log: OwnedFd,
        proxy: bool,
        nested: BTreeSet<String>,
    ) -> Result<Self, End> {
        let mut display = Self { link, log, number: 0, proxy, nested, last: Cell::new(0) };
        let arguments = [
            "--nofork",
            "--nopidfile",
            "--nosyslog",
            "--config-file=/etc/karakuri/bus.conf",
            "--print-address=3",
        ];
        let bus = display.order_and_hear("dbus-daemon", &arguments)?;
        let arguments = [
            "-displayfd",
            "3",
            "-screen",
            "0",
            SCREEN,
            "-noreset",
            "-nolisten",
            "tcp",
            "-nolisten",
            "local",
            "-auth",
            "/etc/karakuri/xauthority",
        ];
        let x_server = display.order_and_hear("Xvfb", &arguments)?;
        display.number = said("Xvfb", x_server, |text| text.parse().ok()).await?;
        let is_address = |text: &str| text.starts_with(BUS_ADDRESS).then_some(());
        said("dbus-daemon", bus, is_address).await?;
        let arguments = ["--sm-disable", "--config-file", "/etc/karakuri/openbox.xml"];
        display.order("openbox", &arguments.map(str::to_owned), None)?;
        Ok(display)
    }

    /// Starts a program that says on fd 3 when it is ready.
    fn order_and_hear(&self, program: &str, arguments: &[&str]) -> Result<pipe::Receiver, End> {
        let failed = |e| End::internal("making a pipe", e);
        let (write, ready) = pipe::pipe().map_err(failed)?;
        let write = write.into_blocking_fd().map_err(failed)?;
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        self.order(program, &arguments, Some(write.as_fd()))?;
        Ok(ready)
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether a program may bring a sandbox of its own.
    #[must_use]
    pub fn nests(&self, program: &str) -> bool {
        self.nested.contains(program)
    }

    /// Starts a program of `/usr/bin` in the display's sandbox.
    ///
    /// # Errors
    /// When the sandbox is gone.
    pub fn order(
        &self,
        program: &str,
        arguments: &[String],
        third: Option<BorrowedFd<'_>>,
    ) -> Result<u32, End> {
        let id = self.last.get() + 1;
        self.last.set(id);
        let display = format!(":{}", self.number);
        let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
        let mut environment = vec![
            ("DISPLAY", display.as_str()),
            ("XAUTHORITY", "/etc/karakuri/xauthority"),
            ("HOME", "/home/karakuri"),
            ("PATH", "/usr/bin"),
            ("LANG", "C.UTF-8"),
            ("TMPDIR", "/tmp"),
            ("XDG_RUNTIME_DIR", "/tmp"),
            // Settings live with the run, and no portal asks anybody for anything.
            ("GSETTINGS_BACKEND", "memory"),
            ("GTK_USE_PORTAL", "0"),
            ("DBUS_SESSION_BUS_ADDRESS", BUS_ADDRESS),
            // What applications show they also say there, for `role` targets; Qt and Chromium want
            // to be asked to, Chromium by `--force-renderer-accessibility` too.
            ("AT_SPI_BUS_ADDRESS", BUS_ADDRESS),
            ("QT_LINUX_ACCESSIBILITY_ALWAYS_ON", "1"),
            ("ACCESSIBILITY_ENABLED", "1"),
        ];
        if self.proxy {
            // curl(1), ENVIRONMENT: programs differ in which spelling they read.
            let names = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"];
            environment.extend(names.map(|name| (name, proxy.as_str())));
        }
        let environment =
            environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let command = Command {
            program: format!("/usr/bin/{program}"),
            arguments: arguments.to_vec(),
            environment: environment.collect(),
            directory: "/files".to_owned(),
        };
        let mut fds = vec![self.log.as_fd(), self.log.as_fd()];
        fds.extend(third);
        self.link
            .send(&Order { id, command, nested: self.nests(program) }, &fds)
            .map_err(|e| End::desktop("starting a program on the display", e))?;
        Ok(id)
    }

    /// The next thing that happened to a program that was started here.
    ///
    /// # Errors
    /// When the sandbox is gone.
    pub async fn report(&self) -> Result<Report, End> {
        match self.link.recv::<Report>().await {
            Ok(Some((report, _))) => Ok(report),
            Ok(None) => Err(End::desktop("the display", "its sandbox ended")),
            Err(e) => Err(End::desktop("the display", e)),
        }
    }
}

/// Reads the line a program of the display writes when it is ready.
async fn said<T>(
    program: &str,
    mut ready: pipe::Receiver,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, End> {
    let mut text = Vec::new();
    let line = async {
        while !text.ends_with(b"\n") && ready.read_buf(&mut text).await? > 0 {}
        Ok::<(), std::io::Error>(())
    };
    let read = tokio::time::timeout(std::time::Duration::from_secs(START_S), line).await;
    let parsed = std::str::from_utf8(&text).ok().and_then(|text| parse(text.trim()));
    match (read, parsed) {
        (Ok(Ok(())), Some(parsed)) => Ok(parsed),
        _ => Err(End::new(
            Exit::DesktopFailed,
            format!(
                "{program} did not start within {START_S} s; is it installed? \
                 `karakuri doctor` checks it, --log debug shows what it printed"
            ),
        )),
    }
}
