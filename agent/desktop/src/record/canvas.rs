//! What the screen shows, and what the recording shows of it.
//!
//! Invariant: a tile is shown in the clear only while it holds the very pixels that were read. Of any
//! other tile the recording gets one colour: the mean of the cell it lies in, in 16 levels a
//! channel, so that neither a text nor one character of it can be told. What is personal is covered as long
//! as the pixels of its tile stay as they are, also when the label that told what it is goes away.

use karakuri_protocol::geometry::Rect;

use crate::frame::{self, BYTES_PER_PIXEL, Frame, pixels_of};
use crate::mask;

/// Side of the squares that are read or not read as a whole, in pixels.
const TILE: usize = 16;
/// Side of the squares that have one colour where they are not read, in tiles.
const CELL: usize = frame::CELL as usize / TILE;
/// The widest and the highest thing that is taken for a text cursor that blinks, and the lowest.
const CURSOR: (u32, u32, u32) = (3, 64, 6);

/// A change of what the recording shows.
#[derive(Debug)]
pub(super) struct Change {
    /// Around all that changed.
    pub(super) rect: Rect,
    /// Its pixels, RGBA; transparent where nothing changed.
    pub(super) rgba: Vec<u8>,
}

/// See the module's documentation.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    /// What the screen shows, BGRX.
    seen: Vec<u8>,
    /// What the recording shows, RGBA.
    shown: Vec<u8>,
    tiles: Vec<Tile>,
    /// The pixels that are covered.
    covered: Vec<bool>,
}

#[derive(Clone, Copy, Default)]
struct Tile {
    /// What it shows was read.
    read: bool,
    /// The recording may show something else.
    stale: bool,
}

impl Canvas {
    /// A black screen.
    pub(super) fn new(screen: Rect) -> Self {
        let (width, height) = (screen.width as usize, screen.height as usize);
        let tiles = width.div_ceil(TILE) * height.div_ceil(TILE);
        let black = [0, 0, 0, u8::MAX];
        Self {
            width,
            height,
            seen: vec![0; width * height * BYTES_PER_PIXEL],
            shown: black.repeat(width * height),
            tiles: vec![Tile { read: false, stale: true }; tiles],
            covered: vec![false; width * height],
        }
    }

    /// The screen.
    pub(super) fn bounds(&self) -> Rect {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        Rect::new(0, 0, side(self.width), side(self.height))
    }

    /// `rect` grown to whole tiles.
    pub(super) fn whole_tiles(&self, rect: Rect) -> Rect {
        let span = self.span(rect);
        let (left, top) = (span.columns.start * TILE, span.rows.start * TILE);
        let right = (span.columns.end * TILE).min(self.width);
        let bottom = (span.rows.end * TILE).min(self.height);
        area(left, top, right - left, bottom - top)
    }

    /// Takes what the screen shows in `place`, which is whole tiles. A text cursor that blinks is left
    /// out until something else changes or is read there.
    pub(super) fn see(&mut self, place: Rect, pixels: &Frame) {
        if self.change_in(place, pixels).is_some_and(|changed| !is_text_cursor(&changed)) {
            self.take(place, pixels, |_| false);
        }
    }

    /// Takes what the screen shows, as `region` of it was read, and covers `personal` wherever that is.
    pub(super) fn read(&mut self, screen: &Frame, region: Rect, personal: &[Rect]) {
        let Some(region) = self.bounds().intersection(&region) else { return };
        if screen.bounds() != self.bounds() {
            return;
        }
        let within = self.whole_tiles(region);
        let Some(pixels) = screen.crop(within) else { return };
        self.take(within, &pixels, |tile| region.union(&tile) == region);
        for place in personal {
            self.cover(*place);
        }
    }

