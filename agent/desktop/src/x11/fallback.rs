//! Capture through xcap: slower, on a new connection each time, but without MIT-SHM and for other
//! pixel formats. xcap needs RandR 1.5 and reads `$DISPLAY` itself.

use image::RgbImage;
use karakuri_protocol::geometry::Rect;
use xcap::{Monitor, XCapError};

use super::capture::{Capture, within};
use super::error::X11Error;
use crate::frame::Frame;

/// The monitors, which together show the screen; it is black where there is none.
#[derive(Debug)]
pub(super) struct Xcap {
    screen: Rect,
}

impl Xcap {
    /// Checks that there are monitors.
    pub(super) fn open(screen: Rect) -> Result<Self, X11Error> {
        if Monitor::all().map_err(failed)?.is_empty() {
            let hint = "the X server reports no monitor: enable its RANDR extension";
            return Err(X11Error::Fallback(hint.into()));
        }
        Ok(Self { screen })
    }
}

impl Capture for Xcap {
    fn grab_into(&mut self, frame: &mut Frame, region: Rect) -> Result<(), X11Error> {
        let region = within(self.screen, region)?;
        let mut picture = RgbImage::new(region.width, region.height);
        for monitor in Monitor::all().map_err(failed)? {
            let place = place_of(&monitor).map_err(failed)?;
            if let Some(part) = place.intersection(&region) {
                copy(&monitor, place, part, region, &mut picture).map_err(failed)?;
            }
        }
        *frame = Frame::from_rgb(&picture)?;
        Ok(())
    }

    fn patch(&mut self, _frame: &mut Frame, _places: &[Rect]) -> Result<bool, X11Error> {
        Ok(false)
    }

    fn name(&self) -> &'static str {
        "xcap"
    }
}

/// Where a monitor is on the screen.
fn place_of(monitor: &Monitor) -> Result<Rect, XCapError> {
    Ok(Rect::new(monitor.x()?, monitor.y()?, monitor.width()?, monitor.height()?))
}

/// Puts what a monitor, which is at `place`, shows of `part` into the picture of `region`.
fn copy(
    monitor: &Monitor,
    place: Rect,
    part: Rect,
    region: Rect,
    picture: &mut RgbImage,
) -> Result<(), XCapError> {
    let beyond = |at: i32, from: i32| at.abs_diff(from);
    let (left, top) = (beyond(part.left, place.left), beyond(part.top, place.top));
    let rgba = monitor.capture_region(left, top, part.width, part.height)?;
    let (left, top) = (beyond(part.left, region.left), beyond(part.top, region.top));
    for (x, y, pixel) in rgba.enumerate_pixels() {
        let [red, green, blue, _] = pixel.0;
        picture.put_pixel(left + x, top + y, image::Rgb([red, green, blue]));
    }
    Ok(())
}

fn failed(error: XCapError) -> X11Error {
    X11Error::Fallback(error.to_string())
}
