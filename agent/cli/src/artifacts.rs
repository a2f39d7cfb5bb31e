//! `karakuri artifacts`: what a run left, for the holder of the key.

use std::fs;

use karakuri_protocol::job::Exit;
use karakuri_seal::manifest::Artifact;

use crate::cli::{Artifacts, ArtifactsCommand};
use crate::error::{CliError, at};
use crate::run::write_private;
use crate::site::Site;

pub(crate) fn run(arguments: &Artifacts) -> Result<Exit, CliError> {
    let site = Site::find()?;
    match &arguments.command {
        ArtifactsCommand::List(of) => {
            let manifest = site.manifest(&site.run(&of.run)?)?;
            if of.json {
                print_json(&manifest.artifacts)?;
            } else {
                for artifact in &manifest.artifacts {
                    println!("{}", line(artifact));
                }
            }
        }
        ArtifactsCommand::Show(of) => {
            let manifest = site.manifest(&site.run(&of.run)?)?;
            print_json(&manifest)?;
        }
        ArtifactsCommand::Decrypt { run, id, out } => {
            let directory = site.run(run)?;
            let manifest = site.manifest(&directory)?;
            let wanted = |a: &&Artifact| id.as_ref().is_none_or(|id| &a.id == id);
            let chosen: Vec<_> = manifest.artifacts.iter().filter(wanted).collect();
            if chosen.is_empty() {
                let id = id.as_deref().unwrap_or_default();
                return Err(CliError::Usage(format!(
                    "run {} has no artifact {id:?}",
                    manifest.run
                )));
            }
            fs::create_dir_all(out).map_err(at(out))?;
            for artifact in chosen {
                let path = out.join(file_name(artifact));
                write_private(&path, &site.open(&directory, &manifest, artifact)?)?;
                println!("{}", path.display());
            }
        }
    }
    Ok(Exit::Success)
}

fn line(artifact: &Artifact) -> String {
    let Artifact { id, name, class, media_type, summary } = artifact;
    let bytes = summary.message_length;
    format!("{id:<16} {:<9} {bytes:>9}  {media_type:<26} {name}", class.as_str())
}

/// `<id>.<extension>`: the name an artifact was given in the run is no file name.
fn file_name(artifact: &Artifact) -> String {
    let extension = match artifact.media_type.as_str() {
        "image/webp" => "webp",
        "text/html" => "html",
        "text/plain" => "txt",
        "application/json" => "json",
        _ => "bin",
    };
    format!("{}.{extension}", artifact.id)
}

fn print_json(value: &impl serde::Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(CliError::internal("writing JSON"))?;
    println!("{text}");
    Ok(())
}
