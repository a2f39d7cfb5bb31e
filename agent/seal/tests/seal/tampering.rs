//! Every way to alter a message is refused with the error that names it, and nothing that is not
//! authentic comes out.

use std::ops::Range;

use crate::fixture::{self, COMMITMENT, FRAME_EXTRA, TAG, header_length, pattern, seal, try_open};
use karakuri_seal::{FRAME_LENGTH, OpenError};

const FRAME: usize = FRAME_LENGTH as usize;
const WHOLE_FRAME: usize = FRAME + FRAME_EXTRA;
const LAST: usize = 100;

/// Three full frames and a final one of 100 bytes.
struct Specimen {
    plaintext: Vec<u8>,
    message: Vec<u8>,
    header: usize,
}

impl Specimen {
    fn new() -> Self {
        let plaintext = pattern(3 * FRAME + LAST);
        let (message, summary) = seal(&plaintext);
        assert_eq!(try_open(&message).0, plaintext, "positive control");
        Self { plaintext, message, header: header_length(&summary) }
    }

    /// Where regular frame `number` lies.
    fn frame(&self, number: usize) -> Range<usize> {
        let start = self.header + (number - 1) * WHOLE_FRAME;
        start..start + WHOLE_FRAME
    }

    fn final_frame(&self) -> usize {
        self.header + 3 * WHOLE_FRAME
    }

    /// Opens `message`, and checks that what came out are the first `frames` whole frames.
    fn refusal(&self, message: &[u8], frames: usize) -> OpenError {
        let (released, result) = try_open(message);
        assert_eq!(released, self.plaintext[..frames * FRAME]);
        result.unwrap_err()
    }

    fn flipped(&self, position: usize) -> Vec<u8> {
        let mut message = self.message.clone();
        message[position] ^= 1;
        message
    }

    fn find(&self, text: &str) -> usize {
        self.message.windows(text.len()).position(|w| w == text.as_bytes()).unwrap()
    }
}

#[test]
fn the_last_frame_cut_off() {
    let specimen = Specimen::new();
    let cut = &specimen.message[..specimen.final_frame()];
    assert!(matches!(specimen.refusal(cut, 3), OpenError::Truncated));
}

#[test]
fn the_tail_cut_anywhere() {
    let specimen = Specimen::new();
    let whole = specimen.message.len();
    for (cut, released) in
        [(1, 3), (TAG, 3), (TAG + LAST, 3), (whole - specimen.frame(2).start - 5, 1)]
    {
        let message = &specimen.message[..whole - cut];
        assert!(matches!(specimen.refusal(message, released), OpenError::Truncated), "cut {cut}");
    }
    for length in 0..specimen.header {
        let refused = specimen.refusal(&specimen.message[..length], 0);
        assert!(matches!(refused, OpenError::Truncated), "{length} bytes: {refused}");
    }
}

#[test]
fn an_earlier_frame_made_the_last_by_cutting() {
    let specimen = Specimen::new();
    let cut = &specimen.message[..specimen.frame(2).end];
    assert!(matches!(specimen.refusal(cut, 2), OpenError::Truncated));
}

#[test]
fn an_earlier_frame_relabelled_as_the_final_one() {
    let specimen = Specimen::new();
    let second = specimen.frame(2);
    let mut message = specimen.message[..second.start].to_vec();
    message.extend_from_slice(&[0xff; 4]);
    message.extend_from_slice(&specimen.message[second.start..second.start + 16]);
    message.extend_from_slice(&FRAME_LENGTH.to_be_bytes());
    message.extend_from_slice(&specimen.message[second.start + 16..second.end]);
    assert!(matches!(specimen.refusal(&message, 1), OpenError::FrameTag { frame: 2 }));
}

#[test]
fn two_frames_swapped() {
    let specimen = Specimen::new();
    let (first, second) = (specimen.frame(1), specimen.frame(2));
    let message = [
        &specimen.message[..first.start],
        &specimen.message[second.clone()],
        &specimen.message[first],
        &specimen.message[second.end..],
    ]
    .concat();
    let refused = specimen.refusal(&message, 0);
    assert!(matches!(refused, OpenError::FrameOrder { expected: 1, found: 2 }), "{refused}");
}

#[test]
fn two_frames_swapped_and_numbered_anew() {
    let specimen = Specimen::new();
    let (first, second) = (specimen.frame(1), specimen.frame(2));
    let mut message = specimen.message.clone();
    message.copy_within(second.clone(), first.start);
    message[second.clone()].copy_from_slice(&specimen.message[first.clone()]);
    for frame in [first, second] {
        message[frame.start..frame.start + 16]
            .copy_from_slice(&specimen.message[frame.start..frame.start + 16]);
    }
    assert!(matches!(specimen.refusal(&message, 0), OpenError::FrameTag { frame: 1 }));
}

#[test]
fn a_frame_dropped() {
    let specimen = Specimen::new();
    let mut message = specimen.message.clone();
    message.drain(specimen.frame(2));
    let refused = specimen.refusal(&message, 1);
    assert!(matches!(refused, OpenError::FrameOrder { expected: 2, found: 3 }), "{refused}");
}

#[test]
fn a_frame_repeated() {
    let specimen = Specimen::new();
    let second = specimen.frame(2);
    let mut message = specimen.message[..second.end].to_vec();
    message.extend_from_slice(&specimen.message[second.start..]);
    let refused = specimen.refusal(&message, 2);
    assert!(matches!(refused, OpenError::FrameOrder { expected: 3, found: 2 }), "{refused}");
}

