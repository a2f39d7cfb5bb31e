//! What is parsed from the other side of a wall: mutated valid documents and arbitrary bytes never
//! make a parser panic or hang, and what it accepts is what it says. A few seconds each.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{IoSlice, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::Duration;

use karakuri_protocol::script::{MAX_REQUEST, Request};
use karakuri_sandbox::link::Link;
use karakuri_sandbox::monitor;
use karakuri_sandbox::policy::Policy;
use karakuri_tests::repository;
use karakuri_workflow::manifest::Manifest;
use karakurid::script::{Channel, ChannelError};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Cases of one test.
const CASES: u32 = 20_000;
/// A test that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs `check` on many values, in a thread of its own that may not hang.
fn fuzz<S: Strategy>(
    strategy: impl FnOnce() -> S + Send + 'static,
    check: impl Fn(S::Value) -> Result<(), TestCaseError> + Send + 'static,
) {
    let (done, ended) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
        let result = TestRunner::new(config).run(&strategy(), check).map_err(|e| e.to_string());
        let _heard = done.send(());
        result
    });
    assert_ne!(ended.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    if let Err(failure) = thread.join().unwrap() {
        panic!("{failure}");
    }
}

/// A change of a document.
#[derive(Clone, Debug)]
enum Change {
    Replace(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Repeat(usize, usize, usize),
    Truncate(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let token = prop_oneof![
        Just(b"{".to_vec()),
        Just(b"]".to_vec()),
        Just(b"null".to_vec()),
        Just(b"-1".to_vec()),
        Just(b"1e999".to_vec()),
        Just(b"18446744073709551616".to_vec()),
        Just(b"\"\\ud800\"".to_vec()),
        Just(b"\x1b[31m".to_vec()),
        Just("\u{202e}".as_bytes().to_vec()),
        Just(b"\0".to_vec()),
        Just(vec![b'['; 300]),
        vec(any::<u8>(), 1..8),
    ];
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (any::<usize>(), token).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<usize>(), 1..40usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (any::<usize>(), 1..40usize, 1..40usize).prop_map(|(a, n, k)| Change::Repeat(a, n, k)),
        any::<usize>().prop_map(Change::Truncate),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let length = bytes.len();
        let place = |at: usize| at % (length + 1);
        match change {
            Change::Replace(at, byte) if length > 0 => bytes[at % length] = *byte,
            Change::Replace(..) => {}
            Change::Insert(at, new) => drop(bytes.splice(place(*at)..place(*at), new.clone())),
            Change::Remove(at, count) => {
                drop(bytes.drain(place(*at)..(place(*at) + count).min(length)));
            }
            Change::Repeat(at, count, times) => {
                let end = (place(*at) + count).min(length);
                let piece = bytes[place(*at)..end].repeat(*times);
                drop(bytes.splice(end..end, piece));
            }
            Change::Truncate(at) => bytes.truncate(place(*at)),
        }
    }
    bytes
}

/// Documents of the corpus with up to four changes, and bytes that never were one.
fn documents(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let mutated = (proptest::sample::select(corpus), vec(change(), 0..4))
        .prop_map(|(document, changes)| changed(document, &changes));
    prop_oneof![9 => mutated, 1 => vec(any::<u8>(), 0..200)]
}

fn lines(name: &str) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(repository().join("tests/corpus").join(name)).unwrap();
    text.lines().map(|line| line.as_bytes().to_vec()).collect()
}

#[test]
fn policies() {
    let corpus = lines("policies.jsonl");
    for document in &corpus {
        serde_json::from_slice::<Policy>(document).unwrap();
    }
    fuzz(
        || documents(corpus),
        |bytes| {
            if let Ok(policy) = serde_json::from_slice::<Policy>(&bytes) {
                let again = serde_json::to_vec(&policy).unwrap();
                prop_assert_eq!(serde_json::from_slice::<Policy>(&again).unwrap(), policy);
            }
            Ok(())
        },
    );
}

#[test]
fn manifests() {
    let library = repository().join("workflows/library");
    let manifests = fs::read_dir(library).unwrap().flatten();
    let corpus: Vec<Vec<u8>> =
        manifests.filter_map(|entry| fs::read(entry.path().join("workflow.toml")).ok()).collect();
    assert!(!corpus.is_empty());
    fuzz(
        || documents(corpus),
        |bytes| {
            let text = String::from_utf8_lossy(&bytes);
            // What is accepted names a program and limits that are within bounds, without panicking.
            if let Ok(manifest) = Manifest::parse(&text, "workflow.toml") {
                let (program, _) = manifest.command();
                prop_assert!(program.starts_with('/'), "{program}");
            }
            Ok(())
        },
    );
}

