//! Pictures of the screen with the target drawn over them, as inline SVG: the same picture is
//! carried once, however often it is shown.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use karakuri_protocol::desktop::Hit;
use karakuri_protocol::geometry::Rect;
use maud::{Markup, html};
use sha2::{Digest, Sha256};

use crate::timeline::Picture;

/// Pixels around the target in the close-up.
const MARGIN: i32 = 60;

/// The pictures of one page.
#[derive(Debug)]
pub(super) struct Pictures {
    screen: Rect,
    known: HashMap<[u8; 32], usize>,
}

impl Pictures {
    pub(super) fn new(screen: Option<Rect>) -> Self {
        let screen = screen.unwrap_or(Rect::new(0, 0, 1, 1));
        Self { screen, known: HashMap::new() }
    }

    /// The picture with what was found and what changed; a close-up of what was found.
    pub(super) fn show(
        &mut self,
        picture: &Picture,
        hit: Option<&Hit>,
        changed: Option<Rect>,
    ) -> Markup {
        let Some(webp) = &picture.webp else {
            return html! { p.why { "The picture is artifact " code { (picture.artifact) } "." } };
        };
        let (width, height) = size(webp).unwrap_or((self.screen.width, self.screen.height));
        let count = self.known.len();
        let digest: [u8; 32] = Sha256::digest(webp).into();
        let (id, first) = match self.known.get(&digest) {
            Some(id) => (*id, false),
            None => (count, true),
        };
        self.known.insert(digest, id);
        let name = format!("p{id}");
        html! {
            div.shots {
                svg.screen viewBox={ "0 0 " (width) " " (height) } role="img"
                    aria-label={ "the screen, artifact " (picture.artifact) } {
                    @if first {
                        image id=(name) width=(width) height=(height)
                            href={ "data:image/webp;base64," (STANDARD.encode(webp)) } {}
                    } @else { use href={ "#" (name) } {} }
                    @if let Some(rect) = changed { (outline(rect, "changed")) }
                    @if let Some(hit) = hit { (mark(hit)) }
                }
                @if let Some(hit) = hit {
                    svg.zoom viewBox=(around(hit.rect)) role="img" aria-label="close-up of the target" {
                        use href={ "#" (name) } {}
                        (mark(hit))
                    }
                }
            }
            p.why.mono { (picture.artifact) }
        }
    }
}

fn mark(hit: &Hit) -> Markup {
    html! {
        (outline(hit.rect, "target"))
        circle.point cx=(hit.at.x) cy=(hit.at.y) r="4" {}
    }
}

pub(super) fn outline(rect: Rect, class: &str) -> Markup {
    html! {
        rect class=(class) x=(rect.left) y=(rect.top) width=(rect.width) height=(rect.height) rx="2" {}
    }
}

fn around(rect: Rect) -> String {
    let margin = MARGIN.unsigned_abs();
    format!(
        "{} {} {} {}",
        rect.left - MARGIN,
        rect.top - MARGIN,
        rect.width + 2 * margin,
        rect.height + 2 * margin
    )
}

/// Width and height of a lossless WebP: RIFF header, `VP8L` chunk, signature byte 0x2f, then 14
/// bits each, less one (WebP Lossless Bitstream Specification, section 2).
fn size(webp: &[u8]) -> Option<(u32, u32)> {
    if webp.get(12..16)? != b"VP8L" || *webp.get(20)? != 0x2f {
        return None;
    }
    let bits = u32::from_le_bytes(webp.get(21..25)?.try_into().ok()?);
    Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
}
