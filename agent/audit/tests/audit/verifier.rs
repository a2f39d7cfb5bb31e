//! The verifier names each fault of a log exactly, and nothing else.

use karakuri_audit::{Fault, Head, MAX_LINE, Note, Record, Sha256, is_whole, verify_to};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::fixture::{RECORDS, Specimen, chain, joined};

const LAST: usize = RECORDS - 1;

fn altered(index: usize) -> Fault {
    Fault::Altered { seq: index as u64, line: index as u64 + 1 }
}

fn missing(first: usize, last: usize) -> Fault {
    Fault::Missing { first: first as u64, last: last as u64 }
}

#[test]
fn a_true_log_has_no_fault() {
    let specimen = Specimen::new();
    let report = specimen.check(&specimen.lines);
    assert_eq!(report.faults, []);
    assert_eq!(report.notes, []);
    assert_eq!(report.records, 20);
    assert_eq!(report.head, Some(specimen.head));
    assert_eq!(specimen.check_alone(&[]).faults, []);
}

#[test]
fn every_byte_altered() {
    let specimen = Specimen::new();
    for index in 0..RECORDS {
        for position in 0..specimen.lines[index].len() {
            let mut lines = specimen.lines.clone();
            lines[index][position] ^= 1 << (position % 8);
            let faults = specimen.check(&lines).faults;
            assert_eq!(faults, [altered(index)], "byte {position} of record {index}");
        }
    }
}

/// Nothing in the file vouches for the last record, so its neighbours share the doubt.
#[test]
fn every_byte_altered_and_no_head_known() {
    let specimen = Specimen::new();
    let unlinked = Fault::Unlinked { seq: LAST as u64, line: RECORDS as u64 };
    for index in 0..RECORDS {
        for position in 0..specimen.lines[index].len() {
            let mut lines = specimen.lines.clone();
            lines[index][position] ^= 1;
            let faults = specimen.check_alone(&lines).faults;
            let is_exact = match index {
                LAST => faults.is_empty() || faults == [unlinked] || faults == [altered(LAST)],
                _ if index == LAST - 1 => faults == [altered(index)] || faults == [unlinked],
                _ => faults == [altered(index)],
            };
            assert!(is_exact, "byte {position} of record {index}: {faults:?}");
        }
    }
}

#[test]
fn every_newline_altered() {
    let specimen = Specimen::new();
    let bytes = joined(&specimen.lines);
    let mut end = 0;
    for (index, line) in specimen.lines.iter().enumerate() {
        end += line.len() + 1;
        let mut bytes = bytes.clone();
        bytes[end - 1] = b' ';
        let report = specimen.check_bytes(&bytes);
        if index == LAST {
            let torn = Note::TornTail { bytes: line.len() as u64 + 1 };
            assert_eq!((report.notes, report.faults), (vec![torn], vec![missing(LAST, LAST)]));
        } else {
            let expected = [altered(index), missing(index + 1, index + 1)];
            assert_eq!(report.faults, expected, "newline after record {index}");
        }
    }
}

#[test]
fn a_newline_put_into_a_record() {
    let specimen = Specimen::new();
    for index in 0..RECORDS {
        let mut lines = specimen.lines.clone();
        lines[index][40] = b'\n';
        let expected = [altered(index), Fault::Foreign { line: index as u64 + 2 }];
        assert_eq!(specimen.check(&lines).faults, expected, "record {index}");
    }
}

#[test]
fn every_record_dropped() {
    let specimen = Specimen::new();
    for index in 0..RECORDS {
        let mut lines = specimen.lines.clone();
        lines.remove(index);
        assert_eq!(specimen.check(&lines).faults, [missing(index, index)]);
        let alone = specimen.check_alone(&lines).faults;
        match index {
            LAST => assert_eq!(alone, [], "only a head kept elsewhere shows a missing end"),
            _ => assert_eq!(alone, [missing(index, index)]),
        }
    }
}

#[test]
fn several_records_dropped() {
    let specimen = Specimen::new();
    let mut lines = specimen.lines.clone();
    lines.remove(12);
    lines.drain(5..8);
    assert_eq!(specimen.check(&lines).faults, [missing(5, 7), missing(12, 12)]);
    let mut lines = specimen.lines.clone();
    lines.remove(7);
    lines.remove(5);
    assert_eq!(specimen.check(&lines).faults, [missing(5, 5), missing(7, 7)]);
    assert_eq!(specimen.check(&specimen.lines[..3]).faults, [missing(3, LAST)]);
    assert_eq!(specimen.check(&[]).faults, [missing(0, LAST)]);
}