#[test]
fn requests() {
    let corpus = lines("requests.jsonl");
    for document in &corpus {
        Request::parse(document).unwrap();
    }
    fuzz(
        || documents(corpus),
        |bytes| {
            if let Err(error) = Request::parse(&bytes) {
                // It is shown to people, who may read it in a terminal.
                prop_assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
            }
            Ok(())
        },
    );
}

/// Frames as a script might write them: the length it claims, and what follows.
fn frames() -> impl Strategy<Value = Vec<(u32, Vec<u8>)>> {
    let body = vec(any::<u8>(), 0..300);
    let claim = prop_oneof![
        8 => Just(None),
        1 => Just(Some(MAX_REQUEST + 1)),
        1 => Just(Some(u32::MAX)),
        1 => (0..400u32).prop_map(Some),
    ];
    vec((claim, body), 0..5).prop_map(|frames| {
        let length = |body: &Vec<u8>| u32::try_from(body.len()).unwrap();
        frames.into_iter().map(|(claim, body)| (claim.unwrap_or(length(&body)), body)).collect()
    })
}

#[test]
fn the_script_s_channel() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    fuzz(frames, move |frames| {
        let mut stream = Vec::new();
        for (length, body) in &frames {
            stream.extend(length.to_be_bytes());
            stream.extend(body);
        }
        runtime.block_on(async {
            let (mut channel, script) = Channel::pair().unwrap();
            let mut script = UnixStream::from(script);
            script.write_all(&stream).unwrap();
            drop(script);
            let mut rest = stream.as_slice();
            loop {
                let wanted = model(&mut rest);
                match (channel.request().await, wanted) {
                    (Ok(body), Wanted::Body(wanted)) => prop_assert_eq!(body, wanted),
                    (Err(ChannelError::Closed), Wanted::Closed)
                    | (Err(ChannelError::Cut), Wanted::Cut)
                    | (Err(ChannelError::Oversized(_)), Wanted::Oversized) => return Ok(()),
                    (got, wanted) => prop_assert!(false, "{got:?}, not {wanted:?}"),
                }
            }
        })
    });
}

#[derive(Debug)]
enum Wanted {
    Body(Vec<u8>),
    Closed,
    Cut,
    Oversized,
}

/// The framing once more, over a slice.
fn model(rest: &mut &[u8]) -> Wanted {
    if rest.is_empty() {
        return Wanted::Closed;
    }
    let Some((prefix, after)) = rest.split_first_chunk::<4>() else { return Wanted::Cut };
    let length = u32::from_be_bytes(*prefix);
    if length > MAX_REQUEST {
        return Wanted::Oversized;
    }
    let Some((body, after)) = after.split_at_checked(length as usize) else { return Wanted::Cut };
    *rest = after;
    Wanted::Body(body.to_vec())
}

/// Packets of the link between our processes: a kind, a body, and whether an fd comes with it.
#[test]
fn packets() {
    let bodies = vec![
        br#"{"kill":{"id":1}}"#.to_vec(),
        br#"{"prepare":{"work_bytes":1,"files_bytes":2}}"#.to_vec(),
        br#"{"start":{"id":1,"sandbox":"display"}}"#.to_vec(),
    ];
    let kind = || prop_oneof![3 => Just(0u8), 1 => Just(1), 1 => any::<u8>()];
    let packets = move || ((kind(), documents(bodies)), any::<bool>());
    fuzz(packets, |((kind, body), with_fd)| {
        let (ours, theirs) = Link::pair().unwrap();
        let theirs = OwnedFd::from(theirs);
        let null = fs::File::open("/dev/null").unwrap();
        let fds = [null.as_fd()];
        let fds = if with_fd { fds.as_slice() } else { &[] };
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = rustix::net::SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(rustix::net::SendAncillaryMessage::ScmRights(fds));
        }
        let kinds = [kind];
        let parts = [IoSlice::new(&kinds), IoSlice::new(&body)];
        let flags = rustix::net::SendFlags::empty();
        rustix::net::sendmsg(&theirs, &parts, &mut control, flags).unwrap();
        match ours.recv::<monitor::Request>() {
            Ok(Some((request, came))) => {
                prop_assert_eq!(kind, 0);
                prop_assert_eq!(came.len(), fds.len());
                prop_assert_eq!(
                    serde_json::from_slice::<monitor::Request>(&body).unwrap(),
                    request
                );
            }
            Ok(None) => prop_assert!(false, "a packet is not the end"),
            Err(_) => {}
        }
        Ok(())
    });
}
