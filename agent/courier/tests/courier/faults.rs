//! What goes wrong between the courier and a service, and what the courier says of it.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use karakuri_protocol::courier::{Kind, Said};

use crate::proxy::Faulty;
use crate::rig::{Courier, Site};
use crate::servers::servers;

/// What a [`Faulty`] proxy does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Answers this many requests with this status and code itself.
    Answer(usize, u16, &'static str),
    /// Resets each connection after so many bytes of requests.
    ResetAfter(usize),
    /// Keeps requests with this text in their first line, and never answers.
    Hold(&'static str),
    /// Alters the last byte of every piece of a body.
    Damage,
    /// Lets the first request of this method whose first line has this text through, and closes the
    /// connection instead of answering.
    LoseAnswer(&'static str, &'static str),
}

fn stored_behind(
    fault: Fault,
    content: &[u8],
) -> (Result<Said, karakuri_protocol::courier::Failure>, Site, Faulty) {
    let mut site = Site::new();
    let proxy = Faulty::before(servers().s3, fault);
    site.s3 = proxy.url();
    let courier = Courier::upload(&site);
    let said = courier.put("runs/a/1.esdk", content);
    (said, site, proxy)
}

#[test]
fn a_busy_moment_is_got_over_within_one_attempt() {
    let (said, site, proxy) = stored_behind(Fault::Answer(2, 503, "SlowDown"), b"sealed");
    assert!(matches!(said, Ok(Said::Stored { .. })), "{said:?}");
    assert_eq!(proxy.faults(), 2);
    servers().assert_has(&site.key("runs/a/1.esdk"), b"sealed");
}

#[test]
fn what_lasts_is_told_and_may_be_tried_again() {
    for (fault, word) in [
        (Fault::Answer(usize::MAX, 503, "SlowDown"), "SlowDown"),
        (Fault::Answer(usize::MAX, 500, "InternalError"), "InternalError"),
        (Fault::ResetAfter(700), ""),
    ] {
        let (said, site, _) = stored_behind(fault, &[7; 200_000]);
        let failure = said.unwrap_err();
        assert_eq!(failure.kind, Kind::Retry, "{fault:?}: {}", failure.message);
        assert!(failure.message.contains(word), "{fault:?}: {}", failure.message);
        servers().assert_lacks(&site.key("runs/a/1.esdk"));
    }
}

#[test]
fn a_service_that_is_away_may_be_tried_again() {
    let mut site = Site::new();
    site.s3 = Faulty::nobody();
    let failure = Courier::upload(&site).put("runs/a/1.esdk", b"sealed").unwrap_err();
    assert_eq!(failure.kind, Kind::Retry, "{}", failure.message);
}

#[test]
fn a_lost_answer_to_a_small_file_is_no_conflict() {
    let (said, site, proxy) = stored_behind(Fault::LoseAnswer("PUT", "runs"), b"sealed");
    assert!(matches!(said, Ok(Said::Stored { .. })), "{said:?}");
    assert_eq!(proxy.faults(), 1);
    servers().assert_has(&site.key("runs/a/1.esdk"), b"sealed");
}

#[test]
fn a_body_damaged_on_the_way_is_noticed_by_the_store() {
    let (said, site, _) = stored_behind(Fault::Damage, b"sealed");
    let failure = said.unwrap_err();
    assert_eq!(failure.kind, Kind::Retry, "{}", failure.message);
    assert!(failure.message.contains("BadDigest"), "{}", failure.message);
    servers().assert_lacks(&site.key("runs/a/1.esdk"));
}

#[test]
fn an_ended_session_is_dropped_and_borrowed_anew() {
    let mut site = Site::new();
    let proxy = Faulty::before(servers().s3, Fault::Answer(1, 400, "ExpiredToken"));
    site.s3 = proxy.url();
    let courier = Courier::upload(&site);
    let failure = courier.put("runs/a/1.esdk", b"sealed").unwrap_err();
    assert_eq!(failure.kind, Kind::Expired, "{}", failure.message);
    courier.put("runs/a/1.esdk", b"sealed").unwrap();
}

#[test]
fn a_clock_that_jumps_while_it_works_keeps_a_file_or_two_waiting() {
    // How long after its start, by the clock that does not jump.
    let jump = Duration::from_secs(12);
    thread::scope(|scope| {
        for by in ["-3h", "+20m"] {
            scope.spawn(move || {
                let (site, start) = (Site::new(), Instant::now());
                let courier = Courier::upload_jumping(&site, by, jump);
                let mut failures = Vec::new();
                let mut last = None;
                for file in 0.. {
                    last = Some(courier.put(&format!("runs/a/{file}.esdk"), b"sealed"));
                    failures.extend(last.iter().filter_map(|put| put.as_ref().err().cloned()));
                    if start.elapsed() > jump + Duration::from_secs(4) {
                        break;
                    }
                }
                // From the first answer the SDK learns how far off it is.
                assert!(failures.len() <= 3, "{by}: {failures:?}");
                assert!(matches!(last, Some(Ok(_))), "{by}: {last:?}");
                for failure in failures {
                    assert!(failure.kind.is_retryable(), "{by}: {failure:?}");
                    assert!(failure.message.contains("the clock of this machine"), "{failure:?}");
                }
                let asked = courier.asked.load(Ordering::Relaxed);
                assert!(asked <= 3, "{by}: credentials were asked for {asked} times");
            });
        }
    });
}

#[test]
fn a_clock_that_is_off_is_named_and_what_waits_is_tried_again() {
    for (clock, works) in [("+10m", true), ("-10m", true), ("-3h", false), ("+20m", false)] {
        let site = Site::new();
        let courier = Courier::upload_off(&site, clock);
        let said = courier.put("runs/a/1.esdk", b"sealed");
        match (said, works) {
            (Ok(Said::Stored { .. }), true) => {}
            (Err(failure), false) => {
                assert!(failure.kind.is_retryable(), "{clock}: {failure:?}");
                assert!(failure.message.contains("clock"), "{clock}: {}", failure.message);
            }
            (other, _) => panic!("{clock}: {other:?}"),
        }
        drop(courier);
        // Its clock is set.
        Courier::upload(&site).put("runs/a/1.esdk", b"sealed").unwrap();
    }
}