#[test]
fn every_pair_of_neighbours_swapped() {
    let specimen = Specimen::new();
    for index in 0..LAST {
        let mut lines = specimen.lines.clone();
        lines.swap(index, index + 1);
        let expected = Fault::Reordered { seq: index as u64 + 1, line: index as u64 + 1 };
        assert_eq!(specimen.check(&lines).faults, [expected]);
    }
}

#[test]
fn every_record_moved_to_the_end() {
    let specimen = Specimen::new();
    for index in 0..LAST {
        let mut lines = specimen.lines.clone();
        let line = lines.remove(index);
        lines.push(line);
        let expected = match index {
            // The last two exchanged: either was moved, and the one in front is named.
            _ if index == LAST - 1 => Fault::Reordered { seq: LAST as u64, line: LAST as u64 },
            _ => Fault::Reordered { seq: index as u64, line: RECORDS as u64 },
        };
        assert_eq!(specimen.check(&lines).faults, [expected]);
    }
}

#[test]
fn every_record_repeated_anywhere() {
    let specimen = Specimen::new();
    for index in 0..RECORDS {
        for place in 0..=RECORDS {
            let mut lines = specimen.lines.clone();
            lines.insert(place, specimen.lines[index].clone());
            let line = if place == index { index + 1 } else { place } as u64 + 1;
            let expected = Fault::Repeated { seq: index as u64, line };
            assert_eq!(specimen.check(&lines).faults, [expected], "record {index} at {place}");
        }
    }
}

#[test]
fn every_cut() {
    let specimen = Specimen::new();
    let bytes = joined(&specimen.lines);
    let mut start = 0;
    for (index, line) in specimen.lines.iter().enumerate() {
        for cut in [0, 1, line.len() / 2, line.len()] {
            let report = specimen.check_bytes(&bytes[..start + cut]);
            assert_eq!(report.faults, [missing(index, LAST)], "record {index} cut at {cut}");
            let torn = (cut > 0).then_some(Note::TornTail { bytes: cut as u64 });
            assert_eq!(report.notes, torn.into_iter().collect::<Vec<_>>());
        }
        start += line.len() + 1;
    }
}

#[test]
fn two_records_altered() {
    let specimen = Specimen::new();
    let mut lines = specimen.lines.clone();
    for index in [4, 11] {
        lines[index][20] ^= 1;
    }
    assert_eq!(specimen.check(&lines).faults, [altered(4), altered(11)]);
}

#[test]
fn a_chain_written_anew_from_some_record_on_is_found_by_the_head() {
    let specimen = Specimen::new();
    let mut records: Vec<_> =
        specimen.lines.iter().map(|line| Record::parse(line).unwrap()).collect();
    records[10].actor = "user".to_owned();
    let lines = chain(records);
    assert_eq!(lines[..10], specimen.lines[..10]);
    assert_eq!(specimen.check(&lines).faults, [altered(LAST)]);
    assert_eq!(specimen.check_alone(&lines).faults, [], "the chain alone cannot show it");
}

#[test]
fn a_log_that_went_on_still_contains_an_earlier_head() {
    let specimen = Specimen::new();
    std::fs::write(specimen.path(), joined(&specimen.lines)).unwrap();
    let earlier = Head { seq: 9, hash: Sha256::of(&specimen.lines[9]) };
    assert_eq!(verify_to(&specimen.path(), &[earlier]).unwrap().faults, []);
    let other = Head { seq: 9, hash: Sha256::ZERO };
    assert_eq!(verify_to(&specimen.path(), &[other]).unwrap().faults, [altered(9)]);
}

/// Each run leaves a head. A log cut between two of them and gone on with lacks the later one.
#[test]
fn of_several_heads_those_without_a_record_are_named() {
    let specimen = Specimen::new();
    let head = |index: usize| Head { seq: index as u64, hash: Sha256::of(&specimen.lines[index]) };
    let heads = [head(9), specimen.head];
    std::fs::write(specimen.path(), joined(&specimen.lines[..12])).unwrap();
    let cut = verify_to(&specimen.path(), &heads).unwrap();
    assert_eq!((cut.faults, cut.absent), (vec![missing(12, LAST)], vec![specimen.head]));
    let mut records: Vec<Record> =
        specimen.lines.iter().map(|line| Record::parse(line).unwrap()).collect();
    records[12].actor = "user".to_owned();
    let anew = chain(records);
    std::fs::write(specimen.path(), joined(&anew)).unwrap();
    let end = Head { seq: LAST as u64, hash: Sha256::of(&anew[LAST]) };
    let anew = verify_to(&specimen.path(), &[head(9), head(15), end]).unwrap();
    assert_eq!((anew.is_intact(), anew.faults, anew.absent), (false, vec![], vec![head(15)]));
}

