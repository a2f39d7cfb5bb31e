//! Data keys from KMS.

use std::io::Read;
use std::os::fd::OwnedFd;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use karakuri_protocol::courier::{Generate, KeyContext, KeySaid, Kind};
use serde_json::{Value, json};

use crate::faults::Fault;
use crate::proxy::Faulty;
use crate::rig::{Courier, Site};
use crate::servers::servers;

fn context(tenant: &str, site: &str) -> KeyContext {
    KeyContext {
        tenant: tenant.to_owned(),
        site: site.to_owned(),
        run: "20261122T100000-a".to_owned(),
        class: "evidence".to_owned(),
    }
}

fn ask(courier: &Courier, context: KeyContext) -> (KeySaid, Vec<OwnedFd>) {
    courier.link.send(&Generate { id: 7, context }, &[]).unwrap();
    courier.link.recv().unwrap().unwrap_or_else(|| panic!("it is gone: {}", courier.log()))
}

fn start(site: &Site) -> Courier {
    let courier = Courier::start("keys", site);
    let ready = courier.link.recv().unwrap().map(|(said, _): (KeySaid, _)| said);
    assert_eq!(ready, Some(KeySaid::Ready { version: 1 }), "{}", courier.log());
    courier
}

fn failure(said: KeySaid) -> (Kind, String) {
    match said {
        KeySaid::Failed { failure, .. } => (failure.kind, failure.message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_data_key_is_bound_to_exactly_its_context() {
    let courier = start(&Site::new());
    let (said, mut fds) = ask(&courier, context("acme", "osaka-1"));
    let KeySaid::Generated { id: 7, key_arn, wrapped } = said else { panic!("{said:?}") };
    assert_eq!(key_arn, servers().keys[0]);
    let mut key = Vec::new();
    std::fs::File::from(fds.pop().unwrap()).read_to_end(&mut key).unwrap();
    assert_eq!(key.len(), 32);
    let open = |context: Value| {
        servers().ask(&json!({"decrypt": BASE64.encode(&wrapped), "context": context}))
    };
    let exact = json!({"tenant": "acme", "site": "osaka-1",
        "run": "20261122T100000-a", "class": "evidence"});
    assert_eq!(open(exact.clone()).unwrap(), BASE64.encode(&key));
    for name in ["tenant", "site", "run", "class"] {
        let (mut less, mut other) = (exact.clone(), exact.clone());
        less.as_object_mut().unwrap().remove(name);
        other[name] = "other".into();
        assert!(open(less).is_err() && open(other).is_err(), "{name}");
    }
    let mut more = exact;
    more["more"] = "x".into();
    assert!(open(more).is_err());
    let (again, _) = ask(&courier, context("acme", "osaka-1"));
    assert!(matches!(again, KeySaid::Generated { wrapped: other, .. } if other != wrapped));
}

#[test]
fn no_key_is_made_for_another_tenant_or_site() {
    let mut site = Site::new();
    let watched = Faulty::before(servers().kms, Fault::None);
    site.kms = watched.url();
    let courier = start(&site);
    let mut odd = context("acme", "osaka-1");
    odd.run = "a\nb".to_owned();
    for context in [context("other", "osaka-1"), context("acme", "osaka-2"), odd] {
        let (kind, message) = failure(ask(&courier, context).0);
        assert_eq!(kind, Kind::Invalid, "{message}");
    }
    assert_eq!(watched.seen("POST"), 0);
}

#[test]
fn a_kms_that_is_away_or_busy_may_be_tried_again() {
    let mut site = Site::new();
    site.kms = Faulty::nobody();
    let (kind, message) = failure(ask(&start(&site), context("acme", "osaka-1")).0);
    assert_eq!(kind, Kind::Retry, "{message}");
    let busy = Faulty::before(servers().kms, Fault::Answer(usize::MAX, 500, "x"));
    site.kms = busy.url();
    let (kind, message) = failure(ask(&start(&site), context("acme", "osaka-1")).0);
    assert_eq!(kind, Kind::Retry, "{message}");
}

#[test]
fn a_kms_that_refuses_is_told() {
    let mut site = Site::new();
    let refusing = Faulty::before(servers().kms, Fault::Answer(usize::MAX, 400, "x"));
    site.kms = refusing.url();
    let (kind, message) = failure(ask(&start(&site), context("acme", "osaka-1")).0);
    assert_eq!(kind, Kind::Refused, "{message}");
}
