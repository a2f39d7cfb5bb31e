//! The things on a frame that can be operated, told by their shape and the text in and beside them:
//! a box with its text in the middle is a button, an empty one or one with text at its left is a
//! field, a small square with text behind it is a check box.

use karakuri_protocol::desktop::{Control, Line, Via};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::role::Role;
use karakuri_protocol::untrusted::Untrusted;

use super::columns::line_height;
use super::edges;
use crate::frame::{Frame, pixels_of};

/// The height of a line where none was read, in pixels.
const USUAL_HEIGHT: f64 = 16.0;
/// The largest side of a check box, in line heights.
const CHECK_BOX: f64 = 2.0;
/// The tallest button or field, in line heights.
const TALL: f64 = 3.5;
/// How far a label may be from its field or check box, in line heights.
const LABEL: f64 = 4.0;
/// The largest difference between the room left and right of a button's text, as a share of it.
const OFF_CENTRE: f64 = 0.25;
/// The room beside selected text in its highlight, in pixels; a button leaves more.
const TIGHT: u32 = 4;
/// The share of a check box's inside that a mark covers.
const MARKED: f64 = 0.08;
/// The least difference of a colour, of 255, between a mark and its background.
const MARK: u8 = 48;

/// The controls in `region` of `frame`, in reading order. `lines` are what was read there.
#[must_use]
pub fn find(frame: &Frame, region: Rect, lines: &[Line]) -> Vec<Control> {
    let height = line_height(lines).unwrap_or(USUAL_HEIGHT);
    let mut boxes = edges::boxes(frame, region);
    boxes.retain(|place| !lines.iter().any(|line| is_highlight(place, line.rect)));
    let innermost = boxes.iter().filter(|one| !boxes.iter().any(|other| within(other, one)));
    let mut found: Vec<Control> =
        innermost.filter_map(|place| control(frame, *place, lines, height)).collect();
    found.sort_by_key(|control| (control.rect.center().y, control.rect.left));
    found
}

/// Whether `inner` lies in `outer` and is another box.
fn within(inner: &Rect, outer: &Rect) -> bool {
    inner != outer && outer.intersection(inner) == Some(*inner)
}

/// Whether a box is the background of selected text: it has no room left and right of it. A check
/// box may be read as a character.
fn is_highlight(place: &Rect, text: Rect) -> bool {
    place.width > place.height
        && place.contains(text.center())
        && place.left.abs_diff(text.left) <= TIGHT
        && place.right().abs_diff(text.right()) <= TIGHT
}

fn control(frame: &Frame, place: Rect, lines: &[Line], height: f64) -> Option<Control> {
    let tall = f64::from(place.height);
    let inside: Vec<&Line> =
        lines.iter().filter(|line| place.contains(line.rect.center())).collect();
    let square = place.width.abs_diff(place.height) <= place.height / 5;
    if square && tall <= height * CHECK_BOX {
        let label = beside(place, lines, height)?;
        return Some(Control {
            rect: place,
            role: Role::CheckBox,
            name: Some(label),
            checked: Some(is_marked(frame, place)),
            text: None,
            via: Via::Image,
        });
    }
    if tall > height * TALL || place.width < place.height || inside.len() > 1 {
        return None;
    }
    let text = inside.first().map(|line| line.text.clone());
    let named = match inside.first() {
        Some(line) if is_centred(place, line.rect) => {
            return Some(Control {
                rect: place,
                role: Role::Button,
                name: text,
                checked: None,
                text: None,
                via: Via::Image,
            });
        }
        _ => before(place, lines, height),
    };
    let role = Role::Field;
    Some(Control { rect: place, role, name: named, checked: None, text, via: Via::Image })
}

fn is_centred(outer: Rect, text: Rect) -> bool {
    let (left, right) = (text.left - outer.left, outer.right() - text.right());
    f64::from(left.abs_diff(right)) <= f64::from((left + right).max(0)) * OFF_CENTRE + 4.0
}

/// The text right of a check box. Its line may begin with the box itself, read as a character.
fn beside(place: Rect, lines: &[Line], height: f64) -> Option<Untrusted> {
    let reach = f64::from(place.width) + height * LABEL / 2.0;
    let close = |line: &&Line| {
        let left = f64::from(line.rect.left) - f64::from(place.left);
        on_a_level(place, line.rect)
            && line.rect.right() > place.right() + 4
            && (-height..reach).contains(&left)
            && is_wording(&line.text)
    };
    lines.iter().filter(close).min_by_key(|line| line.rect.left).map(|line| line.text.clone())
}