/// The quick check must not pass what the exact one names.
#[test]
fn a_chain_is_whole_or_is_not() {
    let specimen = Specimen::new();
    let whole = |lines: &[Vec<u8>], torn: &[u8], head| {
        std::fs::write(specimen.path(), [joined(lines), torn.to_vec()].concat()).unwrap();
        is_whole(&specimen.path(), head).unwrap()
    };
    let (lines, head) = (&specimen.lines, Some(&specimen.head));
    assert!(whole(lines, b"", head) && whole(lines, b"{\"ac", head) && whole(&[], b"", None));
    assert!(whole(&lines[..LAST], b"", None) && !whole(&lines[..LAST], b"", head));
    for index in 0..LAST {
        let mut altered = lines.clone();
        let place = altered[index].len() / 2;
        altered[index][place] ^= 1;
        assert!(!whole(&altered, b"", None), "record {index} altered");
        let mut fewer = lines.clone();
        fewer.remove(index);
        assert!(!whole(&fewer, b"", None), "record {index} dropped");
    }
}

#[test]
fn lines_that_are_no_records() {
    let specimen = Specimen::new();
    for garbage in [b"{}".to_vec(), vec![b'x'; MAX_LINE], vec![b'x'; 3 * MAX_LINE], Vec::new()] {
        let mut lines = specimen.lines.clone();
        lines.insert(6, garbage);
        assert_eq!(specimen.check(&lines).faults, [Fault::Foreign { line: 7 }]);
    }
}

#[test]
fn a_clock_that_went_back_is_told_and_is_no_fault() {
    let specimen = Specimen::new();
    let mut records: Vec<_> =
        specimen.lines.iter().map(|line| Record::parse(line).unwrap()).collect();
    for (record, second) in records.iter_mut().zip(10..) {
        record.wall = format!("2026-11-21T10:11:{second}.000Z");
        record.mono_ns = second * 1_000_000_000;
    }
    records[5].wall = "2026-11-21T10:11:12.500Z".to_owned();
    records[9].mono_ns = 7;
    records[15].mono_ns = 1;
    for record in &mut records[15..] {
        record.boot = "11111111-2222-3333-4444-555555555555".to_owned();
    }
    let report = specimen.check_alone(&chain(records));
    assert_eq!(report.faults, []);
    let expected = [
        Note::ClockWentBack { seq: 5, ms: 1500 },
        Note::BootTimeWentBack { seq: 9, ns: 17_999_999_993 },
    ];
    assert_eq!(report.notes, expected);
}

#[test]
fn an_event_of_a_later_program_is_readable() {
    let specimen = Specimen::new();
    let mut records: Vec<_> =
        specimen.lines.iter().map(|line| Record::parse(line).unwrap()).collect();
    records[3].event = "run.teleported".to_owned();
    records[3].data = serde_json::json!({ "to": { "x": 1 } });
    assert_eq!(records[3].event(), None);
    let report = specimen.check_alone(&chain(records));
    assert_eq!((report.faults.len(), report.unknown_events, report.records), (0, 1, 20));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_shuffling_dropping_and_garbling_is_found_without_a_panic(
        order in Just((0..RECORDS).collect::<Vec<_>>()).prop_shuffle(),
        keep in 0..=RECORDS,
        garbled in proptest::collection::vec((any::<Index>(), any::<Index>(), any::<u8>()), 0..4),
    ) {
        let specimen = Specimen::new();
        let mut lines: Vec<_> =
            order[..keep].iter().map(|&index| specimen.lines[index].clone()).collect();
        for (line, position, byte) in garbled {
            if keep > 0 {
                let line = &mut lines[line.index(keep)];
                let position = position.index(line.len());
                line[position] = byte;
            }
        }
        let report = specimen.check(&lines);
        prop_assert_eq!(report.is_intact(), lines == specimen.lines);
    }
}
