//! What becomes of sealed files is recorded, whatever the script and the session do meanwhile.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use karakuri_audit::{Actor, Entry, Event};
use karakuri_protocol::courier::{Checksum, Proof};
use karakuri_protocol::untrusted::Untrusted;
use karakuri_spool::ArtifactId;
use tokio::time::Instant;

use super::Record;
use crate::delivery::{Delivery, DeliveryError, Happened, Waiting};
use crate::end::End;

/// At the end of a run the delivery goes on while something arrives so often.
const PATIENCE: Duration = Duration::from_secs(20);

/// Delivers as it is sealed; returns only when the courier or the spool fails.
pub async fn deliver_all(record: &Record, delivery: Option<&mut Delivery>) -> End {
    let Some(delivery) = delivery else { return pending().await };
    loop {
        match delivery.next().await {
            Ok(happened) => {
                let noted = note(record, &happened).and_then(|()| make_room(record, delivery));
                if let Err(end) = noted {
                    return end;
                }
            }
            Err(e) => return End::evidence("delivering the artifacts", e),
        }
    }
}

/// Delivers what is there now, and gives up where a store that is away or refuses would only be waited
/// for: what is left stays in the spool.
///
/// # Errors
/// When the courier or the spool fails.
pub async fn deliver_rest(record: &Record, delivery: &mut Delivery) -> Result<Waiting, End> {
    let failed = |e: DeliveryError| End::evidence("delivering the artifacts", e);
    if !delivery.is_open() {
        return Ok(delivery.waiting());
    }
    while let Some(happened) =
        delivery.next_until(Instant::now() + PATIENCE).await.map_err(failed)?
    {
        note(record, &happened)?;
        if matches!(happened, Happened::PutOff(..)) {
            break;
        }
    }
    tidy(record, delivery)?;
    Ok(delivery.waiting())
}

/// Looks for what may be deleted when there is no room without it.
fn make_room(record: &Record, delivery: &mut Delivery) -> Result<(), End> {
    let has_room = record.evidence.borrow().shared().spool.borrow().has_room();
    if has_room { Ok(()) } else { tidy(record, delivery) }
}

fn tidy(record: &Record, delivery: &mut Delivery) -> Result<(), End> {
    let gone = delivery.tidy().map_err(|e| End::evidence("removing what was delivered", e))?;
    of_removal(&gone).into_iter().try_for_each(|(run, event)| append(record, &run, event))
}

/// What the audit log says of it, and of which run; of a further attempt, nothing.
#[must_use]
pub fn of_delivery(happened: &Happened) -> Option<(&str, Event)> {
    match happened {
        Happened::Delivered(id, Proof { checksum, version, .. }) => {
            let checksum = match checksum {
                Checksum::Sha256(value) => format!("sha256:{value}"),
                Checksum::Crc64nvme(value) => format!("crc64nvme:{value}"),
            };
            let (file, version) = (id.file().to_owned(), version.clone());
            Some((id.run(), Event::ArtifactDelivered { file, checksum, version }))
        }
        Happened::Parked(id, failure) => {
            tracing::error!("{}/{} is parked: {}", id.run(), id.file(), failure.message);
            let reason = Untrusted::new(failure.message.clone()).escaped(400);
            Some((id.run(), Event::ArtifactParked { file: id.file().to_owned(), reason }))
        }
        Happened::PutOff(id, failure) => {
            tracing::warn!("{}/{} is put off: {}", id.run(), id.file(), failure.message);
            None
        }
    }
}

/// Files in one record of the audit log, whose lines have a limit.
const FILES: usize = 500;

/// What the audit log says of files that left the spool, by their runs.
#[must_use]
pub fn of_removal(gone: &[ArtifactId]) -> Vec<(String, Event)> {
    let mut by_run: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for id in gone {
        by_run.entry(id.run().to_owned()).or_default().push(id.file().to_owned());
    }
    let event = |(run, files): (&String, &[String])| {
        (run.clone(), Event::ArtifactRemoved { files: files.to_vec() })
    };
    let parts = by_run.iter().flat_map(|(run, files)| files.chunks(FILES).map(move |f| (run, f)));
    parts.map(event).collect()
}

fn note(record: &Record, happened: &Happened) -> Result<(), End> {
    match of_delivery(happened) {
        Some((run, event)) => append(record, run, event),
        None => Ok(()),
    }
}

fn append(record: &Record, run: &str, event: Event) -> Result<(), End> {
    let entry = Entry { run: Some(run.to_owned()), actor: Actor::Daemon, event };
    record.append(entry).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_the_spool_is_told_in_records_that_fit() {
        let id = |run: &str, n: u32| ArtifactId::new(run, &format!("{n:04}-pii.esdk")).unwrap();
        let mut gone: Vec<_> = (0..1200).map(|n| id("20261122T100000000Z-0badcafe", n)).collect();
        gone.push(id("20261122T110000000Z-0badcafe", 1));
        let told: Vec<_> = of_removal(&gone)
            .into_iter()
            .map(|(run, event)| match event {
                Event::ArtifactRemoved { files } => (run, files.len()),
                other => panic!("{other:?}"),
            })
            .collect();
        let lengths: Vec<_> = told.iter().map(|(_, length)| *length).collect();
        assert_eq!(lengths, [500, 500, 200, 1]);
        assert_eq!(told[3].0, "20261122T110000000Z-0badcafe");
    }
}
