//! A picture of the screen as it may leave, and what is under its masks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::personal::MaskedField;

use super::{COLOUR, Find};
use crate::frame::{Frame, FrameError};

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Masked {
    /// The picture.
    pub(crate) picture: Frame,
    /// What was masked.
    pub(crate) fields: Vec<MaskedField>,
}

impl Masked {
    /// The part `rect` of `frame`, on which `finds` are; nothing when it is off the frame.
    pub(crate) fn of(
        frame: &Frame,
        rect: Rect,
        finds: &[Find],
    ) -> Result<Option<Self>, FrameError> {
        let Some(mut picture) = frame.crop(rect) else { return Ok(None) };
        let mut fields = Vec::new();
        for Find { kind, text, rect: place } in finds {
            let Some(within) = place.intersection(&rect) else { continue };
            let Some(under) = frame.crop(within) else { continue };
            let within =
                Rect { left: within.left - rect.left, top: within.top - rect.top, ..within };
            picture.fill(within, COLOUR);
            let webp = BASE64.encode(under.encode_webp()?);
            fields.push(MaskedField { kind: kind.clone(), text: text.clone(), rect: within, webp });
        }
        Ok(Some(Self { picture, fields }))
    }

    /// The part `rect` of a frame that could not be read: nothing in it can be told.
    pub(crate) fn unread(frame: &Frame, rect: Rect) -> Option<Self> {
        Some(Self { picture: frame.crop(rect)?.coarse(), fields: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};
    use karakuri_personal::Kind;

    #[test]
    fn a_mask_is_flat_and_gives_back_what_it_covers() {
        let byte = |value: u32| u8::try_from(value).unwrap();
        let image = RgbImage::from_fn(60, 40, |x, y| Rgb([byte(x), byte(y), 7]));
        let frame = Frame::from_rgb(&image).unwrap();
        let find = Find { kind: Kind::Email, text: "a".into(), rect: Rect::new(5, 12, 20, 8) };
        let cut = Rect::new(10, 10, 40, 20);
        let masked = Masked::of(&frame, cut, std::slice::from_ref(&find)).unwrap().unwrap();
        let place = Rect::new(0, 2, 15, 8);
        assert_eq!(masked.fields[0].rect, place);
        let colours: Vec<&[u8]> =
            masked.picture.rows(place).flat_map(|row| row.chunks(4)).map(|p| &p[..3]).collect();
        assert_eq!(colours, [&COLOUR[..]; 15 * 8]);
        let outside = Rect::new(15, 0, 25, 20);
        assert!(!masked.picture.differs_in(&frame.crop(cut).unwrap(), outside));
        let webp = BASE64.decode(&masked.fields[0].webp).unwrap();
        let under = Frame::decode(&webp).unwrap();
        assert_eq!(
            under.difference(
                under.bounds(),
                &frame,
                karakuri_protocol::geometry::Point { x: 10, y: 12 }
            ),
            None
        );
        let beside = Masked::of(&frame, Rect::new(30, 10, 10, 10), &[find]).unwrap().unwrap();
        assert_eq!(beside.fields, []);
    }

    #[test]
    fn what_was_not_read_has_one_colour_for_each_square() {
        let image = RgbImage::from_fn(130, 40, |x, _| Rgb([if x % 3 == 0 { 0 } else { 255 }; 3]));
        let frame = Frame::from_rgb(&image).unwrap();
        let unread = Masked::unread(&frame, frame.bounds()).unwrap().picture;
        let colours: std::collections::BTreeSet<&[u8]> =
            unread.pixels().chunks(4).map(|pixel| &pixel[..3]).collect();
        assert!(colours.len() <= 3, "{colours:?}");
    }
}
