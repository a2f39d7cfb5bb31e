//! What a person who may decrypt asks for.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use karakuri_protocol::auditor::{Asked, Object, Said, VERSION};
use karakuri_protocol::courier::{Generate, KeyContext, KeySaid, Kind};
use serde_json::json;

use crate::faults::Fault;
use crate::identity::field;
use crate::proxy::Faulty;
use crate::rig::{Courier, Site};
use crate::servers::servers;

fn start(role: &str, site: &Site) -> Courier {
    let courier = Courier::start(role, site);
    let ready = courier.link.recv().unwrap().map(|(said, _): (Said, _)| said);
    assert_eq!(ready, Some(Said::Ready { version: VERSION }), "{}", courier.log());
    courier
}

fn ask(courier: &Courier, asked: &Asked) -> (Said, Vec<OwnedFd>) {
    courier.link.send(asked, &[]).unwrap();
    courier.link.recv().unwrap().unwrap_or_else(|| panic!("it is gone: {}", courier.log()))
}

fn kind(said: Said) -> Kind {
    match said {
        Said::Failed(failure) => failure.kind,
        other => panic!("{other:?}"),
    }
}

fn context(run: &str) -> KeyContext {
    let [tenant, site, run, class] = ["acme", "osaka-1", run, "pii"].map(str::to_owned);
    KeyContext { tenant, site, run, class }
}

/// A data key as the courier of the keys has it made: wrapped, and itself.
fn generated(site: &Site, context: KeyContext) -> (Vec<u8>, Vec<u8>) {
    let courier = Courier::start("keys", site);
    let _ready = courier.link.recv::<KeySaid>().unwrap();
    courier.link.send(&Generate { id: 1, context }, &[]).unwrap();
    let (said, mut fds) = courier.link.recv::<KeySaid>().unwrap().unwrap();
    let KeySaid::Generated { wrapped, .. } = said else { panic!("{said:?}") };
    (wrapped, whole(fds.pop().unwrap()))
}

fn whole(pipe: OwnedFd) -> Vec<u8> {
    let mut bytes = Vec::new();
    File::from(pipe).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_data_key_is_unwrapped_with_its_own_context_and_under_the_files_key_alone() {
    let site = Site::new();
    let (wrapped, key) = generated(&site, context("r1"));
    let courier = start("auditor", &site);
    let asked = |key_arn: &str, run| Asked::Unwrap {
        key_arn: key_arn.to_owned(),
        wrapped: wrapped.clone(),
        context: Some(context(run)),
    };
    let (said, mut fds) = ask(&courier, &asked(&servers().keys[0], "r1"));
    assert_eq!(said, Said::Unwrapped {});
    assert_eq!(whole(fds.pop().unwrap()), key);
    assert_eq!(kind(ask(&courier, &asked(&servers().keys[0], "r2")).0), Kind::Refused);
    assert_eq!(kind(ask(&courier, &asked(&servers().keys[1], "r1")).0), Kind::Invalid);
}

#[test]
fn objects_are_listed_and_fetched_whole() {
    let site = Site::new();
    let upload = Courier::upload(&site);
    let large: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    upload.put("runs/d/r/0001.esdk", b"small").unwrap();
    upload.put("runs/d/r/0002.esdk", &large).unwrap();
    upload.put("runs/d/other/0001.esdk", b"other").unwrap();
    let courier = start("auditor", &site);
    let list = Asked::List { prefix: "runs/d/r/".to_owned(), after: None };
    let object = |key: &str, bytes| Object { key: key.to_owned(), bytes };
    let objects =
        vec![object("runs/d/r/0001.esdk", 5), object("runs/d/r/0002.esdk", large.len() as u64)];
    assert_eq!(ask(&courier, &list).0, Said::Listed { objects, next: None });
    let (read, write) = std::io::pipe().unwrap();
    let get = Asked::Get { key: "runs/d/r/0002.esdk".to_owned() };
    courier.link.send(&get, &[write.as_fd()]).unwrap();
    drop(write);
    assert_eq!(whole(read.into()), large);
    let said = courier.link.recv::<Said>().unwrap().unwrap().0;
    assert_eq!(said, Said::Got { bytes: large.len() as u64 });
    assert_eq!(kind(ask(&courier, &get).0), Kind::Invalid, "without a pipe");
}

#[test]
fn who_may_only_read_erases_nothing() {
    let site = Site::new();
    Courier::upload(&site).put("runs/d/r/0001.esdk", b"sealed").unwrap();
    let erase = Asked::Erase { key: "runs/d/r/0001.esdk".to_owned() };
    let courier = start("auditor", &site);
    assert_eq!(kind(ask(&courier, &erase).0), Kind::Invalid);
    assert!(servers().ask(&json!({ "head": site.key("runs/d/r/0001.esdk") })).is_ok());
}

#[test]
fn what_is_erased_is_gone_with_all_its_versions() {
    let site = Site { bucket: "versioned", ..Site::new() };
    let key = site.key("runs/d/r/0001.esdk");
    let versions = || {
        let all = servers().ask(&json!({ "versions": key, "bucket": "versioned" })).unwrap();
        all.as_array().unwrap().len()
    };
    for content in ["first", "second"] {
        let put =
            json!({ "put": key, "content": content, "checksum": "SHA256", "bucket": "versioned" });
        servers().ask(&put).unwrap();
    }
    let beside = site.key("runs/d/r/0001.esdk.more");
    let put = json!({ "put": beside, "content": "x", "checksum": "SHA256", "bucket": "versioned" });
    servers().ask(&put).unwrap();
    servers().ask(&json!({ "mark": key, "bucket": "versioned" })).unwrap();
    assert_eq!(versions(), 4, "two versions, a delete marker, and another file's version");
    let courier = start("eraser", &site);
    let erase = Asked::Erase { key: "runs/d/r/0001.esdk".to_owned() };
    assert_eq!(ask(&courier, &erase).0, Said::Erased { versions: 3 });
    assert_eq!(versions(), 1);
    assert_eq!(ask(&courier, &erase).0, Said::Erased { versions: 0 });
}

#[test]
fn the_session_of_an_auditor_reads_its_prefix_and_that_of_an_eraser_deletes_too() {
    for (role, delete) in [("auditor", "AccessDenied"), ("eraser", "ok")] {
        let mut site = Site::new();
        Courier::upload(&site).put("runs/d/r/0001.esdk", b"sealed").unwrap();
        let watched = Faulty::before(servers().s3, Fault::None);
        site.sts = Some(watched.url());
        let courier = start(role, &site);
        let list = Asked::List { prefix: "runs/".to_owned(), after: None };
        let (said, _) = ask(&courier, &list);
        assert!(matches!(&said, Said::Listed { objects, .. } if objects.len() == 1), "{said:?}");
        let form = watched.forms().concat();
        assert_eq!(field(&form, "RoleSessionName"), "karakuri-auditor-osaka-1");
        let may = |key: &str| {
            let policy = field(&form, "Policy");
            servers().ask(&json!({ "session": policy, "bucket": "acme", "key": key })).unwrap()
        };
        let own = may(&site.key("runs/d/r/0001.esdk"));
        let refused = "AccessDenied";
        assert_eq!(
            (&own["get"], &own["put"], &own["delete"]),
            (&json!("ok"), &json!(refused), &json!(delete))
        );
        let other = may("elsewhere/runs/d/r/0001.esdk");
        assert_eq!((&other["get"], &other["delete"]), (&json!(refused), &json!(refused)));
    }
}
