//! What a capture and a click cost inside karakuri-desktop, on `$DISPLAY`, beside what they cannot be
//! faster than and what they replace. Prints `{"memcpy": […], "capture": […], "look": […], "xcap": […],
//! "click": […]}`, each in ms; started by `tests/screens/bench.py`. A capture is one of a screen that
//! changed everywhere, a look one at a screen that changed in a small place.

use std::error::Error;
use std::time::Instant;

use karakuri_desktop::frame::Frame;
use karakuri_desktop::x11::capture::Backend;
use karakuri_desktop::x11::desktop::Desktop;
use karakuri_protocol::desktop::{Button, PointerAct};
use karakuri_protocol::geometry::{Point, Rect};
use serde_json::json;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    ChangeGCAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, Gcontext, Rectangle, Window,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT};

const ROUNDS: u32 = 60;
/// The sides of a small place, in pixels.
const SMALL: (u16, u16) = (400, 200);

fn main() -> Result<(), Box<dyn Error>> {
    let mut desktop = Desktop::open(Backend::Shm)?;
    let monitor = xcap::Monitor::all()?.into_iter().next().ok_or("xcap finds no monitor")?;
    let screen = desktop.screen();
    let everywhere = (u16::try_from(screen.width)?, u16::try_from(screen.height)?);
    let (capture, memcpy) = captured(&mut desktop, everywhere)?;
    let (look, _) = captured(&mut desktop, SMALL)?;
    let clicks = (0..ROUNDS).map(|round| {
        let at = Point { x: 300 + 5 * i32::try_from(round)?, y: 300 };
        Ok(timed(|| clicked(&mut desktop, at))?.0)
    });
    let click = clicks.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    // Last: the server has the connections that it makes for each to clear up.
    let xcap = (0..ROUNDS).map(|_| Ok(timed(|| monitor.capture_image())?.0));
    let xcap = xcap.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let report = json!({
        "memcpy": memcpy, "capture": capture, "look": look, "xcap": xcap, "click": click,
    });
    println!("{report}");
    Ok(())
}

/// The milliseconds that each capture takes of a screen of which `size` changed, and each copy of it.
fn captured(
    desktop: &mut Desktop,
    size: (u16, u16),
) -> Result<(Vec<f64>, Vec<f64>), Box<dyn Error>> {
    let painter = Painter::connect(size)?;
    let mut before = desktop.refresh()?.0;
    let mut copy = vec![0; before.pixels().len()];
    let (mut capture, mut memcpy) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        painter.paint(0x0080_0000 + round * 0x0001_0103)?;
        let (ms, (frame, _)) = timed(|| desktop.refresh())?;
        let (right, bottom) = (i32::from(size.0) - 1, i32::from(size.1) - 1);
        if !frame.differs_in(&before, Rect::new(right, bottom, 1, 1)) {
            return Err("the screen was not captured anew".into());
        }
        capture.push(ms);
        memcpy.push(copied(&frame, &mut copy)?);
        before = frame;
    }
    Ok((capture, memcpy))
}

/// What `call` gives, and the milliseconds it took.
fn timed<T, E: Error + 'static>(
    call: impl FnOnce() -> Result<T, E>,
) -> Result<(f64, T), Box<dyn Error>> {
    let start = Instant::now();
    let value = call()?;
    Ok((start.elapsed().as_secs_f64() * 1000.0, value))
}

/// The milliseconds that copying the bytes of a frame takes.
fn copied(frame: &Frame, to: &mut [u8]) -> Result<f64, Box<dyn Error>> {
    let copy = || {
        to.copy_from_slice(frame.pixels());
        std::hint::black_box(&to);
        Ok::<_, std::convert::Infallible>(())
    };
    Ok(timed(copy)?.0)
}

fn clicked(desktop: &mut Desktop, at: Point) -> Result<(), karakuri_desktop::x11::error::X11Error> {
    desktop.move_pointer(Some(at))?;
    desktop.pointer_act(&PointerAct::Click { count: 1 }, Button::Left, None)
}

/// A window on top that changes its colour, as a screen that did not change is not captured.
struct Painter {
    connection: RustConnection,
    window: Window,
    colour: Gcontext,
    size: (u16, u16),
}

impl Painter {
    fn connect(size: (u16, u16)) -> Result<Self, Box<dyn Error>> {
        let (connection, screen) = x11rb::connect(None)?;
        let root = connection.setup().roots.get(screen).ok_or("no screen")?.root;
        let (window, colour) = (connection.generate_id()?, connection.generate_id()?);
        let aux = CreateWindowAux::new().override_redirect(1);
        let (depth, class, visual) =
            (COPY_DEPTH_FROM_PARENT, WindowClass::INPUT_OUTPUT, COPY_FROM_PARENT);
        connection
            .create_window(depth, window, root, 0, 0, size.0, size.1, 0, class, visual, &aux)?
            .check()?;
        connection.map_window(window)?.check()?;
        connection.create_gc(colour, window, &CreateGCAux::new())?.check()?;
        Ok(Self { connection, window, colour, size })
    }

    /// Paints the window; returns when the server has.
    fn paint(&self, colour: u32) -> Result<(), Box<dyn Error>> {
        let all = Rectangle { x: 0, y: 0, width: self.size.0, height: self.size.1 };
        let gc = ChangeGCAux::new().foreground(colour);
        self.connection.change_gc(self.colour, &gc)?;
        self.connection.poly_fill_rectangle(self.window, self.colour, &[all])?;
        Ok(self.connection.sync()?)
    }
}
