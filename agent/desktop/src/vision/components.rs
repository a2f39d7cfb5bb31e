//! From the detector's probability map to boxes of text.
//!
//! The method is the one of Differentiable Binarization (Liao et al., AAAI 2020, section 3.4) as
//! PaddleOCR ships it, kept to axis-aligned boxes because text on a screen stands straight: the map
//! is cut at a threshold, each 4-connected component is a shrunken line of text, and its box is
//! grown back by area × ratio / perimeter.

use karakuri_protocol::geometry::Rect;

/// Probability from which a pixel belongs to text.
const PIXEL_THRESHOLD: f32 = 0.3;
/// Mean probability from which a box is text.
const BOX_THRESHOLD: f32 = 0.5;
/// How far a box is grown back.
const UNCLIP_RATIO: f64 = 1.5;
/// Components with a shorter side, in pixels, are noise.
const MIN_SIDE: usize = 3;

/// A probability map as the detector gives it, row by row.
pub(crate) struct Map<'a> {
    pub(crate) width: usize,
    pub(crate) values: &'a [f32],
}

/// The extent of a component: columns `left..=right`, rows `top..=bottom`.
#[derive(Clone, Copy)]
struct Extent {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
}

/// A horizontal run of text pixels: columns `from..to`.
#[derive(Clone, Copy)]
struct Run {
    from: usize,
    to: usize,
    label: usize,
}

impl Map<'_> {
    /// The boxes of text, in no particular order; they may reach over the edges of the map.
    pub(crate) fn boxes(&self) -> Vec<Rect> {
        self.extents()
            .into_iter()
            .filter(|extent| extent.width() >= MIN_SIDE && extent.height() >= MIN_SIDE)
            .filter(|extent| self.score(extent) >= BOX_THRESHOLD)
            .filter_map(Extent::unclipped)
            .collect()
    }

    /// Connected components by runs, joined in a union-find forest.
    fn extents(&self) -> Vec<Extent> {
        let mut parents: Vec<usize> = Vec::new();
        let mut extents: Vec<Extent> = Vec::new();
        let mut above: Vec<Run> = Vec::new();
        for (y, row) in self.values.chunks_exact(self.width).enumerate() {
            let mut runs = runs_of(row);
            for run in &mut runs {
                run.label = parents.len();
                parents.push(run.label);
                extents.push(Extent { left: run.from, right: run.to - 1, top: y, bottom: y });
                for touching in above.iter().filter(|a| a.from < run.to && run.from < a.to) {
                    join(&mut parents, &mut extents, touching.label, run.label);
                }
            }
            above = runs;
        }
        let roots = parents.iter().enumerate().filter(|(label, parent)| label == *parent);
        roots.map(|(label, _)| extents[label]).collect()
    }

    fn score(&self, extent: &Extent) -> f32 {
        let rows = self.values.chunks_exact(self.width);
        let inside = rows.skip(extent.top).take(extent.height());
        let sum: f32 = inside.flat_map(|row| &row[extent.left..=extent.right]).sum();
        sum / (extent.width() * extent.height()) as f32
    }
}

impl Extent {
    fn width(&self) -> usize {
        self.right - self.left + 1
    }

    fn height(&self) -> usize {
        self.bottom - self.top + 1
    }

    fn unclipped(self) -> Option<Rect> {
        let (width, height) = (self.width() as f64, self.height() as f64);
        let margin = rounded(width * height * UNCLIP_RATIO / (2.0 * (width + height)));
        let left = i32::try_from(self.left).ok()? - margin;
        let top = i32::try_from(self.top).ok()? - margin;
        let grown = |side: usize| u32::try_from(side).ok()?.checked_add_signed(2 * margin);
        Some(Rect::new(left, top, grown(self.width())?, grown(self.height())?))
    }
}

fn runs_of(row: &[f32]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut x = 0;
    while let Some(start) = row[x..].iter().position(|p| *p > PIXEL_THRESHOLD) {
        let from = x + start;
        let length = row[from..].iter().position(|p| *p <= PIXEL_THRESHOLD);
        let to = length.map_or(row.len(), |length| from + length);
        runs.push(Run { from, to, label: 0 });
        x = to;
    }
    runs
}

/// Joins two components; the older label stays the root, so that a root's extent is final.
fn join(parents: &mut [usize], extents: &mut [Extent], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    if a == b {
        return;
    }
    let (keep, gone) = (a.min(b), a.max(b));
    parents[gone] = keep;
    let (old, new) = (extents[keep], extents[gone]);
    extents[keep] = Extent {
        left: old.left.min(new.left),
        right: old.right.max(new.right),
        top: old.top.min(new.top),
        bottom: old.bottom.max(new.bottom),
    };
}

fn root(parents: &mut [usize], label: usize) -> usize {
    let mut at = label;
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

#[expect(clippy::cast_possible_truncation, reason = "a margin is smaller than a frame's side")]
fn rounded(margin: f64) -> i32 {
    margin.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(rows: &[&str]) -> Vec<Rect> {
        let values: Vec<f32> = rows
            .iter()
            .flat_map(|r| r.bytes().map(|b| if b == b'#' { 0.9 } else { 0.0 }))
            .collect();
        Map { width: rows[0].len(), values: &values }.boxes()
    }

    #[test]
    fn a_component_becomes_one_grown_box() {
        // 8 x 3 pixels grow by 8 * 3 * 1.5 / 22 = 1.6, so by 2 on each side.
        let rows = ["..........", ".########.", ".########.", ".########.", ".........."];
        assert_eq!(boxes(&rows), [Rect::new(-1, -1, 12, 7)]);
    }

    #[test]
    fn arms_that_meet_below_are_one_component() {
        let rows = ["###...###", "###...###", "#########", "#########", "#########", "#########"];
        assert_eq!(boxes(&rows).len(), 1);
    }

    #[test]
    fn specks_and_thin_scores_are_dropped() {
        assert_eq!(boxes(&["##....", "##....", "......"]), []);
        let faint: Vec<f32> = vec![0.4; 25];
        assert_eq!(Map { width: 5, values: &faint }.boxes(), []);
    }
}