    fn cover(&mut self, place: Rect) {
        let Some(place) = self.bounds().intersection(&place) else { return };
        let span = self.span(place);
        for row in span.rows {
            for column in span.columns.clone() {
                let Some(part) = self.tile(column, row).intersection(&place) else { continue };
                let mut fresh = false;
                for line in spans(part, self.width) {
                    fresh |= self.covered[line.clone()].contains(&false);
                    self.covered[line].fill(true);
                }
                self.tiles[row * self.width.div_ceil(TILE) + column].stale |= fresh;
            }
        }
    }

    /// Puts pixels in; tiles that `is_read` are shown in the clear from now on.
    fn take(&mut self, place: Rect, pixels: &Frame, is_read: impl Fn(Rect) -> bool) {
        let span = self.span(place);
        for row in span.rows {
            for column in span.columns.clone() {
                let tile = self.tile(column, row);
                let changed = self.copy(tile, place, pixels);
                if changed {
                    spans(tile, self.width).for_each(|line| self.covered[line].fill(false));
                }
                let state = &mut self.tiles[row * self.width.div_ceil(TILE) + column];
                let read = is_read(tile) || (state.read && !changed);
                state.stale |= changed || read != state.read;
                state.read = read;
            }
        }
    }

    /// Copies a tile out of the pixels of `place`; whether it was otherwise before.
    fn copy(&mut self, tile: Rect, place: Rect, pixels: &Frame) -> bool {
        let within = area_at(tile, place);
        let mut changed = false;
        for (new, line) in pixels.rows(within).zip(lines(tile, self.width)) {
            let old = &mut self.seen[line];
            if *old != *new && pixels_of(old).ne(pixels_of(new)) {
                old.copy_from_slice(new);
                changed = true;
            }
        }
        changed
    }

    /// The smallest rectangle around the pixels that differ.
    fn change_in(&self, place: Rect, pixels: &Frame) -> Option<Rect> {
        let (mut columns, mut rows) = (None, None);
        for ((new, line), y) in pixels.rows(pixels.bounds()).zip(lines(place, self.width)).zip(0..)
        {
            let old = &self.seen[line];
            if old == new {
                continue;
            }
            let pairs = pixels_of(old).zip(pixels_of(new)).zip(0..);
            for (_, x) in pairs.filter(|((old, new), _)| old != new) {
                columns = Some(grown(columns, x));
                rows = Some(grown(rows, y));
            }
        }
        let ((left, right), (top, bottom)) = (columns?, rows?);
        Some(area(left, top, right - left + 1, bottom - top + 1))
    }

    /// What the recording shows, as a whole.
    pub(super) fn picture(&self) -> &[u8] {
        &self.shown
    }

    /// Whether the recording may show something else than it should.
    pub(super) fn is_stale(&self) -> bool {
        self.tiles.iter().any(|tile| tile.stale)
    }

    /// Brings what the recording shows up to date; what changed, if anything did.
    pub(super) fn update(&mut self) -> Option<Change> {
        let across = self.width.div_ceil(TILE);
        let mut shades = vec![None; across.div_ceil(CELL) * self.height.div_ceil(TILE * CELL)];
        let mut changed: Vec<Rect> = Vec::new();
        for index in 0..self.tiles.len() {
            if !std::mem::take(&mut self.tiles[index].stale) {
                continue;
            }
            let (column, row) = (index % across, index / across);
            let shade = (!self.tiles[index].read).then(|| {
                let cell = row / CELL * across.div_ceil(CELL) + column / CELL;
                *shades[cell].get_or_insert_with(|| self.shade(column / CELL, row / CELL))
            });
            let tile = self.tile(column, row);
            if self.paint(tile, shade) {
                changed.push(tile);
            }
        }
        let rect = changed.iter().copied().reduce(|all, tile| all.union(&tile))?;
        Some(Change { rect, rgba: self.cut_out(rect, &changed) })
    }

