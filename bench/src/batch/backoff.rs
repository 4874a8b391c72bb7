//! How long a refused record waits.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Waits that double from attempt to attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first refusal.
    pub first: Duration,
    /// Never longer than this.
    pub max: Duration,
}

impl Default for Backoff {
    /// 50 ms, doubling up to 5 s.
    fn default() -> Self {
        Self { first: Duration::from_millis(50), max: Duration::from_secs(5) }
    }
}

impl Backoff {
    /// The longest wait after so many attempts.
    #[must_use]
    pub fn ceiling(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.max)
    }

    /// A wait between half the ceiling and the ceiling.
    pub(super) fn draw(&self, attempts: u32, random: &mut impl Rng) -> Duration {
        let ceiling = self.ceiling(attempts);
        ceiling - ceiling.mul_f64(random.random::<f64>() / 2.0)
    }
}
