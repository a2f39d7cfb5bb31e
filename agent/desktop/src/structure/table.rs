//! The rows and columns of a table, ruled or only aligned.
//!
//! Lines between rows and lines between columns are looked for on their own: a table may have both,
//! one of them, or none. Where there are none, rows are rows of text, and columns lie between strips
//! that nothing is written on.

use std::ops::Range;

use karakuri_protocol::desktop::Line;
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::untrusted::Untrusted;

use super::columns::{line_height, text_columns, text_rows};
use super::rules::{Rule, Rules};
use crate::frame::Frame;

/// A line parts rows or columns when it runs along at least this share of the text.
const SHARE: f64 = 0.6;
/// Lines that are closer than this are two edges of one border, in pixels.
const BORDER: i32 = 6;

/// The texts of the cells in `region` of `frame`, row by row, all rows equally long; empty where
/// there is no table of at least two columns. `lines` are what was read there.
#[must_use]
pub fn read(frame: &Frame, region: Rect, lines: &[Line]) -> Vec<Vec<Untrusted>> {
    let lines: Vec<&Line> = lines.iter().collect();
    let Some(around) = lines.iter().map(|line| line.rect).reduce(|all, one| all.union(&one)) else {
        return Vec::new();
    };
    let rules = Rules::of(frame, region);
    let text_rows = text_rows(&lines);
    let (wide, tall) = (around.left..around.right(), around.top..around.bottom());
    let rows = between(&rules.horizontal, (region.top, region.left), &tall, &wide);
    let rows = if splits(&rows, &text_rows) { rows } else { text_rows };
    let columns = between(&rules.vertical, (region.left, region.top), &wide, &tall);
    let columns = if columns.len() > 1 { columns } else { text_columns(&lines, &rows) };
    if columns.len() < 2 {
        return Vec::new();
    }
    trimmed(fill(&lines, &rows, &columns))
}

/// Whether ruled rows are those of the table: more than one of them holds text.
fn splits(rows: &[Range<i32>], text_rows: &[Range<i32>]) -> bool {
    let held = |row: &&Range<i32>| text_rows.iter().any(|text| row.contains(&text.start));
    rows.iter().filter(held).count() > 1
}

