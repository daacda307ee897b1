//! Chance that can be repeated: the same seed gives the same throws.

/// A seeded source of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Seeded from `NEWSWIRE_TEST_SEED`, or else from chance; the seed is printed, and shown when the test fails.
    pub(crate) fn seeded(test: &str) -> Self {
        let given = std::env::var("NEWSWIRE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(getrandom::u32().expect("random numbers")));
        println!("{test}: NEWSWIRE_TEST_SEED={seed}");
        Self(seed)
    }

    /// Seeded by this number.
    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Another source, whose throws do not depend on how often this one is thrown later.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
