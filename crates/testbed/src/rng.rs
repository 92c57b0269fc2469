//! A small random number generator (splitmix64). It is implemented here so that the same seed gives the same traces on every
//! machine and with every version of a library.

use trace::Micros;

/// Deterministic pseudo-random numbers.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator seeded with a name and numbers. Users with different names have independent sequences.
    #[must_use]
    pub fn new(name: &str, numbers: &[u64]) -> Self {
        let mut state = 0xcbf2_9ce4_8422_2325_u64;
        for byte in name.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut rng = Self(state);
        for number in numbers {
            rng.0 = rng.draw() ^ number.rotate_left(17);
        }
        rng
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number in `from..to`, or `from` if the range is empty.
    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        let width = to.saturating_sub(from).max(1);
        from + (self.draw() % width as u64) as i64
    }

    /// A duration that differs from `duration` by at most 4 %, and is at least 1 µs.
    pub fn about(&mut self, duration: Micros) -> Micros {
        let spread = duration.0 / 25;
        Micros((duration.0 + self.within(-spread, spread + 1)).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_seed_others() {
        let draw = |name, seed| {
            let mut rng = Rng::new(name, &[seed]);
            [rng.draw(), rng.draw(), rng.draw()]
        };
        assert_eq!(draw("a", 1), draw("a", 1));
        assert_ne!(draw("a", 1), draw("a", 2));
        assert_ne!(draw("a", 1), draw("b", 1));
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut rng = Rng::new("range", &[]);
        assert!((0..1000).all(|_| (3..9).contains(&rng.within(3, 9))));
        assert_eq!(rng.within(5, 5), 5);
    }
}
