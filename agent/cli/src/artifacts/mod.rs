//! `karakuri artifacts`: what a run left, for the holder of the key.

pub(crate) mod deliver;
mod events;
mod expire;
pub(crate) mod fetch;
mod rewrap;
mod unmask;
mod verify;

use std::io::IsTerminal;

use karakuri_protocol::job::Exit;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_seal::manifest::Artifact;
use karakuri_workflow::bundle::check_file_name;

use crate::cli::{Artifacts, ArtifactsCommand};
use crate::error::CliError;
use crate::output;
use crate::run::{make_private_directory, write_private};
use crate::site::Site;

pub(crate) fn run(arguments: &Artifacts) -> Result<Exit, CliError> {
    let site = Site::find()?;
    match &arguments.command {
        ArtifactsCommand::Verify(arguments) => return verify::run(arguments),
        ArtifactsCommand::Deliver(arguments) => return deliver::run(arguments),
        ArtifactsCommand::Events(arguments) => return events::run(arguments),
        ArtifactsCommand::Fetch(arguments) => return fetch::run(arguments),
        ArtifactsCommand::Expire(arguments) => return expire::run(arguments),
        ArtifactsCommand::Rewrap(arguments) => return rewrap::run(arguments),
        ArtifactsCommand::Unmask(arguments) => return unmask::run(arguments),
        ArtifactsCommand::List(of) => {
            let manifest = site.manifest(&site.run(&of.run)?)?;
            if of.json {
                output::json(&manifest.artifacts)?;
            } else {
                if std::io::stdout().is_terminal() {
                    output::line(format!(
                        "{:<16} {:<9} {:>9}  {:<26} {}",
                        "ID", "CLASS", "BYTES", "TYPE", "NAME"
                    ));
                }
                for artifact in &manifest.artifacts {
                    output::line(line(artifact));
                }
            }
        }
        ArtifactsCommand::Show(of) => {
            let manifest = site.manifest(&site.run(&of.run)?)?;
            output::json(&manifest)?;
        }
        ArtifactsCommand::Decrypt { run, id, out, opening } => {
            let kept = site.kept(&site.run(run)?)?;
            let keys = site.keyrings(opening)?;
            let wanted = |a: &&Artifact| id.as_ref().is_none_or(|id| &a.id == id);
            let chosen: Vec<_> = kept.manifest.artifacts.iter().filter(wanted).collect();
            if chosen.is_empty() {
                let id = id.as_deref().unwrap_or_default();
                return Err(CliError::Usage(format!(
                    "run {} has no artifact {id:?}",
                    kept.manifest.run
                )));
            }
            make_private_directory(out)?;
            for artifact in chosen {
                if let (None, Some(reason)) = (id, kept.removal(artifact)) {
                    eprintln!("karakuri: {} is gone: {reason}", artifact.id);
                    continue;
                }
                let path = out.join(file_name(artifact));
                write_private(&path, &kept.open(&keys, artifact)?)?;
                output::line(path.display());
            }
        }
    }
    Ok(Exit::Success)
}

fn line(artifact: &Artifact) -> String {
    let Artifact { id, name, class, media_type, summary } = artifact;
    let bytes = summary.message_length;
    let [media_type, name] =
        [media_type, name].map(|text| Untrusted::new(text.clone()).escaped(200));
    format!("{id:<16} {:<9} {bytes:>9}  {media_type:<26} {name}", class.as_str())
}

/// `<id>-<name>` for a file that was attached or collected under a name that is safe as one, else
/// `<id>.<extension>`. With the id it hides nothing and is nobody else's.
fn file_name(artifact: &Artifact) -> String {
    let Artifact { id, name, media_type, .. } = artifact;
    let extension = match media_type.as_str() {
        "image/webp" => "webp",
        "image/apng" => "apng",
        "text/html" => "html",
        "text/plain" => "txt",
        "application/json" => "json",
        _ => {
            let name = name.rsplit('/').next().unwrap_or_default();
            return match check_file_name(name) {
                Ok(()) => format!("{id}-{name}"),
                Err(_) => format!("{id}.bin"),
            };
        }
    };
    format!("{id}.{extension}")
}
