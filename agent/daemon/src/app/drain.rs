//! `karakuri artifacts deliver`: no run, only what waits in the spool, until it is in the store or a
//! person has enough.

use karakuri_audit::{Actor, Entry, Event, Log};
use karakuri_link::AsyncLink;
use karakuri_protocol::job::{Control, Drain, Drained, Exit, Progress};
use karakuri_protocol::untrusted::Untrusted;
use karakuri_sandbox::link::Link;
use karakuri_spool::{ArtifactId, Change, State};

use super::{MONITOR_FD, Own, REQUESTER_FD, StartError, failed, inherited, refuse, runtime};
use crate::config::Config;
use crate::confine;
use crate::delivery::{Delivery, Happened};
use crate::evidence::Shared;
use crate::session::{Requester, of_delivery, of_removal};
use crate::walls::Walls;

/// Delivers what waits.
pub(super) fn run(config: &Config) -> Result<Exit, StartError> {
    let requester = inherited(REQUESTER_FD)?;
    let monitor = inherited(MONITOR_FD)?;
    let received = requester.recv::<Drain>().map_err(failed("receiving the request"))?;
    let (wanted, _) =
        received.ok_or("the requester is gone").map_err(failed("receiving the request"))?;
    let own = match Own::open(config) {
        Ok(own) => own,
        Err(e) => return refuse(&requester, e),
    };
    confine::confine(config).map_err(failed("restricting karakurid"))?;
    runtime()?.block_on(deliver(wanted, own, requester, monitor))
}

async fn deliver(
    wanted: Drain,
    own: Own,
    requester: Link,
    monitor: Link,
) -> Result<Exit, StartError> {
    let requester = AsyncLink::new(requester).map_err(failed("the requester's link"))?;
    let requester = Requester::new(requester);
    let mut walls = Walls::new(AsyncLink::new(monitor).map_err(failed("the monitor's link"))?);
    let Own { mut audit, shared, .. } = own;
    if wanted.parked {
        unpark(&shared)?;
    }
    if shared.spool.borrow().artifacts().all(|(_, artifact)| *artifact.state() == State::Deleted) {
        let _gone = requester.link().send(&Progress::Drained(Drained::default()), &[]);
        return Ok(Exit::Success);
    }
    let courier = super::stages::start_upload(&mut walls).await;
    let (_, link) = courier.map_err(|end| failed("starting the courier")(end.message))?;
    let mut delivery = Delivery::new(link, shared);
    let mut drained = Drained::default();
    loop {
        note_removed(&mut delivery, &mut audit)?;
        let waiting = delivery.waiting();
        (drained.waiting, drained.parked) = (waiting.artifacts, waiting.parked);
        drained.reason = waiting.reason.map(Untrusted::new);
        requester.tell(&Progress::Delivery(drained.clone()));
        if delivery.is_idle() {
            break;
        }
        tokio::select! {
            happened = delivery.next() => {
                let happened = happened.map_err(failed("delivering"))?;
                if let Happened::Delivered(..) = happened {
                    drained.delivered += 1;
                }
                if let Some((run, event)) = of_delivery(&happened) {
                    note(&mut audit, run, event)?;
                }
            }
            said = requester.link().recv::<Control>() => {
                if !matches!(said, Ok(Some((Control::Pause | Control::Resume, _)))) {
                    break;
                }
            }
        }
    }
    let gone = delivery.release(&wanted.release).map_err(failed("letting go what is erased"))?;
    for (run, event) in of_removal(&gone) {
        note(&mut audit, &run, event)?;
    }
    let exit = if drained.waiting == 0 { Exit::Success } else { Exit::EvidenceFailed };
    let _gone = requester.link().send(&Progress::Drained(drained), &[]);
    Ok(exit)
}

/// Gives what was parked another chance.
fn unpark(shared: &Shared) -> Result<(), StartError> {
    let mut spool = shared.spool.borrow_mut();
    let is_parked = |state: &State| matches!(state, State::Parked { .. });
    let parked = spool.artifacts().filter(|(_, artifact)| is_parked(artifact.state()));
    let changes: Vec<(ArtifactId, Change)> =
        parked.map(|(id, _)| (id.clone(), Change::Redeliver)).collect();
    spool.change(changes, shared.clock.now()).map_err(failed("taking up what was parked"))
}

fn note_removed(delivery: &mut Delivery, audit: &mut Log) -> Result<(), StartError> {
    let gone = delivery.tidy().map_err(failed("removing what was delivered"))?;
    for (run, event) in of_removal(&gone) {
        note(audit, &run, event)?;
    }
    Ok(())
}

fn note(audit: &mut Log, run: &str, event: Event) -> Result<(), StartError> {
    let entry = Entry { run: Some(run.to_owned()), actor: Actor::Daemon, event };
    Ok(audit.append(entry).map(drop)?)
}
