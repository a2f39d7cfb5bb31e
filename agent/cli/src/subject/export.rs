//! `karakuri subject export`: everything of a person, opened, as one JSON file for each run.

use std::path::Path;

use karakuri_audit::Event;
use karakuri_protocol::job::Exit;
use karakuri_protocol::personal::{Document, Field, UnderMask};
use karakuri_seal::{Class, Unwrap};
use serde::Serialize;
use zeroize::Zeroizing;

use super::Asked;
use super::fields::{Fields, fields_of, texts};
use super::find::{exit, summary, tell_unsearched};
use super::search::{Found, Wanted, search};
use crate::error::CliError;
use crate::output;
use crate::removal::Remover;
use crate::run::{make_private_directory, write_private};

/// What is written of a run.
#[derive(Debug, Serialize)]
struct Export<'a> {
    tenant: &'a str,
    site: &'a str,
    run: &'a str,
    workflow: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    finished: time::OffsetDateTime,
    fields: Vec<Opened>,
}

/// One place, opened.
#[derive(Debug, Serialize)]
struct Opened {
    /// `picture`, `log`, `output total`.
    place: String,
    /// What it was found as; none of a text of an output that is sealed whole.
    kind: Option<String>,
    /// Id of the artifact that it was masked in, or that holds it.
    artifact: Option<String>,
    text: String,
    /// The pixels of a picture: WebP as base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    webp: Option<String>,
}

pub(super) fn run(asked: &Asked, out: &Path) -> Result<Exit, CliError> {
    let searched = search(&asked.wanted, (&asked.site, &asked.store), &asked.keys, &asked.trusted)?;
    make_private_directory(out)?;
    let mut remover = Remover::open(&asked.site)?;
    for found in &searched.found {
        let fields = opened(found, &asked.keys, &asked.wanted)?;
        if fields.is_empty() {
            continue;
        }
        let run = &found.kept.manifest.run;
        let count = u32::try_from(fields.len()).unwrap_or(u32::MAX);
        remover.note(Some(run), Event::SubjectExported { fields: count })?;
        let manifest = &found.kept.manifest;
        let export = Export {
            tenant: &manifest.tenant,
            site: &manifest.site,
            run,
            workflow: &manifest.workflow.name,
            finished: manifest.finished,
            fields,
        };
        let json =
            serde_json::to_vec_pretty(&export).map_err(CliError::internal("writing JSON"))?;
        let path = out.join(format!("{run}.json"));
        write_private(&path, &Zeroizing::new(json))?;
        output::line(path.display());
    }
    tell_unsearched(&searched.unsearched);
    if searched.found.is_empty() {
        eprintln!("karakuri: {}", summary(&searched));
    }
    Ok(exit(&searched.unsearched))
}

fn opened<U: Unwrap>(found: &Found, keys: &[U], wanted: &Wanted) -> Result<Vec<Opened>, CliError> {
    let fields = Fields::new(&found.kept, keys);
    let ids: Vec<_> = found.hits.iter().filter_map(|hit| hit.value.key.as_ref()).collect();
    let mut all = Vec::new();
    let mut add = |field: &Field, place: &str, artifact: Option<&String>| -> Result<(), CliError> {
        if !ids.contains(&&field.key) {
            return Ok(());
        }
        let Some(content) = fields.open(field)? else { return Ok(()) };
        let under = serde_json::from_slice::<UnderMask>(&content).ok();
        let under = under.filter(|_| place == "picture");
        let (text, webp) = match under {
            Some(UnderMask { text, webp }) => (text.danger_raw().to_owned(), Some(webp)),
            None => (String::from_utf8_lossy(&content).into_owned(), None),
        };
        let (place, artifact) = (place.to_owned(), artifact.cloned());
        let kind = Some(field.kind.as_str().to_owned());
        all.push(Opened { place, kind, artifact, text, webp });
        Ok(())
    };
    for artifact in found.kept.present().filter(|artifact| artifact.class == Class::Pii) {
        match fields.document(artifact)? {
            Some(Document::Picture(of)) => {
                of.fields.iter().try_for_each(|(_, f)| add(f, "picture", Some(&of.picture)))?;
            }
            Some(Document::Texts(of)) => {
                of.fields.iter().try_for_each(|(place, field)| add(field, place, None))?;
            }
            Some(Document::Output(of)) => {
                let (fields, id) = (fields_of(&of.value), Some(&of.output));
                fields.into_iter().try_for_each(|field| add(field, "output", id))?;
            }
            Some(Document::Key(_) | Document::Index(_)) | None => {}
        }
    }
    all.extend(of_whole(found, keys, wanted)?);
    Ok(all)
}

/// The texts of outputs that are sealed whole which are the person's, and no others.
fn of_whole<U: Unwrap>(
    found: &Found,
    keys: &[U],
    wanted: &Wanted,
) -> Result<Vec<Opened>, CliError> {
    let mut all = Vec::new();
    for artifact in found.whole() {
        let value = Zeroizing::new(found.kept.open(keys, artifact)?);
        let value = serde_json::from_slice(&value)
            .map_err(|e| CliError::NotVerified(format!("artifact {}: {e}", artifact.id)))?;
        for text in texts(&value).into_iter().filter(|text| wanted.is_in(text)) {
            let (place, artifact) = (artifact.name.clone(), Some(artifact.id.clone()));
            all.push(Opened { place, kind: None, artifact, text, webp: None });
        }
    }
    Ok(all)
}