    /// Shows a tile, in one colour if one is given; whether the recording showed something else.
    fn paint(&mut self, tile: Rect, shade: Option<[u8; 3]>) -> bool {
        let mut changed = false;
        for (line, span) in lines(tile, self.width).zip(spans(tile, self.width)) {
            let (from, to) = (&self.seen[line.clone()], &mut self.shown[line]);
            let pixels = pixels_of(from).zip(&self.covered[span]);
            for ((pixel, covered), to) in pixels.zip(to.as_chunks_mut::<BYTES_PER_PIXEL>().0) {
                let pixel = if *covered { mask::COLOUR } else { pixel };
                let [blue, green, red] = shade.unwrap_or(pixel);
                let rgba = [red, green, blue, u8::MAX];
                changed |= *to != rgba;
                *to = rgba;
            }
        }
        changed
    }

    /// The mean colour of a cell, coarsely.
    fn shade(&self, column: usize, row: usize) -> [u8; 3] {
        let side = TILE * CELL;
        let (left, top) = (column * side, row * side);
        let cell = area(left, top, side.min(self.width - left), side.min(self.height - top));
        frame::shade(lines(cell, self.width).map(|line| &self.seen[line]))
    }

    /// The tiles of `rect` that changed, as the recording shows them.
    fn cut_out(&self, rect: Rect, changed: &[Rect]) -> Vec<u8> {
        let mut rgba = vec![0; rect.width as usize * rect.height as usize * BYTES_PER_PIXEL];
        for tile in changed {
            let to = lines(area_at(*tile, rect), rect.width as usize);
            for (to, from) in to.zip(lines(*tile, self.width)) {
                rgba[to].copy_from_slice(&self.shown[from]);
            }
        }
        rgba
    }

    /// The columns and rows of the tiles that `rect` touches.
    fn span(&self, rect: Rect) -> Span {
        let rect = self.bounds().intersection(&rect).unwrap_or(Rect::new(0, 0, 0, 0));
        let tiles = |from: i32, to: i32| at(from) / TILE..at(to).div_ceil(TILE);
        Span { columns: tiles(rect.left, rect.right()), rows: tiles(rect.top, rect.bottom()) }
    }

    fn tile(&self, column: usize, row: usize) -> Rect {
        let (left, top) = (column * TILE, row * TILE);
        area(left, top, TILE.min(self.width - left), TILE.min(self.height - top))
    }
}

/// Shows the size and no pixels: what was not read must not leave by a log.
impl std::fmt::Debug for Canvas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Canvas({}x{})", self.width, self.height)
    }
}

struct Span {
    columns: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
}

/// Whether a change is no wider and no higher than a text cursor.
fn is_text_cursor(changed: &Rect) -> bool {
    let (width, highest, lowest) = CURSOR;
    changed.width <= width && (lowest..=highest).contains(&changed.height)
}

/// The pixels of each line of `rect` in a picture `width` pixels wide.
fn spans(rect: Rect, width: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let rows = at(rect.top)..at(rect.bottom());
    rows.map(move |y| y * width + at(rect.left)..y * width + at(rect.right()))
}

/// The bytes of each line of `rect` in a picture `width` pixels wide.
fn lines(rect: Rect, width: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    spans(rect, width).map(|span| span.start * BYTES_PER_PIXEL..span.end * BYTES_PER_PIXEL)
}

/// `rect` with its place counted from the corner of `origin`.
fn area_at(rect: Rect, origin: Rect) -> Rect {
    Rect { left: rect.left - origin.left, top: rect.top - origin.top, ..rect }
}

fn area(left: usize, top: usize, width: usize, height: usize) -> Rect {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let place = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
    Rect::new(place(left), place(top), side(width), side(height))
}

fn at(place: i32) -> usize {
    usize::try_from(place).unwrap_or(0)
}

/// The span with `at` in it too.
fn grown(span: Option<(usize, usize)>, at: usize) -> (usize, usize) {
    span.map_or((at, at), |(from, to)| (from.min(at), to.max(at)))
}

#[cfg(test)]
mod tests;
