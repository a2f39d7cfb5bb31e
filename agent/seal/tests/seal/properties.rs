//! For any plaintext, any way of writing it, and any damage.

use std::io::Write;

use crate::fixture::{self, identity, sealer, try_open};
use karakuri_seal::{Class, Context, FRAME_LENGTH, Sealer, open};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

fn value() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,32}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_plaintext_in_any_pieces_comes_back(
        pieces in vec(vec(any::<u8>(), 0..FRAME_LENGTH as usize), 0..5),
    ) {
        let mut writer = sealer().writer(Vec::new()).unwrap();
        for piece in &pieces {
            writer.write_all(piece).unwrap();
        }
        let (message, summary) = writer.finish().unwrap();
        let (plaintext, result) = try_open(&message);
        prop_assert_eq!(plaintext, pieces.concat());
        prop_assert_eq!(result.unwrap().summary, summary);
    }

    #[test]
    fn any_context_comes_back(
        tenant in value(), site in value(), run in value(), class in 0_usize..4,
    ) {
        let context = Context { tenant, site, run, class: Class::ALL[class] };
        let recipients = [identity().recipient().unwrap()];
        let mut message = Vec::new();
        Sealer::new(context.clone(), &recipients).unwrap().seal(&b"x"[..], &mut message).unwrap();
        let identities = std::slice::from_ref(identity());
        let opened = open(identities, None, message.as_slice(), Vec::new()).unwrap();
        prop_assert_eq!(opened.context, context);
    }

    #[test]
    fn any_damage_is_refused_and_releases_only_true_bytes(
        position in any::<Index>(), mask in 1_u8..=255, cut in any::<Option<Index>>(),
    ) {
        let plaintext = fixture::pattern(2 * FRAME_LENGTH as usize + 5);
        let (mut message, _) = fixture::seal(&plaintext);
        let place = position.index(message.len());
        message[place] ^= mask;
        if let Some(cut) = cut {
            message.truncate(cut.index(message.len()));
        }
        let (released, result) = try_open(&message);
        prop_assert!(result.is_err());
        prop_assert!(plaintext.starts_with(&released));
    }

    #[test]
    fn any_bytes_at_all_are_refused_without_a_panic(mut bytes in vec(any::<u8>(), 0..600)) {
        prop_assert!(try_open(&bytes).1.is_err());
        // Past the fixed start, so that the parser of the fields is reached.
        for (place, byte) in bytes.iter_mut().zip([2, 4, 0x78]) {
            *place = byte;
        }
        prop_assert!(try_open(&bytes).1.is_err());
    }
}