#[test]
fn a_byte_appended() {
    let specimen = Specimen::new();
    let message = [&specimen.message[..], &[0]].concat();
    let (_, result) = try_open(&message);
    assert!(matches!(result.unwrap_err(), OpenError::TrailingBytes));
}

#[test]
fn the_context_altered() {
    let specimen = Specimen::new();
    for text in ["osaka-1", "20261121"] {
        let refused = specimen.refusal(&specimen.flipped(specimen.find(text)), 0);
        assert!(matches!(refused, OpenError::HeaderTag), "{text}: {refused}");
    }
    for text in ["tenant", "site", "evidence"] {
        let refused = specimen.refusal(&specimen.flipped(specimen.find(text)), 0);
        assert!(matches!(refused, OpenError::UnknownContext), "{text}: {refused}");
    }
}

#[test]
fn the_body_altered() {
    let specimen = Specimen::new();
    let second = specimen.frame(2);
    for position in [second.start + 16, second.start + 16 + FRAME / 2, second.end - 1] {
        let refused = specimen.refusal(&specimen.flipped(position), 1);
        assert!(matches!(refused, OpenError::FrameTag { frame: 2 }), "{position}: {refused}");
    }
    let refused = specimen.refusal(&specimen.flipped(second.start + 4), 1);
    assert!(matches!(refused, OpenError::FrameIv { frame: 2 }), "{refused}");
    let refused = specimen.refusal(&specimen.flipped(specimen.message.len() - 1), 3);
    assert!(matches!(refused, OpenError::FrameTag { frame: 4 }), "{refused}");
}

#[test]
fn a_frame_of_another_message_of_the_same_data_key() {
    let mut sealer = fixture::sealer();
    let plaintext = pattern(FRAME + 1);
    let (mut one, mut two) = (Vec::new(), Vec::new());
    let summary = sealer.seal(plaintext.as_slice(), &mut one).unwrap();
    sealer.seal(plaintext.as_slice(), &mut two).unwrap();
    let header = header_length(&summary);
    let message = [&one[..header], &two[header..]].concat();
    let (released, result) = try_open(&message);
    assert!(matches!(result.unwrap_err(), OpenError::FrameTag { frame: 1 }));
    assert_eq!(released, b"");
}

#[test]
fn the_commitment_altered() {
    let specimen = Specimen::new();
    for position in [specimen.header - TAG - COMMITMENT, specimen.header - TAG - 1] {
        let refused = specimen.refusal(&specimen.flipped(position), 0);
        assert!(matches!(refused, OpenError::Commitment), "{refused}");
    }
}

#[test]
fn the_message_id_altered() {
    let specimen = Specimen::new();
    let refused = specimen.refusal(&specimen.flipped(3), 0);
    assert!(matches!(refused, OpenError::Commitment), "{refused}");
}

#[test]
fn the_header_tag_altered() {
    let specimen = Specimen::new();
    let refused = specimen.refusal(&specimen.flipped(specimen.header - 1), 0);
    assert!(matches!(refused, OpenError::HeaderTag), "{refused}");
}

#[test]
fn the_wrapped_key_altered() {
    let specimen = Specimen::new();
    let wrapped = specimen.find(fixture::NAME) + fixture::NAME.len() + 2;
    let refused = specimen.refusal(&specimen.flipped(wrapped + 10), 0);
    assert!(matches!(refused, OpenError::NoKey { .. }), "{refused}");
}

#[test]
fn another_version_suite_or_content_type() {
    let specimen = Specimen::new();
    let refused = specimen.refusal(&specimen.flipped(0), 0);
    assert!(matches!(refused, OpenError::Version(3)), "{refused}");
    let mut signed_suite = specimen.message.clone();
    signed_suite[1] = 0x05;
    let refused = specimen.refusal(&signed_suite, 0);
    assert!(matches!(refused, OpenError::Suite(0x0578)), "{refused}");
    let content_type = specimen.header - TAG - COMMITMENT - 5;
    let refused = specimen.refusal(&specimen.flipped(content_type), 0);
    assert!(matches!(refused, OpenError::ContentType(3)), "{refused}");
}

#[test]
fn lengths_over_the_limits_are_refused_before_anything_is_allocated() {
    let specimen = Specimen::new();
    let frame_length = specimen.header - TAG - COMMITMENT - 4;
    let final_length = specimen.final_frame() + 4 + 4 + 12;
    let wrapped_keys = specimen.find(fixture::NAMESPACE) - 4;
    let cases: [(usize, &[u8], &str, usize); 6] = [
        (frame_length, &[0, 0, 0, 0], "frame length", 0),
        (frame_length, &[0xff; 4], "frame length", 0),
        (final_length, &(FRAME_LENGTH + 1).to_be_bytes(), "length of the final frame", 3),
        (35, &[0xff, 0xff], "length of the encryption context", 0),
        (wrapped_keys, &[0, 0], "number of wrapped keys", 0),
        (wrapped_keys, &[0, 17], "number of wrapped keys", 0),
    ];
    for (position, bytes, name, released) in cases {
        let mut message = specimen.message.clone();
        message[position..position + bytes.len()].copy_from_slice(bytes);
        let refused = specimen.refusal(&message, released);
        assert!(
            matches!(refused, OpenError::OverLimit { field, .. } if field == name),
            "{refused}"
        );
    }
}

#[test]
fn every_single_byte_of_a_small_message_counts() {
    let (message, _) = seal(b"small");
    for position in 0..message.len() {
        let mut altered = message.clone();
        altered[position] ^= 0x80;
        let (released, result) = try_open(&altered);
        assert!(result.is_err(), "byte {position} altered, and opened");
        assert_eq!(released, b"", "byte {position}");
    }
}
