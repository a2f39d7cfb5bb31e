//! Screens of several monitors, and screens that get another size while they are used.

use karakuri_protocol::desktop::{Act, Button, FailureKind, PointerAct, Question, Reply, Request};
use karakuri_protocol::geometry::{Point, Rect};

use super::rig::{Desktop, Display, Lines, Owned};

fn xrandr(display: &Display, arguments: &[&str]) {
    assert!(display.command("xrandr").args(arguments).status().unwrap().success(), "{arguments:?}");
}

/// Gives the screen another size, at most the one that it began with.
fn resize(display: &Display, width: u32, height: u32) {
    let (name, w, h) = (format!("of-{width}-{height}"), width.to_string(), height.to_string());
    let known = display.command("xrandr").output().unwrap().stdout;
    if !String::from_utf8_lossy(&known).contains(&name) {
        xrandr(display, &["--newmode", &name, "40", &w, &w, &w, &w, &h, &h, &h, &h]);
        xrandr(display, &["--addmode", "screen", &name]);
    }
    xrandr(display, &["--output", "screen", "--mode", &name]);
}

/// A window all over the screen that prints the presses in it.
fn cover(display: &Display, desktop: &mut Desktop, size: &str) -> (Owned, Lines) {
    let mut command = display.command("xev");
    command.args(["-geometry", &format!("{size}+0+0"), "-bw", "0", "-event", "button"]);
    let (mut child, _) = desktop.open(command.stdout(std::process::Stdio::piped()));
    let lines = Lines::of(&mut child);
    (child, lines)
}

fn click(x: i32, y: i32) -> Act {
    let (act, at) = (PointerAct::Click { count: 1 }, Some(Point { x, y }));
    Act::Pointer { act, at, button: Button::Left, keys: None, seen: None }
}

/// Clicks there, and the program says that it received just that.
fn arrives(desktop: &mut Desktop, lines: &Lines, x: i32, y: i32) {
    desktop.act(click(x, y), 0);
    let root = format!("root:({x},{y})");
    lines.find(|line| line.contains("root:(").then(|| assert!(line.contains(&root), "{line}")));
    lines.find(|line| line.starts_with("ButtonRelease").then_some(()));
    lines.find(|line| line.contains(&root).then_some(()));
}

#[test]
fn several_monitors_are_one_screen_of_which_every_edge_is_seen_and_clicked() {
    let display = Display::bare(&["-screen", "0", "1601x700x24"]);
    xrandr(&display, &["--setmonitor", "left", "900/240x700/190+0+0", "screen"]);
    xrandr(&display, &["--setmonitor", "right", "701/190x600/160+900+100", "none"]);
    let listed = display.command("xrandr").arg("--listmonitors").output().unwrap().stdout;
    assert!(String::from_utf8_lossy(&listed).starts_with("Monitors: 2\n"));
    let mut desktop = display.desktop(&[]);
    assert_eq!(desktop.picture(None).bounds(), Rect::new(0, 0, 1601, 700));
    let (_child, lines) = cover(&display, &mut desktop, "1601x700");
    for x in [0, 1, 450, 898, 899, 900, 901, 1250, 1599, 1600] {
        for y in [0, 1, 99, 100, 350, 698, 699] {
            arrives(&mut desktop, &lines, x, y);
        }
    }
    desktop.still(200);
    // The cursor of the mouse is no part of it: the window is white to the last pixel.
    let seam = desktop.picture(Some(Rect::new(880, 90, 40, 20)));
    assert!(seam.pixels().chunks(4).all(|pixel| pixel[..3] == [255; 3]));
}

#[test]
fn a_screen_that_is_resized_is_seen_and_clicked_as_it_is_then() {
    for capture in ["shm", "xcap"] {
        let display = Display::bare(&["-screen", "0", "1280x1024x24"]);
        let mut desktop = display.desktop(&["--capture", capture]);
        assert_eq!(desktop.picture(None).bounds(), Rect::new(0, 0, 1280, 1024));
        let (_child, lines) = cover(&display, &mut desktop, "1280x1024");
        for (width, height) in [(800, 600), (1280, 1024), (640, 1024), (1280, 600)] {
            resize(&display, width, height);
            let (right, bottom) = (width.cast_signed() - 1, height.cast_signed() - 1);
            arrives(&mut desktop, &lines, right, bottom);
            arrives(&mut desktop, &lines, right, 0);
            let beyond = Request::Act { act: click(right + 1, 0), watch_ms: 0, picture: false };
            match desktop.ask(beyond) {
                Reply::Failed(failure) => {
                    assert_eq!(failure.kind, FailureKind::BadRequest);
                    let size = format!("not on the screen of {width}x{height} pixels");
                    assert!(failure.message.contains(&size), "{}", failure.message);
                }
                other => panic!("not refused: {other:?}"),
            }
            assert_eq!(desktop.picture(None).bounds(), Rect::new(0, 0, width, height));
        }
    }
}

#[test]
fn a_wait_lasts_over_another_size_of_the_screen() {
    let display = Display::bare(&["-screen", "0", "1280x1024x24"]);
    let mut desktop = display.desktop(&[]);
    let (_child, lines) = cover(&display, &mut desktop, "1280x1024");
    std::thread::scope(|scope| {
        let still = scope.spawn(|| {
            let question = Question::Still { still_ms: 1500, region: None, timeout_ms: 20_000 };
            desktop.ask(question)
        });
        for _ in 0..10 {
            resize(&display, 640, 480);
            resize(&display, 1280, 1024);
        }
        assert_eq!(still.join().unwrap(), Reply::Stilled { still: true });
    });
    arrives(&mut desktop, &lines, 1279, 1023);
}