/// Icons are read as signs; a label has more letters than signs.
fn is_wording(text: &Untrusted) -> bool {
    let written = text.danger_raw().chars().filter(|c| !c.is_whitespace());
    let (letters, signs): (Vec<char>, Vec<char>) = written.partition(|c| c.is_alphanumeric());
    letters.len() > signs.len()
}

/// The label left of a field, else the one over it.
fn before(place: Rect, lines: &[Line], height: f64) -> Option<Untrusted> {
    let reach = height * LABEL;
    let left = lines
        .iter()
        .filter(|line| on_a_level(place, line.rect) && line.rect.right() <= place.left + 4)
        .filter(|line| f64::from(place.left - line.rect.right()) <= reach)
        .max_by_key(|line| line.rect.right());
    let over = || {
        lines
            .iter()
            .filter(|line| line.rect.bottom() <= place.top + 4)
            .filter(|line| f64::from(place.top - line.rect.bottom()) <= height)
            .filter(|line| line.rect.left.abs_diff(place.left) <= place.height)
            .max_by_key(|line| line.rect.bottom())
    };
    left.or_else(over).map(|line| line.text.clone())
}

fn on_a_level(place: Rect, text: Rect) -> bool {
    let middle = text.center().y;
    (place.top..place.bottom()).contains(&middle)
}

/// Whether there is something in the middle of a check box.
fn is_marked(frame: &Frame, place: Rect) -> bool {
    let border = place.width.min(place.height) / 4;
    let inset = i32::try_from(border).unwrap_or(0);
    let inner = Rect::new(
        place.left + inset,
        place.top + inset,
        place.width - 2 * border,
        place.height - 2 * border,
    );
    let pixels: Vec<[u8; 3]> = frame.rows(inner).flat_map(pixels_of).collect();
    let middle = |channel: usize| {
        let mut values: Vec<u8> = pixels.iter().map(|pixel| pixel[channel]).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(0)
    };
    let background = [0, 1, 2].map(middle);
    let is_mark = |pixel: &&[u8; 3]| {
        pixel.iter().zip(background).any(|(value, other)| value.abs_diff(other) >= MARK)
    };
    let marked = pixels.iter().filter(is_mark).count();
    marked as f64 >= pixels.len() as f64 * MARKED
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: u8 = 245;

    /// Outlined boxes; the second part of a pair is filled with a cross.
    fn frame(boxes: &[(Rect, bool)]) -> Frame {
        let picture = image::RgbImage::from_fn(300, 200, |x, y| {
            let (x, y) = (i32::try_from(x).unwrap(), i32::try_from(y).unwrap());
            let mark = boxes.iter().any(|(place, crossed)| {
                let inside = (place.left..place.right()).contains(&x)
                    && (place.top..place.bottom()).contains(&y);
                let edge = x == place.left
                    || x == place.right() - 1
                    || y == place.top
                    || y == place.bottom() - 1;
                let (dx, dy) = (x - place.left, y - place.top);
                inside && (edge || (*crossed && dx.abs_diff(dy) <= 1))
            });
            image::Rgb([if mark { 90 } else { PAPER }; 3])
        });
        Frame::from_rgb(&picture).unwrap()
    }

    fn line(text: &str, left: i32, top: i32, width: u32) -> Line {
        let rect = Rect::new(left, top, width, 14);
        Line { rect, text: text.into(), confidence: 1.0, words: Vec::new() }
    }

    #[test]
    fn shape_and_text_tell_what_it_is() {
        let frame = frame(&[
            (Rect::new(20, 20, 80, 28), false),
            (Rect::new(120, 60, 150, 28), false),
            (Rect::new(120, 100, 150, 28), false),
            (Rect::new(20, 150, 16, 16), true),
            (Rect::new(150, 150, 16, 16), false),
        ]);
        let lines = [
            line("Save", 42, 27, 36),
            line("Name:", 60, 67, 50),
            line("Ada", 126, 67, 30),
            line("City:", 70, 107, 40),
            line("Paid", 42, 151, 40),
            line("Sent", 172, 151, 40),
        ];
        let found = find(&frame, frame.bounds(), &lines);
        let shown: Vec<(Role, &str, Option<bool>, Option<&str>)> = found
            .iter()
            .map(|c| {
                let name = c.name.as_ref().map_or("", |name| name.danger_raw());
                (c.role, name, c.checked, c.text.as_ref().map(|text| text.danger_raw()))
            })
            .collect();
        assert_eq!(
            shown,
            [
                (Role::Button, "Save", None, None),
                (Role::Field, "Name:", None, Some("Ada")),
                (Role::Field, "City:", None, None),
                (Role::CheckBox, "Paid", Some(true), None),
                (Role::CheckBox, "Sent", Some(false), None),
            ]
        );
    }
}
