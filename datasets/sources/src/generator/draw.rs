//! Deterministic draws. An own generator of a few lines, so that the records of a seed stay the same
//! when a library changes its algorithm.

/// Mixes a number so that every bit depends on every bit (the finisher of SplitMix64).
pub(super) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// One number for several.
pub(super) fn mix_all<const N: usize>(values: [u64; N]) -> u64 {
    values.into_iter().fold(0, |mixed, value| {
        mix(mixed.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ mix(value))
    })
}

/// A sequence of numbers that follows from a seed: SplitMix64.
#[derive(Clone, Debug)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `0..end`; `end` is at least 1.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        // The bias of at most `end / 2^64` does not matter here.
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// A number in `0..end`; `end` is at least 1.
    pub(super) fn index(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    /// One of `choices`, of which there is at least one.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// Whether something happens that does so with this share of draws.
    pub(super) fn happens(&mut self, share: Share) -> bool {
        self.next() < share.0
    }
}

/// A share of draws in `0.0..=1.0`, as a bound for a draw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share(u64);

impl Share {
    pub(super) fn new(share: f64) -> Self {
        // Saturates: 1.0 becomes all draws but one in 2^64.
        Self((share * 18_446_744_073_709_551_616.0) as u64)
    }

    /// Whether the share contains something, decided by what it is.
    pub(super) fn holds(self, value: u64) -> bool {
        value < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_from_the_seed_and_cover_their_range() {
        let draws = |seed| {
            let mut draw = Draw::new(seed);
            (0..1_000).map(|_| draw.index(10)).collect::<Vec<_>>()
        };

        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
        for value in 0..10 {
            let count = draws(1).into_iter().filter(|&drawn| drawn == value).count();
            assert!((50..150).contains(&count));
        }
    }

    #[test]
    fn a_share_is_met() {
        let mut draw = Draw::new(7);
        let count = |share, draw: &mut Draw| {
            let share = Share::new(share);
            (0..10_000).filter(|_| draw.happens(share)).count()
        };

        assert_eq!(count(0.0, &mut draw), 0);
        assert_eq!(count(1.0, &mut draw), 10_000);
        assert!((900..1_100).contains(&count(0.1, &mut draw)));
    }
}
