//! The end of every run: kill, seal, sign, deliver, record, tell.

use std::time::Duration;

use karakuri_audit::{Actor, Event};
use karakuri_protocol::job::{Exit, Outcome};
use karakuri_protocol::recording::MARKS;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_seal::manifest::{AuditHead, Manifest, VERSION, Workflow};
use karakuri_seal::{Class, Sha256};
use time::OffsetDateTime;

use super::stages::Started;
use crate::end::End;
use crate::film::marks;
use crate::report::{self, About};
use crate::session::{Record, Requester, collect, last_attempts};
use crate::walls::Walls;

/// How long killing a sandbox may take before the run ends without its answer.
const KILL: Duration = Duration::from_secs(10);

/// Finishes the run; its exit code.
pub(super) async fn finish(
    mut end: End,
    record: Record,
    requester: &Requester,
    walls: &mut Walls,
    started: Started,
) -> Exit {
    requester.step("seal the evidence");
    let egress = started.egress.as_ref().map(|(id, _)| *id);
    for sandbox in [started.script, started.desktop, started.display, egress].into_iter().flatten()
    {
        if tokio::time::timeout(KILL, walls.kill(sandbox)).await.is_err() {
            tracing::warn!("a sandbox did not end in time");
        }
    }
    if let Some((_, link)) = &started.egress
        && tokio::time::timeout(KILL, last_attempts(link, &record)).await.is_err()
    {
        tracing::warn!("karakuri-egress did not end in time");
    }
    if let Some(ground) = &started.ground
        && let Err(e) = collect::rest(&record, ground, &started.collect)
    {
        end = worse(end, e);
    }
    let elapsed = record.timeline.borrow().elapsed();
    let finished = OffsetDateTime::now_utc();
    let started_at = finished - elapsed;
    let (workflow, version) =
        started.about.clone().unwrap_or_else(|| ("unknown".to_owned(), String::new()));
    let about = About {
        run: record.run.clone(),
        workflow: workflow.clone(),
        version: version.clone(),
        started: started_at,
        elapsed,
        exit: end.exit,
        message: end.message.clone(),
        inputs: started.inputs.clone(),
        acts: started.acts,
        screen: started.screen,
        control: started.ground.as_ref().map(|ground| ground.control.clone()),
    };
    let report_id = match seal_rest(&record, &about) {
        Ok(id) => Some(id),
        Err(e) => {
            end = worse(end, e);
            None
        }
    };
    let event =
        Event::RunFinished { outcome: end.exit, acts: started.acts, artifacts: artifacts(&record) };
    if let Err(e) = record.note(Actor::Daemon, event) {
        end = worse(end, e);
    }
    let outcome = Outcome {
        run: record.run.clone(),
        exit: end.exit,
        message: end.message.clone(),
        outputs: record.outputs.take(),
        not_collected: record.not_collected.take(),
        store_prefix: record.evidence.borrow().prefix(),
        report_key: report_id.map(|id| format!("{}/{id}.esdk", record.evidence.borrow().prefix())),
        artifacts: artifacts(&record),
        elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
    };
    let exit = end.exit;
    let audit = record
        .audit
        .borrow()
        .head()
        .map(|head| AuditHead { seq: head.seq, hash: Sha256::from_bytes(*head.hash.as_bytes()) });
    let signed = record.evidence.into_inner().sign(|artifacts| Manifest {
        version: VERSION,
        tenant: super::DEVELOPMENT.to_owned(),
        site: super::DEVELOPMENT.to_owned(),
        run: outcome.run.clone(),
        workflow: Workflow { name: workflow, version },
        started: started_at,
        finished,
        outcome: exit,
        artifacts,
        audit,
    });
    let delivered = match (signed, &started.courier) {
        (Ok(signed), Some((_, courier))) => {
            signed.deliver(courier).await.map_err(|e| e.to_string())
        }
        (Ok(_), None) => Err("no courier could be started; they wait in the spool".to_owned()),
        (Err(e), _) => Err(e.to_string()),
    };
    let outcome = with_delivery(outcome, delivered);
    let exit = outcome.exit;
    requester.finished(outcome);
    exit
}

/// Seals the log, what was done over the recording, and the report; the report's id.
fn seal_rest(record: &Record, about: &About) -> Result<String, End> {
    let (timeline, film) = (record.timeline.borrow(), record.film.borrow());
    record.seal(Class::Evidence, "log", "text/plain", timeline.log().as_bytes())?;
    if film.segments() > 0 {
        let marks = serde_json::to_vec(&marks(&timeline))
            .map_err(|e| End::internal("writing the acts of the recording", e))?;
        record.seal(Class::Evidence, MARKS, "application/json", marks.as_slice())?;
    }
    let results = (&*record.outputs.borrow(), &record.soft_failures.borrow()[..]);
    let html = report::html(about, &timeline, results, &film);
    let sealed = record.seal(Class::Evidence, "report", "text/html", html.as_bytes())?;
    Ok(sealed.artifact().id.clone())
}

fn artifacts(record: &Record) -> u32 {
    u32::try_from(record.evidence.borrow().sealed().len()).unwrap_or(u32::MAX)
}

/// The failure to keep evidence outweighs how the script did.
fn worse(before: End, failure: End) -> End {
    if before.exit == Exit::Success {
        failure
    } else {
        End { message: format!("{}; moreover {}", before.message, failure.message), ..before }
    }
}

fn with_delivery(mut outcome: Outcome, delivered: Result<(), String>) -> Outcome {
    if let Err(e) = delivered {
        let shown = Untrusted::new(e).escaped(400);
        let end = worse(
            End { exit: outcome.exit, message: outcome.message },
            End::evidence("delivering the artifacts", shown),
        );
        outcome.exit = end.exit;
        outcome.message = end.message;
    }
    outcome
}
