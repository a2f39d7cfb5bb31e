//! Both ways of capturing, and what is told about changes.

use karakuri_protocol::desktop::{FailureKind, Question, Reply};
use karakuri_protocol::geometry::Rect;

use super::rig::Display;

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
    let colours: std::collections::HashSet<_> =
        shm.picture(None).pixels().chunks(4).map(<[u8]>::to_vec).collect();
    assert!(colours.contains(&vec![0x60, 0x40, 0x20, 0xff]), "the terminal was not in the picture");
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
