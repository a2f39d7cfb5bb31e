//! The desktop of a person: an X server of its own with openbox, and xdotool for their hands.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat, Window,
};
use x11rb::rust_connection::RustConnection;

/// After so long a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at what nobody tells us of.
const LOOK: Duration = Duration::from_millis(30);

/// Gone when dropped.
#[derive(Debug)]
pub struct Desk {
    name: String,
    programs: Vec<Child>,
    connection: RustConnection,
    root: Window,
}

/// The one window on a desk.
#[derive(Debug)]
pub struct Shown<'d> {
    desk: &'d Desk,
    id: Window,
    origin: Cell<(i16, i16)>,
    /// Width and height in pixels.
    pub size: (u16, u16),
}

impl Desk {
    /// A desk of a size, whose keyboard has a layout of setxkbmap(1).
    ///
    /// # Panics
    /// When one of its programs does not start.
    #[must_use]
    pub fn new(size: &str, layout: &str) -> Self {
        let mut xvfb = Command::new("Xvfb")
            .args(["-displayfd", "1", "-noreset", "-nolisten", "tcp", "-screen", "0"])
            .arg(format!("{size}x24"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("Xvfb: {e}"));
        let name = format!(":{}", first_line(&mut xvfb));
        let connected = RustConnection::connect(Some(&name));
        let (connection, _) = connected.unwrap_or_else(|e| panic!("{name}: {e}"));
        let root = connection.setup().roots[0].root;
        let mut desk = Self { name, programs: vec![xvfb], connection, root };
        let mut openbox = desk.command("openbox");
        openbox.args(["--startup", "echo ready"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut openbox = openbox.spawn().unwrap_or_else(|e| panic!("openbox: {e}"));
        let lines = openbox.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
        assert!(lines.map_while(Result::ok).any(|line| line == "ready"), "openbox did not start");
        desk.programs.push(openbox);
        desk.call("setxkbmap", &[layout]);
        desk
    }

    /// `$DISPLAY`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DISPLAY", &self.name).env_remove("XAUTHORITY").stdin(Stdio::null());
        // xdotool reads the text to type in the encoding of the locale, which a clean machine may not set.
        command.env("LC_ALL", "C.UTF-8");
        command
    }

    fn call(&self, program: &str, arguments: &[&str]) {
        let status = self.command(program).args(arguments).status();
        assert!(status.is_ok_and(|status| status.success()), "{program} {arguments:?}");
    }

    /// What xdotool(1) does.
    ///
    /// # Panics
    /// When it fails.
    pub fn xdotool(&self, arguments: &[&str]) {
        self.call("xdotool", arguments);
    }

    /// Waits for the window whose title has `part` in it.
    ///
    /// # Panics
    /// When it does not come.
    #[must_use]
    pub fn window(&self, part: &str) -> Shown<'_> {
        let id = until(part, || {
            self.clients().into_iter().find(|window| self.title(*window).contains(part))
        });
        let place = |id| self.connection.get_geometry(id).ok()?.reply().ok();
        let size = until("its size", || place(id).map(|told| (told.width, told.height)));
        let shown = Shown { desk: self, id, origin: Cell::default(), size };
        shown.locate();
        shown
    }

    /// Waits until there is no window.
    ///
    /// # Panics
    /// When one stays.
    pub fn is_empty(&self) {
        until("the end of the window", || self.clients().is_empty().then_some(()));
    }

    fn clients(&self) -> Vec<Window> {
        let list = self.atom("_NET_CLIENT_LIST");
        self.property(self.root, list)
            .chunks_exact(4)
            .filter_map(|id| id.try_into().ok())
            .map(u32::from_ne_bytes)
            .collect()
    }

    fn title(&self, window: Window) -> String {
        let bytes = self.property(window, self.atom("_NET_WM_NAME"));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn atom(&self, name: &str) -> u32 {
        let told = self.connection.intern_atom(false, name.as_bytes());
        told.ok().and_then(|told| told.reply().ok()).map_or(0, |told| told.atom)
    }

    fn property(&self, window: Window, name: u32) -> Vec<u8> {
        let told = self.connection.get_property(false, window, name, AtomEnum::ANY, 0, 1024);
        told.ok().and_then(|told| told.reply().ok()).map_or(Vec::new(), |told| told.value)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for program in self.programs.iter_mut().rev() {
            let _killed = program.kill();
            let _ended = program.wait();
        }
    }
}

impl Shown<'_> {
    /// Where it is now.
    fn locate(&self) {
        let Desk { connection, root, .. } = self.desk;
        let told = connection.translate_coordinates(self.id, *root, 0, 0);
        if let Some(told) = told.ok().and_then(|told| told.reply().ok()) {
            self.origin.set((told.dst_x, told.dst_y));
        }
    }

    /// Waits until the title has `part` in it.
    ///
    /// # Panics
    /// When it does not come.
    pub fn is_called(&self, part: &str) {
        until(part, || self.desk.title(self.id).contains(part).then_some(()));
    }

    /// Red, green and blue of a pixel, as the person sees it; none when the window is gone.
    #[must_use]
    pub fn pixel(&self, (x, y): (i16, i16)) -> Option<[u8; 3]> {
        let (format, all) = (ImageFormat::Z_PIXMAP, u32::MAX);
        let told = self.desk.connection.get_image(format, self.id, x, y, 1, 1, all);
        let data = told.ok()?.reply().ok()?.data;
        Some([*data.get(2)?, *data.get(1)?, *data.first()?])
    }

    /// Waits until a pixel has a colour.
    ///
    /// # Panics
    /// When it does not come.
    pub fn turns(&self, at: (i16, i16), colour: [u8; 3]) {
        until(&format!("{colour:?} at {at:?}"), || (self.pixel(at) == Some(colour)).then_some(()));
    }

    /// Clicks into it.
    ///
    /// # Panics
    /// When xdotool fails.
    pub fn click(&self, (x, y): (i16, i16)) {
        self.locate();
        let (left, top) = self.origin.get();
        let place = [left + x, top + y].map(|place| place.to_string());
        self.desk.xdotool(&["mousemove", &place[0], &place[1], "click", "1"]);
    }

    /// Asks it to close, as a window manager does.
    ///
    /// # Panics
    /// When the display is gone.
    pub fn close(&self) {
        let data = [self.desk.atom("WM_DELETE_WINDOW"), 0, 0, 0, 0];
        let message = ClientMessageEvent::new(32, self.id, self.desk.atom("WM_PROTOCOLS"), data);
        let connection = &self.desk.connection;
        let sent = connection.send_event(false, self.id, EventMask::NO_EVENT, message);
        assert!(sent.is_ok_and(|sent| sent.check().is_ok()));
    }
}

fn first_line(program: &mut Child) -> String {
    let mut line = String::new();
    if let Some(output) = program.stdout.take() {
        let _read = BufReader::new(output).read_line(&mut line);
    }
    line.trim().to_owned()
}

/// Waits for what nothing tells us of.
///
/// # Panics
/// When it does not come.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(LOOK);
    }
}
