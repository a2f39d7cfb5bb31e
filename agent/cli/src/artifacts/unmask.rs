//! `karakuri artifacts unmask`: an artifact with the personal data that was masked in it, for the holder of
//! the key that opens the class `pii`.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageFormat, RgbImage, imageops};
use karakuri_protocol::job::Exit;
use karakuri_protocol::personal::{FIELDS_VERSION, MaskedField, PERSONAL, PictureFields};
use karakuri_seal::Class;
use karakuri_seal::manifest::Artifact;

use super::file_name;
use crate::cli::Unmask;
use crate::error::{CliError, at};
use crate::output;
use crate::run::write_private;
use crate::site::Site;

pub(crate) fn run(arguments: &Unmask) -> Result<Exit, CliError> {
    let site = Site::find()?;
    let kept = site.kept(&site.run(&arguments.run)?)?;
    let keys = site.keyrings(&arguments.opening)?;
    let Unmask { id, out, .. } = arguments;
    let find = |wanted: &dyn Fn(&Artifact) -> bool| {
        kept.manifest.artifacts.iter().find(|artifact| wanted(artifact))
    };
    let usage = |what: &str| CliError::Usage(format!("run {}: {what}", kept.manifest.run));
    let masked = find(&|artifact| &artifact.id == id)
        .ok_or_else(|| usage(&format!("there is no artifact {id:?}")))?;
    let name = format!("{id}{PERSONAL}");
    let personal = find(&|artifact| artifact.class == Class::Pii && artifact.name == name);
    let personal = personal.ok_or_else(|| {
        usage(&format!("nothing of artifact {id} was sealed apart as personal data"))
    })?;
    let hidden = kept.open(&keys, personal)?;
    let whole = match masked.media_type.as_str() {
        "image/webp" => unmasked(&kept.open(&keys, masked)?, id, &hidden)
            .map_err(|e| CliError::NotVerified(format!("artifact {id}: {e}")))?,
        // Of an output the value itself was sealed.
        _ => hidden,
    };
    fs::create_dir_all(out).map_err(at(out))?;
    let path = out.join(file_name(masked));
    write_private(&path, &whole)?;
    output::line(path.display());
    Ok(Exit::Success)
}

/// Why a picture cannot be put together.
#[derive(Debug, thiserror::Error)]
enum UnmaskError {
    #[error("its list of masks cannot be read: {0}")]
    List(#[from] serde_json::Error),
    #[error("its list of masks is of version {0}; this program knows version {FIELDS_VERSION}")]
    Version(u16),
    #[error("its list of masks is of picture {0:?}")]
    Other(String),
    #[error("a picture cannot be read: {0}")]
    Picture(#[from] image::ImageError),
    #[error("what is under a mask cannot be read: {0}")]
    Base64(#[from] base64::DecodeError),
    #[error(
        "what is under the mask at {0},{1} is not as large as the mask, or is beside the picture"
    )]
    Place(i32, i32),
}

/// The picture with the pixels that were masked.
fn unmasked(webp: &[u8], id: &str, hidden: &[u8]) -> Result<Vec<u8>, UnmaskError> {
    let PictureFields { version, picture, fields } = serde_json::from_slice(hidden)?;
    if version != FIELDS_VERSION {
        return Err(UnmaskError::Version(version));
    }
    if picture != id {
        return Err(UnmaskError::Other(picture));
    }
    let mut whole = decoded(webp)?;
    for MaskedField { rect, webp, .. } in fields {
        let under = decoded(&BASE64.decode(webp)?)?;
        let place = (u32::try_from(rect.left).ok()).zip(u32::try_from(rect.top).ok());
        let fits = |(left, top): &(u32, u32)| {
            under.dimensions() == (rect.width, rect.height)
                && left.checked_add(rect.width).is_some_and(|right| right <= whole.width())
                && top.checked_add(rect.height).is_some_and(|bottom| bottom <= whole.height())
        };
        let (left, top) = place.filter(fits).ok_or(UnmaskError::Place(rect.left, rect.top))?;
        imageops::replace(&mut whole, &under, left.into(), top.into());
    }
    let mut file = Vec::new();
    let (width, height) = whole.dimensions();
    WebPEncoder::new_lossless(&mut file).encode(&whole, width, height, ExtendedColorType::Rgb8)?;
    Ok(file)
}

fn decoded(webp: &[u8]) -> Result<RgbImage, UnmaskError> {
    Ok(image::load_from_memory_with_format(webp, ImageFormat::WebP)?.into_rgb8())
}
