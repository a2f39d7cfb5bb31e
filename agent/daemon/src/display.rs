//! The run's display: X server, window manager and applications, started in one serving sandbox.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use karakuri_protocol::job::Exit;
use karakuri_sandbox::child::{Order, Report};
use karakuri_sandbox::policy::Command;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use crate::async_link::AsyncLink;
use crate::end::End;

/// Width, height and depth of the screen.
const SCREEN: &str = "1280x800x24";
/// The window manager's configuration.
const OPENBOX_RC: &str = include_str!("../../desktop/openbox/rc.xml");
/// How long the X server may take to start, in seconds.
const START_S: u64 = 10;

/// The running display.
#[derive(Debug)]
pub struct Display {
    link: AsyncLink,
    log: OwnedFd,
    number: u32,
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
    for (name, content) in
        [("xauthority", xauthority(&cookie)), ("openbox.xml", OPENBOX_RC.as_bytes().to_vec())]
    {
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
    /// Starts the X server and the window manager. What they and the applications print goes to
    /// `log`.
    ///
    /// # Errors
    /// When the X server does not start.
    pub async fn start(link: AsyncLink, log: OwnedFd) -> Result<Self, End> {
        let mut display = Self { link, log, number: 0, last: Cell::new(0) };
        let (write, ready) = pipe::pipe().map_err(|e| End::internal("making a pipe", e))?;
        let write = write.into_blocking_fd().map_err(|e| End::internal("making a pipe", e))?;
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
        display.order("Xvfb", &arguments.map(str::to_owned), Some(write.as_fd()))?;
        drop(write);
        display.number = display_number(ready).await?;
        let arguments = ["--sm-disable", "--config-file", "/etc/karakuri/openbox.xml"];
        display.order("openbox", &arguments.map(str::to_owned), None)?;
        Ok(display)
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
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
        let environment = [
            ("DISPLAY", display.as_str()),
            ("XAUTHORITY", "/etc/karakuri/xauthority"),
            ("HOME", "/home/karakuri"),
            ("PATH", "/usr/bin"),
            ("LANG", "C.UTF-8"),
            ("TMPDIR", "/tmp"),
            ("XDG_RUNTIME_DIR", "/tmp"),
            // Settings live with the run; there is no bus that could keep them, and no portal.
            ("GSETTINGS_BACKEND", "memory"),
            ("GTK_USE_PORTAL", "0"),
            ("NO_AT_BRIDGE", "1"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent"),
        ];
        let command = Command {
            program: format!("/usr/bin/{program}"),
            arguments: arguments.to_vec(),
            environment: environment.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
            directory: "/files".to_owned(),
        };
        let mut fds = vec![self.log.as_fd(), self.log.as_fd()];
        fds.extend(third);
        self.link
            .send(&Order { id, command }, &fds)
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

/// Reads the number that Xvfb writes when it is ready.
async fn display_number(mut ready: pipe::Receiver) -> Result<u32, End> {
    let mut text = String::new();
    let limit = std::time::Duration::from_secs(START_S);
    let read = tokio::time::timeout(limit, ready.read_to_string(&mut text)).await;
    let number = text.trim().parse().ok();
    match (read, number) {
        (Ok(Ok(_)), Some(number)) => Ok(number),
        _ => Err(End::new(
            Exit::DesktopFailed,
            format!(
                "Xvfb did not start within {START_S} s; is the package xvfb installed? \
                     `karakuri doctor` checks it, --log debug shows what it printed"
            ),
        )),
    }
}
