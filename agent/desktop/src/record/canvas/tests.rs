//! What of the screen gets into the recording, pixel by pixel.

use karakuri_protocol::geometry::Rect;

use super::*;

const SCREEN: Rect = Rect { left: 0, top: 0, width: 200, height: 100 };
/// 200 pixels are twelve tiles and a half.
const EDGE: Rect = Rect { left: 192, top: 96, width: 8, height: 4 };

/// A white screen with what `mark` makes black.
fn screen(mark: impl Fn(i32, i32) -> bool) -> Frame {
    let mut pixels = Vec::new();
    for y in 0..100 {
        for x in 0..200 {
            pixels.extend([if mark(x, y) { 0 } else { 255 }; 4]);
        }
    }
    Frame::new(200, 100, pixels).unwrap()
}

/// Stripes, as a text has.
fn text(x: i32, _y: i32) -> bool {
    x % 3 == 0
}

fn see(canvas: &mut Canvas, frame: &Frame, rect: Rect) {
    let place = canvas.whole_tiles(rect);
    canvas.see(place, &frame.crop(place).unwrap());
}

/// What the recording shows of `rect`, as the colours of its pixels.
fn shown(canvas: &Canvas, rect: Rect) -> Vec<[u8; 3]> {
    let rgba = lines(rect, canvas.width).flat_map(|line| canvas.picture()[line].to_vec());
    let rgba: Vec<u8> = rgba.collect();
    rgba.as_chunks::<4>().0.iter().map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect()
}

fn true_pixels(frame: &Frame, rect: Rect) -> Vec<[u8; 3]> {
    frame.rows(rect).flat_map(pixels_of).collect()
}

#[test]
fn what_was_not_read_has_one_colour() {
    let mut canvas = Canvas::new(SCREEN);
    see(&mut canvas, &screen(text), SCREEN);
    let change = canvas.update().unwrap();
    assert_eq!(change.rect, SCREEN);
    let cell = shown(&canvas, Rect::new(0, 0, 64, 64));
    assert!(cell.iter().all(|pixel| *pixel == cell[0]), "a cell has more than one colour");
    // A third is black; the four lower bits are gone.
    assert_eq!(cell[0], [0xa8; 3]);
    let edge = shown(&canvas, EDGE);
    assert!(edge.iter().all(|pixel| *pixel == edge[0]));
}

#[test]
fn one_character_more_or_less_leaves_the_colour_as_it_is() {
    let mut canvas = Canvas::new(SCREEN);
    see(&mut canvas, &screen(|_, _| false), SCREEN);
    canvas.update();
    let digit = |x: i32, y: i32| (20..27).contains(&x) && (20..30).contains(&y) && (x + y) % 2 == 0;
    see(&mut canvas, &screen(digit), Rect::new(20, 20, 7, 10));
    assert!(canvas.is_stale());
    assert!(canvas.update().is_none());
}

#[test]
fn what_was_read_is_as_it_is_and_only_that() {
    let frame = screen(text);
    let mut canvas = Canvas::new(SCREEN);
    see(&mut canvas, &frame, SCREEN);
    canvas.update();
    // Of the tile from (32, 32) a part is not read, and so none of it is shown.
    canvas.read(&frame, Rect::new(0, 0, 40, 48), &[]);
    let change = canvas.update().unwrap();
    assert_eq!(change.rect, Rect::new(0, 0, 32, 48));
    let read = Rect::new(0, 0, 32, 48);
    assert_eq!(shown(&canvas, read), true_pixels(&frame, read));
    let beside = shown(&canvas, Rect::new(32, 0, 16, 48));
    assert!(beside.iter().all(|pixel| *pixel == beside[0]));
    canvas.read(&frame, SCREEN, &[]);
    canvas.update();
    assert_eq!(shown(&canvas, SCREEN), true_pixels(&frame, SCREEN));
}

#[test]
fn what_changes_after_it_was_read_is_hidden_again() {
    let mut canvas = Canvas::new(SCREEN);
    canvas.read(&screen(|_, _| false), SCREEN, &[]);
    canvas.update();
    let word = |x: i32, y: i32| (50..60).contains(&x) && (20..30).contains(&y) && x % 3 == 0;
    let frame = screen(word);
    see(&mut canvas, &frame, Rect::new(50, 20, 10, 10));
    let change = canvas.update().unwrap();
    assert_eq!(change.rect, Rect::new(48, 16, 16, 16));
    assert!(shown(&canvas, change.rect).iter().all(|pixel| *pixel == [0xf8; 3]));
    canvas.read(&frame, SCREEN, &[]);
    canvas.update();
    assert_eq!(shown(&canvas, SCREEN), true_pixels(&frame, SCREEN));
}

#[test]
fn a_change_is_transparent_where_nothing_changed() {
    let mut canvas = Canvas::new(SCREEN);
    canvas.read(&screen(|_, _| false), SCREEN, &[]);
    canvas.update();
    let corners = |x: i32, y: i32| (x < 4 && y < 4) || (x > 195 && y > 95);
    canvas.read(&screen(corners), SCREEN, &[]);
    let change = canvas.update().unwrap();
    assert_eq!(change.rect, SCREEN);
    let opaque = change.rgba.as_chunks::<4>().0.iter().filter(|pixel| pixel[3] == 255).count();
    assert_eq!(opaque, 16 * 16 + 8 * 4);
}

#[test]
fn a_text_cursor_that_blinks_is_no_change_until_it_is_read() {
    let mut canvas = Canvas::new(SCREEN);
    canvas.read(&screen(|_, _| false), SCREEN, &[]);
    canvas.update();
    let blinked = screen(|x, y| (70..72).contains(&x) && (40..56).contains(&y));
    see(&mut canvas, &blinked, Rect::new(70, 40, 2, 16));
    assert!(!canvas.is_stale());
    canvas.read(&blinked, SCREEN, &[]);
    canvas.update();
    assert_eq!(shown(&canvas, SCREEN), true_pixels(&blinked, SCREEN));
}

#[test]
fn what_is_personal_is_covered_until_its_pixels_change() {
    let frame = screen(text);
    let mut canvas = Canvas::new(SCREEN);
    let name = Rect::new(20, 20, 30, 10);
    canvas.read(&frame, SCREEN, &[name]);
    canvas.update();
    let covered = |canvas: &Canvas| shown(canvas, name).iter().all(|p| *p == mask::COLOUR);
    assert!(covered(&canvas));
    let beside = Rect::new(50, 20, 30, 10);
    assert_eq!(shown(&canvas, beside), true_pixels(&frame, beside));
    // Its label may be gone: the same pixels stay covered.
    canvas.read(&frame, SCREEN, &[]);
    canvas.update();
    assert!(covered(&canvas));
    let other = screen(|x, y| y == 25 && text(x, y));
    canvas.read(&other, SCREEN, &[]);
    canvas.update();
    assert_eq!(shown(&canvas, name), true_pixels(&other, name));
}

#[test]
fn what_turns_out_to_be_personal_later_is_covered_then() {
    let frame = screen(text);
    let mut canvas = Canvas::new(SCREEN);
    canvas.read(&frame, SCREEN, &[]);
    canvas.update();
    let name = Rect::new(20, 20, 30, 10);
    canvas.read(&frame, Rect::new(100, 0, 64, 64), &[name]);
    assert!(canvas.update().is_some());
    assert!(shown(&canvas, name).iter().all(|pixel| *pixel == mask::COLOUR));
}
