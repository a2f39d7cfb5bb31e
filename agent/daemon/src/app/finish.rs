//! The end of every run: kill, seal, sign, deliver, record, tell.

use std::time::Duration;

use karakuri_audit::{Actor, Event};
use karakuri_protocol::event::RunEvent;
use karakuri_protocol::job::{Exit, Outcome};
use karakuri_protocol::recording::MARKS;
use karakuri_protocol::untrusted::Untrusted;
use karakuri_seal::manifest::{AuditHead, Manifest, VERSION, Workflow};
use karakuri_seal::{Class, Sha256};
use time::OffsetDateTime;

use super::stages::Started;
use crate::delivery::Waiting;
use crate::end::End;
use crate::film::marks;
use crate::report::{self, About};
use crate::session::{Record, Requester, collect, deliver_rest, last_attempts};
use crate::walls::Walls;

/// How long killing a sandbox may take before the run ends without its answer.
pub(super) const KILL: Duration = Duration::from_secs(10);

/// Finishes the run; its exit code.
pub(super) async fn finish(
    mut end: End,
    record: Record,
    requester: &Requester,
    walls: &mut Walls,
    mut started: Started,
) -> Exit {
    requester.step("seal the evidence");
    record.evidence.borrow_mut().close();
    end.message = record.timeline.borrow_mut().personal().text("message", &end.message);
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
        inputs: record.shown_inputs(&started.inputs),
        acts: started.acts,
        screen: started.screen,
        control: started.ground.as_ref().map(|ground| ground.control.clone()),
    };
    let unlocked = record.evidence.borrow().is_unlocked();
    let report_id = match unlocked.then(|| seal_rest(&record, &about)) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(e)) => {
            end = worse(end, e);
            None
        }
    };
    let event =
        Event::RunFinished { outcome: end.exit, acts: started.acts, artifacts: artifacts(&record) };
    let told = record.note(Actor::Daemon, event).and_then(|()| {
        // Sealed now, while there is a key; it leaves after the manifest.
        let prefix = record.evidence.borrow().prefix();
        record.announce(RunEvent::Uploaded { prefix })
    });
    if let Err(e) = told {
        end = worse(end, e);
    }
    let outcome = Outcome {
        run: record.run.clone(),
        exit: end.exit,
        message: end.message.clone(),
        outputs: record.outputs.take(),
        not_collected: record.not_collected.take(),
        warnings: record.warnings.take(),
        store_prefix: record.evidence.borrow().prefix(),
        report_key: report_id.map(|id| format!("{}/{id}.esdk", record.evidence.borrow().prefix())),
        artifacts: artifacts(&record),
        waiting: 0,
        elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
    };
    let manifest = |artifacts, record: &Record| Manifest {
        version: VERSION,
        tenant: record.evidence.borrow().origin().tenant.clone(),
        site: record.evidence.borrow().origin().site.clone(),
        run: record.run.clone(),
        workflow: Workflow { name: workflow, version },
        started: started_at,
        finished,
        outcome: end.exit,
        artifacts,
        audit: record.audit.borrow().head().map(|head| AuditHead {
            seq: head.seq,
            hash: Sha256::from_bytes(*head.hash.as_bytes()),
        }),
    };
    let mut outcome = outcome;
    if unlocked {
        let signed = record.evidence.borrow().sign(|artifacts| manifest(artifacts, &record));
        if let Err(e) = signed {
            outcome = failing(outcome, End::evidence("signing the manifest", e));
        }
    }
    if let Some(delivery) = &mut started.delivery {
        requester.step("deliver the evidence");
        match deliver_rest(&record, delivery).await {
            Ok(waiting) => outcome = with_waiting(outcome, waiting),
            Err(e) => outcome = failing(outcome, e),
        }
    }
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
    drop((timeline, film));
    record.seal_personal()?;
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

fn failing(mut outcome: Outcome, failure: End) -> Outcome {
    let message = Untrusted::new(failure.message).escaped(400);
    let before = End { exit: outcome.exit, message: outcome.message };
    End { exit: outcome.exit, message: outcome.message } =
        worse(before, End { message, ..failure });
    outcome
}

/// What waits for a store that is away costs the run nothing; what a person has to look at does.
fn with_waiting(mut outcome: Outcome, waiting: Waiting) -> Outcome {
    outcome.waiting = u32::try_from(waiting.artifacts).unwrap_or(u32::MAX);
    let Waiting { parked, reason, .. } = waiting;
    if parked == 0 {
        return outcome;
    }
    let why = format!(
        "{parked} sealed files are parked in the spool, as the store does not take them: {}; when that \
         is mended, `karakuri artifacts deliver --parked`",
        reason.unwrap_or_default()
    );
    failing(outcome, End::new(Exit::EvidenceFailed, why))
}
