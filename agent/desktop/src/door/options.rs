//! What the person who opens the door can choose.

use std::path::PathBuf;

use karakuri_protocol::desktop::Script;

/// Chosen on the command line of `karakuri desktop`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The directory with ONNX Runtime and the models.
    pub assets: PathBuf,
    /// The directory with the pictures that `image:` targets name.
    pub images: Option<PathBuf>,
    /// The directory that screenshots are written to.
    pub out: Option<PathBuf>,
    /// The script that is read.
    pub language: Script,
}

impl Options {
    /// Reads what follows `--lines`: the assets' directory, then options with their values.
    ///
    /// # Errors
    /// The option that is not known, or lacks its value.
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let (assets, rest) =
            arguments.split_first().ok_or("--lines takes the assets' directory")?;
        let mut options = Self { assets: assets.into(), ..Self::default() };
        for pair in rest.chunks(2) {
            match pair {
                [name, value] if name == "--images" => options.images = Some(value.into()),
                [name, value] if name == "--out" => options.out = Some(value.into()),
                [name, value] if name == "--language" => options.language = language(value)?,
                _ => return Err(format!("{:?} is no option with its value", pair.join(" "))),
            }
        }
        Ok(options)
    }
}

fn language(name: &str) -> Result<Script, String> {
    match name {
        "latin" => Ok(Script::Latin),
        "japanese" => Ok(Script::Japanese),
        _ => Err(format!("--language takes latin or japanese, not {name:?}")),
    }
}
