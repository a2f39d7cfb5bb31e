//! A run's record at its limits, on a disk.

use std::io::Read;
use std::sync::Arc;

use karakuri_personal::{Normaliser, Settings};
use karakuri_protocol::job::Exit;
use karakuri_protocol::personal::VALUE_KEY;
use karakuri_seal::manifest::{self, MAX_ENVELOPE, Manifest, SigningIdentity, VERSION, Workflow};
use karakuri_seal::{Class, Context, Identity, Sealer};
use karakuri_spool::{ArtifactId, LocalDisk, MANIFEST, Spool};
use tempfile::TempDir;
use time::OffsetDateTime;

use super::*;
use crate::clock::Clock;
use crate::evidence::{Origin, Shared};
use crate::personal::Personal;

const RUN: &str = "20261121T101112.345Z-0badcafe";

/// A record in a directory of its own, and whose signature its manifest will have.
fn record(directory: &TempDir) -> (Record, manifest::VerifyingKey) {
    let origin =
        Origin { tenant: "acme".to_owned(), site: "osaka-1".to_owned(), run: RUN.to_owned() };
    let clock = Clock::start();
    let settings = karakuri_spool::Settings { reserve: 1 << 20, ..Default::default() };
    let (spool, _) =
        Spool::open(&directory.path().join("spool"), Arc::new(LocalDisk), settings, clock.now())
            .unwrap();
    let spool = Rc::new(RefCell::new(spool));
    let shared = Shared { spool, more: Rc::default(), less: Rc::default(), clock, hours: None };
    let signer = SigningIdentity::generate().unwrap();
    let key = signer.verifying_key().unwrap();
    let mut evidence = Evidence::new(origin.clone(), signer, shared, false);
    let recipients = [Identity::generate("karakuri", "test").unwrap().recipient().unwrap()];
    let sealer = |class| {
        let Origin { tenant, site, run } = origin.clone();
        (class, Sealer::new(Context { tenant, site, run, class }, &recipients).unwrap())
    };
    evidence.unlock(Class::ALL.into_iter().map(sealer).collect());
    let mut values = Values::new(Normaliser::new(&Settings::default()).unwrap());
    values.unlock(evidence.index_key().unwrap());
    let personal = Personal::new(&Settings::default()).unwrap();
    let record = Record {
        audit: RefCell::new(Log::open(directory.path()).unwrap()),
        evidence: RefCell::new(evidence),
        timeline: Rc::new(RefCell::new(Timeline::start(personal))),
        outputs: RefCell::default(),
        soft_failures: RefCell::default(),
        not_collected: RefCell::default(),
        warnings: RefCell::default(),
        values: RefCell::new(values),
        film: RefCell::default(),
        heard: Rc::default(),
        steps: Cell::default(),
        run: RUN.to_owned(),
    };
    (record, key)
}

#[test]
fn a_run_whose_manifest_is_full_ends_and_its_manifest_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (record, key) = record(&directory);
    // Of the characters of a name these are the longest in JSON.
    let name = "\"".repeat(1 << 20);
    let keep = || record.seal(Class::Output, &name, "text/plain", &b"kept"[..]);
    let mut kept = 0;
    let end = loop {
        match keep() {
            Ok(_) => kept += 1,
            Err(end) => break end,
        }
        assert!(kept < 100, "there is no limit");
    };
    assert_eq!(kept, 7, "2 MiB each of half of {MAX_ENVELOPE}");
    assert_eq!(end.exit, Exit::EvidenceFailed);
    assert_eq!(
        end.message,
        "sealing evidence: the run has 7 artifacts, and its manifest no room for more; split the work \
         into several runs; the run was stopped"
    );
    // The log and the report are still sealed.
    record.evidence.borrow_mut().close();
    record.seal(Class::Evidence, "report", "text/html", &b"<p>"[..]).unwrap();
    let (workflow, now) = ("books".to_owned(), OffsetDateTime::now_utc());
    let about = |artifacts| Manifest {
        version: VERSION,
        tenant: "acme".to_owned(),
        site: "osaka-1".to_owned(),
        run: RUN.to_owned(),
        workflow: Workflow { name: workflow, version: "1.0.0".to_owned() },
        started: now,
        finished: now,
        outcome: end.exit,
        artifacts,
        audit: None,
    };
    record.evidence.borrow().sign(about).unwrap();
    let mut envelope = Vec::new();
    let shared = record.evidence.borrow().shared().clone();
    let id = ArtifactId::new(RUN, MANIFEST).unwrap();
    shared.spool.borrow().open_artifact(&id).unwrap().read_to_end(&mut envelope).unwrap();
    assert!(envelope.len() < MAX_ENVELOPE * 3 / 4, "{} bytes leave no room", envelope.len());
    let signed: Manifest = manifest::verify(&envelope, &[key]).unwrap();
    let names: Vec<&str> = signed.artifacts.iter().map(|artifact| artifact.name.as_str()).collect();
    assert_eq!(names, [&[name.as_str(); 7][..], &["report"]].concat());
    let log = karakuri_audit::verify(&directory.path().join(karakuri_audit::FILE_NAME)).unwrap();
    assert!(log.is_intact() && log.records == 8, "{log:?}");
}

#[test]
fn what_ends_a_run_is_heard_between_two_values_of_an_output() {
    let directory = tempfile::tempdir().unwrap();
    let (record, _) = record(&directory);
    let value: Value = (0..100).map(|n| Value::String(format!("a{n}@b.example"))).collect();
    let parts = record.personal_parts(&value);
    assert_eq!(parts.len(), 100);
    let sealed = || record.evidence.borrow().sealed().len();
    let stop = async {
        while sealed() < 10 {
            tokio::task::yield_now().await;
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        tokio::select! {
            done = record.seal_output("result", "output-result", &value, &parts) => panic!("{done:?}"),
            () = stop => {}
        }
    });
    // A value or two more, as both are asked in no order.
    assert!((10..13).contains(&sealed()), "{}", sealed());
    // What is masked already is sealed at the end.
    record.evidence.borrow_mut().close();
    record.seal_personal().unwrap();
    let evidence = record.evidence.borrow();
    let names: Vec<_> = evidence.sealed().iter().map(|one| one.artifact().name.as_str()).collect();
    assert_eq!(names.iter().filter(|name| **name == VALUE_KEY).count(), 100);
    assert_eq!(names[names.len() - 2..], ["log-personal", "values"]);
}
