//! `karakuri artifacts unmask`: an artifact with the personal data that was masked in it, for the holder of
//! the key that opens the class `pii`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageFormat, RgbImage, imageops};
use karakuri_protocol::geometry::Rect;
use karakuri_protocol::job::Exit;
use karakuri_protocol::personal::{
    Document, Field, OutputFields, PERSONAL, Part, PictureFields, Piece, TextFields, UnderMask,
    object,
};
use karakuri_seal::manifest::Artifact;
use karakuri_seal::{Class, Unwrap};
use serde_json::{Value, json};

use super::file_name;
use crate::cli::Unmask;
use crate::error::CliError;
use crate::output;
use crate::run::{make_private_directory, write_private};
use crate::site::Site;
use crate::subject::fields::Fields;

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
    let apart = find(&|artifact| artifact.class == Class::Pii && artifact.name == name);
    // The list of what was masked in texts is asked for itself.
    let itself = || Some(masked).filter(|artifact| artifact.class == Class::Pii);
    let personal = apart.or_else(itself).ok_or_else(|| {
        usage(&format!("nothing of artifact {id} was sealed apart as personal data"))
    })?;
    let fields = Fields::new(&kept, &keys);
    let json = |value: &Value| {
        serde_json::to_vec_pretty(value).map_err(CliError::internal("writing JSON"))
    };
    let whole = match fields.document(personal)? {
        Some(Document::Picture(of)) if of.picture == *id => {
            let whole = unmasked(&kept.open(&keys, masked)?, &of, &fields)?;
            whole.map_err(|e| CliError::NotVerified(format!("artifact {id}: {e}")))?
        }
        Some(Document::Output(OutputFields { output, value, .. })) if output == *id => {
            json(&value_of(&value, &fields)?)?
        }
        Some(Document::Texts(of)) if apart.is_none() => json(&texts_of(&of, &fields)?)?,
        _ if personal.id == *id => {
            let mend = "`karakuri artifacts decrypt` reads it";
            return Err(usage(&format!("in artifact {id} nothing is masked: {mend}")));
        }
        _ => return Err(usage(&format!("artifact {} is not of {id}", personal.id))),
    };
    make_private_directory(out)?;
    let path = out.join(file_name(masked));
    write_private(&path, &whole)?;
    output::line(path.display());
    Ok(Exit::Success)
}

/// A text as it was; a value that was removed stays masked.
fn text_of<U: Unwrap>(field: &Field, fields: &Fields<'_, U>) -> Result<String, CliError> {
    Ok(match fields.open(field)? {
        Some(text) => String::from_utf8_lossy(&text).into_owned(),
        None => format!("[{}]", field.kind),
    })
}

fn pieces_of<U: Unwrap>(pieces: &[Piece], fields: &Fields<'_, U>) -> Result<String, CliError> {
    let text = |piece: &Piece| match piece {
        Piece::Plain(text) => Ok(text.clone()),
        Piece::Field(field) => text_of(field, fields),
    };
    pieces.iter().map(text).collect()
}

/// Whether a value in a text was removed.
fn stays_masked<U: Unwrap>(pieces: &[Piece], fields: &Fields<'_, U>) -> Result<bool, CliError> {
    for piece in pieces {
        if let Piece::Field(field) = piece
            && fields.open(field)?.is_none()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An output as it was.
fn value_of<U: Unwrap>(part: &Part, fields: &Fields<'_, U>) -> Result<Value, CliError> {
    Ok(match part {
        Part::Plain(value) => value.clone(),
        Part::Text(pieces) => Value::String(pieces_of(pieces, fields)?),
        Part::Number(pieces) => {
            let text = pieces_of(pieces, fields)?;
            text.parse().map_or(Value::String(text), Value::Number)
        }
        Part::Array(parts) => {
            parts.iter().map(|part| value_of(part, fields)).collect::<Result<_, _>>()?
        }
        Part::Object(parts) => {
            let field = |(name, part): &(Vec<Piece>, Part)| {
                let masked = stays_masked(name, fields)?;
                Ok((pieces_of(name, fields)?, masked, value_of(part, fields)?))
            };
            Value::Object(object(parts.iter().map(field).collect::<Result<_, CliError>>()?))
        }
    })
}

fn texts_of<U: Unwrap>(of: &TextFields, fields: &Fields<'_, U>) -> Result<Value, CliError> {
    let text = |(place, field): &(String, Field)| {
        let text = text_of(field, fields)?;
        Ok(json!({ "place": place, "kind": field.kind.as_str(), "text": text }))
    };
    of.fields.iter().map(text).collect()
}

/// Why a picture cannot be put together.
#[derive(Debug, thiserror::Error)]
enum UnmaskError {
    #[error("what is under a mask cannot be read: {0}")]
    Field(#[from] serde_json::Error),
    #[error("a picture cannot be read: {0}")]
    Picture(#[from] image::ImageError),
    #[error("what is under a mask cannot be read: {0}")]
    Base64(#[from] base64::DecodeError),
    #[error(
        "what is under the mask at {0},{1} is not as large as the mask, or is beside the picture"
    )]
    Place(i32, i32),
}

/// The picture with the pixels that were masked, but for those that were removed.
fn unmasked<U: Unwrap>(
    webp: &[u8],
    of: &PictureFields,
    fields: &Fields<'_, U>,
) -> Result<Result<Vec<u8>, UnmaskError>, CliError> {
    let mut opened = Vec::new();
    for (rect, field) in &of.fields {
        opened.extend(fields.open(field)?.map(|under| (*rect, under)));
    }
    if opened.len() < of.fields.len() {
        let count = of.fields.len() - opened.len();
        eprintln!("karakuri: {count} masks stay: what was under them is gone");
    }
    Ok(put_together(webp, opened.iter().map(|(rect, under)| (*rect, under.as_slice()))))
}

fn put_together<'a>(
    webp: &[u8],
    opened: impl Iterator<Item = (Rect, &'a [u8])>,
) -> Result<Vec<u8>, UnmaskError> {
    let mut whole = decoded(webp)?;
    for (rect, under) in opened {
        let UnderMask { webp, .. } = serde_json::from_slice(under)?;
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
