//! Brightness of a part of a frame, to look for straight lines in.

use karakuri_protocol::geometry::Rect;

use crate::frame::{Frame, pixels_of};

/// Brightness, row after row.
pub(super) struct Grey {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<i16>,
}

impl Grey {
    /// Of `region`.
    pub(super) fn of(frame: &Frame, region: Rect) -> Self {
        let rows: Vec<Vec<i16>> = frame
            .rows(region)
            .map(|row| pixels_of(row).map(|p| p.map(i16::from).iter().sum::<i16>() / 3).collect())
            .collect();
        let (width, height) = (rows.first().map_or(0, Vec::len), rows.len());
        Self { width, height, values: rows.concat() }
    }

    /// Rows for columns.
    pub(super) fn turned(&self) -> Self {
        let values = (0..self.width).flat_map(|x| (0..self.height).map(move |y| (x, y)));
        let values = values.map(|(x, y)| self.values[y * self.width + x]).collect();
        Self { width: self.height, height: self.width, values }
    }
}
