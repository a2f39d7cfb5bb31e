//! Reading order: rows from the top, in a row from the left.

use karakuri_protocol::desktop::Line;

/// Sorts into reading order. Lines whose middles are less than half a line height apart are on one
/// row, whichever of them is a little higher.
pub(crate) fn sort(lines: &mut [Line]) {
    lines.sort_by_key(|line| (line.rect.center().y, line.rect.left));
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let (middle, tolerance) = (first.rect.center().y, first.rect.height / 2);
        let row = rest
            .iter()
            .take_while(|line| {
                let reach = tolerance.min(line.rect.height / 2).max(1);
                line.rect.center().y.abs_diff(middle) < reach
            })
            .count();
        let (row, below) = rest.split_at_mut(row.max(1));
        row.sort_by_key(|line| line.rect.left);
        rest = below;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use karakuri_protocol::geometry::Rect;
    use karakuri_protocol::untrusted::Untrusted;

    fn line(text: &str, left: i32, top: i32) -> Line {
        let rect = Rect::new(left, top, 40, 20);
        Line { rect, text: Untrusted::new(text), confidence: 1.0, words: Vec::new() }
    }

    #[test]
    fn a_row_may_be_uneven() {
        let mut lines = [
            line("d", 0, 30),
            line("c", 200, 5),
            line("a", 0, 7),
            line("b", 100, 0),
            line("e", 60, 33),
        ];
        sort(&mut lines);
        let order: String = lines.iter().map(|l| l.text.danger_raw()).collect();
        assert_eq!(order, "abcde");
    }
}
