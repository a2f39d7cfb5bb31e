//! The courier that uploads: several of karakurid's requests at once, each one attempt.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use karakuri_link::AsyncLink;
use karakuri_protocol::courier::{Failure, Kind, MAX_IN_FLIGHT, Put, Said, VERSION};
use karakuri_sandbox::link::LinkError;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::failure::failure;
use crate::s3::bucket::Bucket;

/// Serves until karakurid closes its end. What is under way then is given up; the next attempt finds
/// it.
pub(crate) async fn serve(link: AsyncLink, bucket: Bucket) -> Result<(), LinkError> {
    let (link, bucket) = (Arc::new(link), Arc::new(bucket));
    let (mut under_way, room) = (JoinSet::new(), Arc::new(Semaphore::new(MAX_IN_FLIGHT)));
    link.send(&Said::Ready { version: VERSION }, &[])?;
    loop {
        let received = tokio::select! {
            received = link.recv::<Put>() => received?,
            Some(_) = under_way.join_next() => continue,
        };
        let Some((put, fds)) = received else { return Ok(()) };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            let message = format!("more than {MAX_IN_FLIGHT} requests at once");
            let failure = failure(Kind::Invalid, message);
            link.send(&Said::Failed { id: put.id, failure }, &[])?;
            continue;
        };
        let (link, bucket) = (Arc::clone(&link), Arc::clone(&bucket));
        under_way.spawn(async move {
            let said = match attempt(&link, &bucket, &put, fds).await {
                Ok(said) => said,
                Err(failure) => Said::Failed { id: put.id, failure },
            };
            // Whoever hears the answer may ask again at once.
            drop(place);
            tell(&link, &said);
        });
    }
}

async fn attempt(
    link: &AsyncLink,
    bucket: &Bucket,
    put: &Put,
    mut fds: Vec<OwnedFd>,
) -> Result<Said, Failure> {
    let file = fds.pop().ok_or_else(no_file)?;
    let proof = bucket.put(put, file, &|said| tell(link, &said)).await?;
    Ok(Said::Stored { id: put.id, proof })
}

/// The failure of a request without its file.
pub(crate) fn no_file() -> Failure {
    failure(Kind::Invalid, "no file came with the request")
}

fn tell(link: &AsyncLink, said: &Said) {
    // karakurid may have closed its end; then the loop ends, and the next attempt finds what is there.
    drop(link.send(said, &[]));
}
