//! Both ways of capturing, and what is told about changes.

use std::collections::HashSet;

use karakuri_protocol::desktop::{FailureKind, Question, Reply};
use karakuri_protocol::geometry::Rect;

use super::rig::{Display, Owned};

#[test]
fn both_backends_give_the_same_pixels() {
    let display = Display::start();
    let (mut shm, mut xcap) = (display.desktop(&[]), display.desktop(&["--capture", "xcap"]));
    assert_eq!((shm.capture.as_str(), xcap.capture.as_str()), ("shm", "xcap"));
    let mut xterm = display.command("xterm");
    let (_child, _) =
        shm.launch(xterm.args(["-bg", "#204060", "-fg", "#f0a030", "-e", "seq 20; read x"]));
    shm.still(300);
    for region in [None, Some(Rect::new(3, 5, 401, 299)), Some(Rect::new(1023, 767, 1, 1))] {
        let (a, b) = (shm.picture(region), xcap.picture(region));
        assert_eq!(a.bounds(), b.bounds());
        assert!(a.pixels() == b.pixels(), "pixels differ in {region:?}");
    }
    let colours: HashSet<_> = shm.picture(None).pixels().chunks(4).map(<[u8]>::to_vec).collect();
    assert!(colours.contains(&vec![0x60, 0x40, 0x20, 0xff]), "the terminal was not in the picture");
}

/// Paints four squares from the left to the right, again and again in the next colour.
const PAINTER: &str = r#"
import ctypes, itertools
x = ctypes.CDLL("libX11.so.6")
for name in ("XOpenDisplay", "XCreateGC"):
    getattr(x, name).restype = ctypes.c_void_p
for name in ("XDefaultRootWindow", "XCreateSimpleWindow"):
    getattr(x, name).restype = ctypes.c_ulong
display = ctypes.c_void_p(x.XOpenDisplay(None))
root = ctypes.c_ulong(x.XDefaultRootWindow(display))
window = ctypes.c_ulong(x.XCreateSimpleWindow(display, root, 0, 0, 80, 20, 0, 0, 0))
gc = ctypes.c_void_p(x.XCreateGC(display, window, 0, None))
x.XMapWindow(display, window)
for colour in itertools.count(1):
    for square in range(4):
        x.XSetForeground(display, gc, ctypes.c_ulong(colour))
        x.XFillRectangle(display, window, gc, 20 * square, 0, 20, 20)
        x.XSync(display, 0)
"#;

#[test]
fn a_picture_shows_one_moment() {
    let display = Display::bare(&["-screen", "0", "1024x768x24"]);
    let mut desktop = display.desktop(&[]);
    let _painter = Owned(display.command("python3").args(["-c", PAINTER]).spawn().unwrap());
    let (mut seen, mut torn) = (HashSet::new(), Vec::new());
    while seen.len() < 60 {
        let picture = desktop.picture(Some(Rect::new(0, 0, 80, 20)));
        let pixel = |square: usize| &picture.pixels()[(10 * 80 + square * 20 + 10) * 4..];
        let colours = [0, 1, 2, 3].map(|square| {
            let p = pixel(square);
            u32::from_le_bytes([p[0], p[1], p[2], 0])
        });
        // Some have the next colour already, from the left, and the others the one before.
        let is_moment = colours.is_sorted_by(|a, b| a >= b) && colours[0] - colours[3] <= 1;
        torn.extend((!is_moment).then_some(colours));
        seen.insert(colours);
    }
    assert_eq!(torn, Vec::<[u32; 4]>::new());
}

#[test]
fn without_shared_memory_xcap_is_chosen() {
    let display = Display::start_with(&["-extension", "MIT-SHM"]);
    let mut desktop = display.desktop(&[]);
    assert_eq!(desktop.capture, "xcap");
    assert_eq!(desktop.picture(None).bounds(), Rect::new(0, 0, 1024, 768));
}

#[test]
fn a_screen_that_moves_is_not_still() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let mut xterm = display.command("xterm");
    let endless = ["-e", "sh", "-c", "while :; do date +%N; done"];
    let (_child, window) = desktop.launch(xterm.args(endless));
    let still = |region| Question::Still { still_ms: 300, region, timeout_ms: 1000 };
    assert_eq!(desktop.ask(still(Some(window.rect))), Reply::Stilled { still: false });
    let beside = Rect::new(0, 0, 10, 10);
    assert_eq!(desktop.ask(still(Some(beside))), Reply::Stilled { still: true });
}

#[test]
fn what_cannot_be_done_says_why() {
    let display = Display::start();
    let mut desktop = display.desktop(&[]);
    let off = Question::Picture { region: Some(Rect::new(2000, 0, 10, 10)) };
    let read = Question::Read { region: None, script: Default::default() };
    for (request, kind, part) in [
        (off, FailureKind::BadRequest, "off the screen"),
        (read, FailureKind::Vision, "no model files"),
    ] {
        match desktop.ask(request) {
            Reply::Failed(failure) => {
                assert_eq!(failure.kind, kind);
                assert!(failure.message.contains(part), "{}", failure.message);
            }
            other => panic!("not refused: {other:?}"),
        }
    }
}
