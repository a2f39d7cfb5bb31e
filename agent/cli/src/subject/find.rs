//! `karakuri subject find`: where a person's value stands. The value itself is never printed.

use karakuri_protocol::job::Exit;
use karakuri_protocol::personal::Place;
use karakuri_seal::manifest::Reason;
use serde::Serialize;

use super::Asked;
use super::search::{Found, Hit, Searched, Unsearched, search};
use crate::error::CliError;
use crate::output;

/// What was found, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// How many runs were looked through.
    searched: usize,
    /// Those of them with the value.
    runs: Vec<Run<'a>>,
    unsearched: &'a [Unsearched],
}

#[derive(Debug, Serialize)]
struct Run<'a> {
    run: &'a str,
    values: Vec<Value<'a>>,
}

#[derive(Debug, Serialize)]
struct Value<'a> {
    /// Id of the artifact with the value's key.
    key: Option<&'a str>,
    /// Why the value is not there any more.
    gone: Option<Reason>,
    places: &'a [Place],
}

pub(super) fn run(asked: &Asked, json: bool) -> Result<Exit, CliError> {
    let searched = search(&asked.wanted, (&asked.site, &asked.store), &asked.keys, &asked.trusted)?;
    if json {
        let runs = searched.found.iter().map(of).collect();
        let unsearched = &searched.unsearched;
        output::json(&Report { searched: searched.runs, runs, unsearched })?;
    } else {
        searched.found.iter().for_each(tell);
        tell_unsearched(&searched.unsearched);
        output::line(summary(&searched));
    }
    Ok(exit(&searched.unsearched))
}

/// The last line: what was found, and in how many runs it was looked for.
pub(super) fn summary(Searched { found, unsearched, runs }: &Searched) -> String {
    let of_runs = |count| if count == 1 { "1 run".to_owned() } else { format!("{count} runs") };
    let looked = match (unsearched.len(), of_runs(*runs)) {
        (0, searched) => format!("{searched} searched"),
        (not, searched) => format!("{searched} searched, {not} NOT searched"),
    };
    if found.is_empty() {
        return format!("nothing was found: {looked}");
    }
    let places: usize = found.iter().flat_map(|f| &f.hits).map(|hit| hit.value.places.len()).sum();
    let places = if places == 1 { "1 place".to_owned() } else { format!("{places} places") };
    format!("found: {places} in {}; {looked}", of_runs(found.len()))
}

/// A search that left something out is no success.
pub(super) fn exit(unsearched: &[Unsearched]) -> Exit {
    if unsearched.is_empty() { Exit::Success } else { Exit::NotVerified }
}

pub(super) fn tell_unsearched(unsearched: &[Unsearched]) {
    for Unsearched { run, why } in unsearched {
        output::line(format!("run {}: NOT searched: {}", run.escape_debug(), why.escape_debug()));
    }
}

fn of(found: &Found) -> Run<'_> {
    let mut values = Vec::new();
    for Hit { value, gone } in &found.hits {
        values.push(Value { key: value.key.as_deref(), gone: *gone, places: &value.places });
    }
    Run { run: &found.kept.manifest.run, values }
}

fn tell(found: &Found) {
    let run = &found.kept.manifest.run;
    for hit in &found.hits {
        for Place { place, kind, artifact } in &hit.value.places {
            let kind = kind.as_ref().map_or("text", |kind| kind.as_str());
            let artifact = artifact.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
            let gone = hit.gone.map(|why| format!(" ({why}, recorded)")).unwrap_or_default();
            output::line(format!("run {run}: {}{artifact}: {kind}{gone}", place.escape_debug()));
        }
    }
}
