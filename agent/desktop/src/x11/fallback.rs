//! Capture through xcap: slower, on a new connection each time, but without MIT-SHM and for other
//! pixel formats. xcap needs RandR 1.5 and reads `$DISPLAY` itself.

use image::RgbImage;
use karakuri_protocol::geometry::Rect;
use xcap::Monitor;

use super::capture::{Capture, within};
use super::error::X11Error;
use crate::frame::Frame;

/// The monitor that starts at the origin; a run's display has no other.
pub(super) struct Xcap {
    monitor: Monitor,
    screen: Rect,
}

impl std::fmt::Debug for Xcap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Xcap").field("screen", &self.screen).finish_non_exhaustive()
    }
}

impl Xcap {
    /// Finds the monitor.
    pub(super) fn open(screen: Rect) -> Result<Self, X11Error> {
        let monitors = Monitor::all().map_err(failed)?;
        let monitor = monitors.into_iter().next().ok_or_else(|| {
            X11Error::Fallback("the X server reports no monitor: enable its RANDR extension".into())
        })?;
        Ok(Self { monitor, screen })
    }
}

impl Capture for Xcap {
    fn grab(&mut self, region: Rect) -> Result<Frame, X11Error> {
        let region = within(self.screen, region)?;
        let left = region.left.unsigned_abs();
        let top = region.top.unsigned_abs();
        let rgba =
            self.monitor.capture_region(left, top, region.width, region.height).map_err(failed)?;
        let rgb = RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
            let [red, green, blue, _] = rgba.get_pixel(x, y).0;
            image::Rgb([red, green, blue])
        });
        Ok(Frame::from_rgb(&rgb)?)
    }

    fn name(&self) -> &'static str {
        "xcap"
    }
}

fn failed(error: xcap::XCapError) -> X11Error {
    X11Error::Fallback(error.to_string())
}
