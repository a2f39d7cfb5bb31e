//! Rows and columns of text that is aligned but not ruled.

use std::ops::Range;

use karakuri_protocol::desktop::Line;

/// A strip without text is between two columns when it is at least this many line heights wide; a
/// space between words is a third of one.
const STRIP: f64 = 0.6;
/// The share of the rows whose text may run across a strip: a title, a note over several columns.
const ACROSS: f64 = 0.15;
/// Rows begin a new one when their middles are this many line heights apart.
const STEP: f64 = 0.6;

/// The median height of lines, in pixels; none where there are none.
pub(super) fn line_height<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Option<f64> {
    let mut heights: Vec<u32> = lines.into_iter().map(|line| line.rect.height).collect();
    heights.sort_unstable();
    heights.get(heights.len() / 2).map(|height| f64::from(*height))
}

/// Ranges of pixels that hold the rows of text, from the top.
pub(super) fn text_rows(lines: &[&Line]) -> Vec<Range<i32>> {
    let step = line_height(lines.iter().copied()).unwrap_or_default() * STEP;
    let mut middles: Vec<i32> = lines.iter().map(|line| line.rect.center().y).collect();
    middles.sort_unstable();
    let mut rows: Vec<Range<i32>> = Vec::new();
    for middle in middles {
        match rows.last_mut() {
            Some(row) if f64::from(middle - row.end + 1) <= step => row.end = middle + 1,
            _ => rows.push(middle..middle + 1),
        }
    }
    rows
}

/// Ranges of pixels that hold the columns, from the left: what lies between strips that next to no
/// row writes on.
pub(super) fn text_columns(lines: &[&Line], rows: &[Range<i32>]) -> Vec<Range<i32>> {
    let (Some(left), Some(right)) = (
        lines.iter().map(|line| line.rect.left).min(),
        lines.iter().map(|line| line.rect.right()).max(),
    ) else {
        return Vec::new();
    };
    let written = |row: &Range<i32>| -> Vec<Range<i32>> {
        let in_row = lines.iter().filter(|line| row.contains(&line.rect.center().y));
        in_row.map(|line| line.rect.left..line.rect.right()).collect()
    };
    let rows: Vec<Vec<Range<i32>>> = rows.iter().map(written).collect();
    let allowed = rows.len() as f64 * ACROSS;
    let free = |x: i32| {
        let across = rows.iter().filter(|row| row.iter().any(|text| text.contains(&x))).count();
        across as f64 <= allowed
    };
    let strip = line_height(lines.iter().copied()).unwrap_or_default() * STRIP;
    let mut columns: Vec<Range<i32>> = Vec::new();
    for x in (left..right).filter(|x| !free(*x)) {
        match columns.last_mut() {
            Some(column) if f64::from(x - column.end) < strip => column.end = x + 1,
            _ => columns.push(x..x + 1),
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use karakuri_protocol::geometry::Rect;

    use super::*;

    fn line(left: i32, top: i32, width: u32) -> Line {
        let rect = Rect::new(left, top, width, 10);
        Line { rect, text: "x".into(), confidence: 1.0, words: Vec::new() }
    }

    #[test]
    fn a_title_across_the_columns_does_not_join_them() {
        let mut all = vec![line(0, 0, 200)];
        for row in 1..8 {
            all.push(line(0, row * 20, 60));
            all.push(line(80, row * 20 + 1, 40));
            all.push(line(160, row * 20 - 1, 40));
        }
        let lines: Vec<&Line> = all.iter().collect();
        let rows = text_rows(&lines);
        assert_eq!(rows.len(), 8);
        assert_eq!(text_columns(&lines, &rows), [0..60, 80..120, 160..200]);
    }

    #[test]
    fn a_space_between_words_is_no_column() {
        let all = [line(0, 0, 30), line(34, 0, 30), line(0, 20, 30), line(34, 20, 30)];
        let lines: Vec<&Line> = all.iter().collect();
        assert_eq!(text_columns(&lines, &text_rows(&lines)).len(), 1);
    }
}
