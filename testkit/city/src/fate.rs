//! Seeded chance: every thing in the city has a stream of its own, so that what happens to one order
//! does not depend on when another one was observed.

use uuid::Uuid;

/// What a stream of chance belongs to. Two things with the same number but another realm are independent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Realm {
    City = 1,
    Restaurant,
    Courier,
    Order,
    Ride,
    Idle,
    Cooking,
    Network,
    Fault,
}

/// A splitmix64 stream (Steele, Lea, Flood 2014): eight bytes of state, cheap to make one per thing, and the
/// same numbers on every platform and with every version of every library.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    state: u64,
}

impl Fate {
    /// The stream of thing `id` of `realm` in the city of `seed`.
    pub(crate) fn of(seed: u64, realm: Realm, id: u64) -> Self {
        let mut fate = Fate { state: seed ^ ((realm as u64) << 56) };
        let salt = fate.next();
        fate.state = salt ^ id.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        fate.next();
        fate
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.uniform() < share
    }

    /// Uniform in [low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in [low, high], in milliseconds.
    pub(crate) fn between_ms(&mut self, low_ms: i64, high_ms: i64) -> i64 {
        low_ms + (self.uniform() * (high_ms - low_ms + 1) as f64) as i64
    }

    /// Uniform index below `len`, which must not be zero.
    pub(crate) fn below(&mut self, len: usize) -> usize {
        (self.uniform() * len as f64) as usize
    }

    /// Standard normal (Box–Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Log-normal with median 1.
    pub(crate) fn scatter(&mut self, sigma: f64) -> f64 {
        (sigma * self.normal()).exp()
    }

    /// Index into `cumulative`, a rising list of shares that ends at 1.
    pub(crate) fn pick(&mut self, cumulative: &[f64]) -> usize {
        let at = self.uniform();
        cumulative.partition_point(|&share| share <= at).min(cumulative.len() - 1)
    }

    /// A version 4 identifier made of this stream.
    pub(crate) fn uuid(&mut self) -> Uuid {
        let bytes = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    }
}

/// Weights as cumulative shares, for [`Fate::pick`].
pub(crate) fn cumulative(weights: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    let mut shares: Vec<f64> = weights
        .into_iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_things_have_unrelated_streams() {
        let means = [0, 1, 2, 3].map(|id| {
            let mut fate = Fate::of(7, Realm::Order, id);
            (0..1000).map(|_| fate.uniform()).sum::<f64>() / 1000.0
        });
        assert!(means.iter().all(|mean| (mean - 0.5).abs() < 0.05), "{means:?}");
        assert!(means[0] != means[1] && means[1] != means[2]);
        assert_ne!(Fate::of(7, Realm::Order, 1).next(), Fate::of(7, Realm::Ride, 1).next());
    }

    #[test]
    fn picks_follow_their_weights() {
        let shares = cumulative([1.0, 3.0]);
        let mut fate = Fate::of(1, Realm::City, 0);
        let second = (0..10_000).filter(|_| fate.pick(&shares) == 1).count();
        assert!((7_300..7_700).contains(&second), "{second}");
    }
}
