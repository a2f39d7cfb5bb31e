//! The recording is sealed as it comes, whatever the script and the session do meanwhile.

use std::future::pending;
use std::time::Duration;

use karakuri_protocol::apng;
use karakuri_seal::Class;

use super::Record;
use crate::end::End;
use crate::recording::{Recording, RecordingError};

/// How long the last segment may take. A desktop that reads the screen does nothing else meanwhile.
const LAST: Duration = Duration::from_secs(3);

/// Seals each segment when it comes; returns only when that fails.
pub async fn keep_all(record: &Record, recording: Option<&Recording>) -> End {
    let Some(recording) = recording else { return pending().await };
    match keep(record, recording).await {
        Ok(()) => pending().await,
        Err(end) => end,
    }
}

/// Asks for what is recorded and not sealed yet, and seals it.
///
/// # Errors
/// When a segment cannot be taken over or sealed.
pub async fn keep_rest(record: &Record, recording: &Recording) -> Result<(), End> {
    recording.finish();
    let Ok(kept) = tokio::time::timeout(LAST, keep(record, recording)).await else {
        tracing::warn!("the last segment of the recording did not come in time");
        return Ok(());
    };
    kept
}

async fn keep(record: &Record, recording: &Recording) -> Result<(), End> {
    let unusable = |e: RecordingError| End::desktop("the recording of karakuri-desktop", e);
    while let Some(file) = recording.segment().await.map_err(unusable)? {
        let segment = apng::Segment::parse(&file)
            .map_err(|e| End::desktop("the recording of karakuri-desktop", e))?;
        let number = record.film.borrow_mut().add(segment, file.len());
        let name = format!("recording-{number:04}");
        record.seal(Class::Evidence, &name, "image/apng", file.as_slice())?;
    }
    Ok(())
}