/// The ranges between the lines that run along most of `text`, and before the first and behind the
/// last as far as there is text. `origin` is where the lines' positions are counted from: across
/// them, and along them.
fn between(
    rules: &[Rule],
    origin: (i32, i32),
    across: &Range<i32>,
    along: &Range<i32>,
) -> Vec<Range<i32>> {
    let pixel = |position: usize, from: i32| from + i32::try_from(position).unwrap_or(i32::MAX / 2);
    let length = f64::from(along.end - along.start) * SHARE;
    let mut places: Vec<i32> = Vec::new();
    let mut candidates: Vec<(i32, i32)> = Vec::new();
    for rule in rules {
        let at = pixel(rule.at, origin.0);
        let shared =
            pixel(rule.to, origin.1).min(along.end) - pixel(rule.from, origin.1).max(along.start);
        match candidates.last_mut() {
            // Parts of one line, with text or cells without a border between them.
            Some((place, sum)) if at - *place < BORDER => *sum += shared.max(0),
            _ => candidates.push((at, shared.max(0))),
        }
    }
    places
        .extend(candidates.iter().filter(|(_, sum)| f64::from(*sum) >= length).map(|(at, _)| *at));
    places.dedup_by(|next, last| *next - *last < BORDER);
    if places.is_empty() {
        return Vec::new();
    }
    let mut edges = places.clone();
    if edges[0] > across.start + BORDER {
        edges.insert(0, across.start);
    }
    if edges[edges.len() - 1] < across.end - BORDER {
        edges.push(across.end);
    }
    edges.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// Puts every line into its cell. A line that runs across several belongs to the first.
fn fill(lines: &[&Line], rows: &[Range<i32>], columns: &[Range<i32>]) -> Vec<Vec<Untrusted>> {
    let near = line_height(lines.iter().copied()).unwrap_or_default();
    let mut cells: Vec<Vec<Vec<&Line>>> = vec![vec![Vec::new(); columns.len()]; rows.len()];
    for line in lines {
        let middle = line.rect.center();
        let row = rows.iter().position(|row| row.contains(&middle.y));
        let start = f64::from(line.rect.left) + near.min(f64::from(line.rect.width) / 2.0);
        let column = columns.iter().position(|column| start < f64::from(column.end));
        if let (Some(row), Some(column)) = (row, column) {
            cells[row][column].push(line);
        }
    }
    cells.into_iter().map(|row| row.into_iter().map(text).collect()).collect()
}

/// The lines of a cell as one text.
fn text(mut lines: Vec<&Line>) -> Untrusted {
    lines.sort_by_key(|line| (line.rect.center().y, line.rect.left));
    let texts: Vec<&str> = lines.iter().map(|line| line.text.danger_raw()).collect();
    Untrusted::new(texts.join(" "))
}

/// Without the empty rows and columns around and between what is written: the unused rest of a
/// spreadsheet.
fn trimmed(rows: Vec<Vec<Untrusted>>) -> Vec<Vec<Untrusted>> {
    let empty = |cell: &Untrusted| cell.danger_raw().is_empty();
    let width = rows.first().map_or(0, Vec::len);
    let first = (0..width).find(|x| rows.iter().any(|row| !empty(&row[*x])));
    let last = (0..width).rev().find(|x| rows.iter().any(|row| !empty(&row[*x])));
    let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
    let written = rows.into_iter().filter(|row| !row.iter().all(empty));
    written.map(|row| row[first..=last].to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, left: i32, top: i32, width: u32) -> Line {
        let rect = Rect::new(left, top, width, 12);
        Line { rect, text: text.into(), confidence: 1.0, words: Vec::new() }
    }

    fn texts(rows: &[Vec<Untrusted>]) -> Vec<Vec<&str>> {
        rows.iter().map(|row| row.iter().map(Untrusted::danger_raw).collect()).collect()
    }

    fn ruled(horizontal: &[u32], vertical: &[u32]) -> Frame {
        let mut picture = image::RgbImage::from_pixel(300, 120, image::Rgb([255; 3]));
        for y in horizontal {
            (10..290).for_each(|x| picture.put_pixel(x, *y, image::Rgb([210; 3])));
        }
        for x in vertical {
            (10..110).for_each(|y| picture.put_pixel(*x, y, image::Rgb([210; 3])));
        }
        Frame::from_rgb(&picture).unwrap()
    }

    #[test]
    fn a_grid_keeps_empty_cells_and_joins_the_lines_of_one() {
        let frame = ruled(&[10, 40, 75, 109], &[10, 100, 200, 289]);
        let lines = [
            line("Article", 14, 20, 50),
            line("Note", 104, 20, 40),
            line("Price", 204, 20, 40),
            line("Long", 14, 44, 40),
            line("name", 14, 58, 40),
            line("9.50", 240, 50, 40),
            line("Nut", 14, 85, 30),
            line("new", 104, 85, 30),
            line("0.10", 240, 85, 40),
        ];
        let rows = read(&frame, frame.bounds(), &lines);
        let expected =
            [["Article", "Note", "Price"], ["Long name", "", "9.50"], ["Nut", "new", "0.10"]];
        assert_eq!(texts(&rows), expected);
    }

    #[test]
    fn columns_without_lines_are_told_by_the_space_between_them() {
        let frame = ruled(&[], &[]);
        let mut lines = Vec::new();
        for (row, (name, count)) in
            [("Name", "Count"), ("Bolt", "12"), ("Nut", "7")].iter().enumerate()
        {
            let top = i32::try_from(row).unwrap() * 22 + 10;
            lines.push(line(name, 20, top, 40));
            lines.push(line(count, 150, top, 45));
        }
        let rows = read(&frame, frame.bounds(), &lines);
        assert_eq!(texts(&rows), [["Name", "Count"], ["Bolt", "12"], ["Nut", "7"]]);
    }

    #[test]
    fn running_text_is_no_table() {
        let frame = ruled(&[], &[]);
        let lines = [line("one line", 20, 10, 200), line("another", 20, 30, 190)];
        assert!(read(&frame, frame.bounds(), &lines).is_empty());
    }

    #[test]
    fn lines_between_rows_alone_part_the_rows() {
        let frame = ruled(&[10, 40, 75, 109], &[]);
        let lines = [
            line("Item", 20, 20, 40),
            line("Sum", 200, 20, 40),
            line("two", 20, 44, 40),
            line("lines", 20, 58, 40),
            line("3", 200, 50, 40),
            line("Last", 20, 88, 40),
            line("4", 200, 88, 40),
        ];
        let rows = read(&frame, frame.bounds(), &lines);
        assert_eq!(texts(&rows), [["Item", "Sum"], ["two lines", "3"], ["Last", "4"]]);
    }
}
