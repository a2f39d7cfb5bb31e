//! Files too large for one request.

use karakuri_protocol::courier::{Checksum, Kind, Said};
use serde_json::json;

use crate::faults::Fault;
use crate::proxy::Faulty;
use crate::rig::{Courier, Site, large};
use crate::servers::servers;

fn started(said: &Said) -> Option<String> {
    match said {
        Said::Started { upload_id, .. } => Some(upload_id.clone()),
        _ => None,
    }
}

#[test]
fn a_large_file_goes_in_parts_and_is_proved_whole() {
    let site = Site::new();
    let courier = Courier::upload(&site);
    let content = large(40);
    let (Said::Stored { proof, .. }, news) =
        courier.answer(courier.ask("runs/a/film", &content, None))
    else {
        panic!("not stored: {}", courier.log())
    };
    assert_eq!(proof.length, content.len() as u64);
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, &content);
    assert_eq!(proof.checksum, Checksum::Crc64nvme(format!("{crc:016x}")));
    assert!(started(&news[0]).is_some(), "{news:?}");
    let last = news.last().unwrap();
    assert!(matches!(last, Said::Progress { bytes, .. } if *bytes == proof.length), "{news:?}");
    let head = servers().assert_has(&site.key("runs/a/film"), &content);
    assert_eq!(head["tags"], json!({ "karakuri-class": "pii" }));
    // The same again: what is there already is found when the parts are put together.
    assert!(matches!(courier.put("runs/a/film", &content), Ok(Said::Stored { .. })));
    let mut other = content;
    other[0] ^= 1;
    assert_eq!(courier.put("runs/a/film", &other).unwrap_err().kind, Kind::Conflict);
}

#[test]
fn a_killed_upload_is_taken_up_again_and_sends_only_what_is_missing() {
    let mut site = Site::new();
    let proxy = Faulty::before(servers().s3, Fault::Hold("partNumber=4&"));
    site.s3 = proxy.url();
    let courier = Courier::upload(&site);
    let content = large(70);
    courier.ask("runs/a/film", &content, None);
    let upload_id = started(&courier.hear().unwrap()).expect("told before the first part");
    for _ in 0..4 {
        assert!(matches!(courier.hear(), Some(Said::Progress { .. })));
    }
    courier.kill();
    let question = json!({"parts": site.key("runs/a/film"), "upload": upload_id});
    let numbers: Vec<u64> = servers()
        .ask(&question)
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part[0].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 5]);

    let watched = Faulty::before(servers().s3, Fault::None);
    site.s3 = watched.url();
    let courier = Courier::upload(&site);
    let (said, news) = courier.answer(courier.ask("runs/a/film", &content, Some(&upload_id)));
    assert!(matches!(said, Said::Stored { .. }), "{said:?}");
    assert!(news.iter().all(|said| started(said).is_none()), "{news:?}");
    assert_eq!((watched.seen("partNumber=4&"), watched.seen("UploadPart")), (1, 1));
    servers().assert_has(&site.key("runs/a/film"), &content);
}

#[test]
fn parts_of_another_file_do_not_become_this_one() {
    let mut site = Site::new();
    let proxy = Faulty::before(servers().s3, Fault::Hold("partNumber=2&"));
    let direct = std::mem::replace(&mut site.s3, proxy.url());
    let courier = Courier::upload(&site);
    let mut content = large(17);
    courier.ask("runs/a/film", &content, None);
    let upload_id = started(&courier.hear().unwrap()).unwrap();
    assert!(matches!(courier.hear(), Some(Said::Progress { .. })));
    courier.kill();
    site.s3 = direct;
    content[0] ^= 1;
    let courier = Courier::upload(&site);
    let (said, _) = courier.answer(courier.ask("runs/a/film", &content, Some(&upload_id)));
    assert!(matches!(said, Said::Stored { .. }), "{said:?}");
    servers().assert_has(&site.key("runs/a/film"), &content);
}

#[test]
fn an_upload_that_is_gone_is_begun_anew() {
    let site = Site::new();
    let courier = Courier::upload(&site);
    let content = large(17);
    let (said, news) = courier.answer(courier.ask("runs/a/film", &content, Some("never-begun")));
    assert!(matches!(said, Said::Stored { .. }), "{said:?}");
    assert!(started(&news[0]).is_some_and(|id| id != "never-begun"));
    servers().assert_has(&site.key("runs/a/film"), &content);
}

#[test]
fn a_lost_answer_to_the_last_request_is_no_second_upload() {
    let mut site = Site::new();
    let proxy = Faulty::before(servers().s3, Fault::LoseAnswer("POST", "uploadId="));
    site.s3 = proxy.url();
    let courier = Courier::upload(&site);
    let content = large(17);
    let (said, _) = courier.answer(courier.ask("runs/a/film", &content, None));
    assert!(matches!(said, Said::Stored { .. }), "{said:?}");
    assert_eq!(proxy.faults(), 1);
    assert_eq!(proxy.seen("uploads"), 1, "it was begun twice");
    servers().assert_has(&site.key("runs/a/film"), &content);
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let site = Site::new();
    let courier = Courier::upload(&site);
    let content = large(200);
    assert!(matches!(courier.put("runs/a/film", &content), Ok(Said::Stored { .. })));
    let peak = courier.peak_memory();
    assert!(peak < 64 * 1024 * 1024, "{peak} bytes");
}
