//! What the tests of the message format share: one key, one context, sealing and opening in memory,
//! and where the parts of a message lie.

use std::sync::OnceLock;

use karakuri_seal::{Class, Context, Identity, OpenError, Opened, Sealer, Summary, open};

pub(crate) const NAMESPACE: &str = "karakuri-test";
pub(crate) const NAME: &str = "off-line 1";
/// Commitment and tag close the header.
pub(crate) const COMMITMENT: usize = 32;
pub(crate) const TAG: usize = 16;
/// Bytes a regular frame has beside its content: number, IV, tag.
pub(crate) const FRAME_EXTRA: usize = 4 + 12 + 16;

/// The key of this test program.
pub(crate) fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| Identity::generate(NAMESPACE, NAME).unwrap())
}

pub(crate) fn context() -> Context {
    Context {
        tenant: "会社-7".to_owned(),
        site: "osaka-1".to_owned(),
        run: "20261121-101112-0badcafe".to_owned(),
        class: Class::Evidence,
    }
}

pub(crate) fn sealer() -> Sealer {
    Sealer::new(context(), &[identity().recipient().unwrap()]).unwrap()
}

pub(crate) fn seal(plaintext: &[u8]) -> (Vec<u8>, Summary) {
    let mut message = Vec::new();
    let summary = sealer().seal(plaintext, &mut message).unwrap();
    (message, summary)
}

/// What came out, and how it ended.
pub(crate) fn try_open(message: &[u8]) -> (Vec<u8>, Result<Opened, OpenError>) {
    let mut plaintext = Vec::new();
    let result = open(std::slice::from_ref(identity()), Some(&context()), message, &mut plaintext);
    (plaintext, result)
}

/// Bytes that differ everywhere and from frame to frame.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// Bytes of the header, with its tag.
pub(crate) fn header_length(summary: &Summary) -> usize {
    usize::try_from(summary.message_length - summary.body_length).unwrap()
}
