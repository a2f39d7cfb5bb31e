//! Chance that can be repeated: `KARAKURI_SEED` is printed and taken again.

use std::time::SystemTime;

/// Whether this is a long test, `make soak`.
#[must_use]
pub fn soaking() -> bool {
    std::env::var("KARAKURI_SOAK").is_ok_and(|value| value == "1")
}

/// The seed of a test, which it prints.
///
/// # Panics
/// When `KARAKURI_SEED` is no number.
#[must_use]
pub fn seed() -> u64 {
    let given = std::env::var("KARAKURI_SEED").ok();
    let given = given.map(|seed| seed.parse().unwrap_or_else(|e| panic!("KARAKURI_SEED: {e}")));
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = given.unwrap_or_else(|| u64::try_from(now().as_micros()).unwrap_or_default());
    println!("KARAKURI_SEED={seed}");
    seed
}

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The numbers of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, below `end`.
    ///
    /// # Panics
    /// When `end` is 0.
    pub fn below(&mut self, end: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end).unwrap_or_default()
    }
}
