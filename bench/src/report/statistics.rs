//! What a handful of repetitions allows one to say.
//!
//! Laws: the same values give the same interval on every machine, for the draws
//! come from a seed; and below [`REPETITIONS_MIN`] nothing is claimed.

/// Fewer repetitions than this say nothing about a difference.
pub const REPETITIONS_MIN: usize = 5;

/// The confidence of intervals. A comparison has some ten rows; at 95 % every second
/// one would show a difference that is not there.
pub const CONFIDENCE: f64 = 0.99;

const RESAMPLES: usize = 5_000;
const SEED: u64 = 1;

/// The values of one measure, one for each repetition.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// In the order of the repetitions.
    pub values: Vec<f64>,
    /// The middle one.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Where the median lies with [`CONFIDENCE`], given enough repetitions.
    pub interval: Option<Interval>,
}

/// A range of values, ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies in it.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

impl Spread {
    /// Nothing of no values.
    #[must_use]
    pub fn new(values: Vec<f64>) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let interval = (values.len() >= REPETITIONS_MIN).then(|| {
            let mut draw = Draw(SEED);
            bootstrap(|| median(draw.resample(&values)))
        });
        Some(Self {
            median: median(values.clone()),
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            interval,
            values,
        })
    }

    /// What a whisker shows: the interval, or the least and greatest of too few values.
    #[must_use]
    pub fn whisker(&self) -> Interval {
        self.interval.unwrap_or(Interval { low: self.min, high: self.max })
    }
}

/// How much greater the medians of `others` are than those of `base`: the ratio's
/// interval by bootstrap. Where the repetitions took turns they are drawn in pairs, so
/// that what slowed both down cancels out. None with too few values, or values that
/// are not above zero.
#[must_use]
pub fn ratio_interval(base: &[f64], others: &[f64], is_paired: bool) -> Option<Interval> {
    let enough = base.len().min(others.len()) >= REPETITIONS_MIN;
    if !enough || !base.iter().chain(others).all(|value| *value > 0.0) {
        return None;
    }
    let mut draw = Draw(SEED);
    Some(if is_paired && base.len() == others.len() {
        bootstrap(|| {
            let turns: Vec<usize> = base.iter().map(|_| draw.below(base.len())).collect();
            let of = |values: &[f64]| median(turns.iter().map(|turn| values[*turn]).collect());
            of(others) / of(base)
        })
    } else {
        bootstrap(|| median(draw.resample(others)) / median(draw.resample(base)))
    })
}

/// The middle value, or the average of the middle two.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "no values have no median");
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { values[middle - 1].midpoint(values[middle]) }
}

fn bootstrap(mut statistic: impl FnMut() -> f64) -> Interval {
    let mut drawn: Vec<f64> = (0..RESAMPLES).map(|_| statistic()).collect();
    drawn.sort_unstable_by(f64::total_cmp);
    let outside = ((1.0 - CONFIDENCE) / 2.0 * RESAMPLES as f64) as usize;
    Interval { low: drawn[outside], high: drawn[RESAMPLES - 1 - outside] }
}

/// SplitMix64: its numbers never change with a library's version.
#[derive(Debug)]
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: usize) -> usize {
        (self.unit() * end as f64) as usize
    }

    fn resample(&mut self, values: &[f64]) -> Vec<f64> {
        values.iter().map(|_| values[self.below(values.len())]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Draw, Interval, Spread, ratio_interval};

    /// Latencies or rates of one and the same target: a tenth up or down, now and then more.
    fn noisy(draw: &mut Draw, level: f64, repetitions: usize) -> Vec<f64> {
        let one = |draw: &mut Draw| {
            let outlier = if draw.unit() < 0.1 { 0.5 } else { 0.0 };
            level * (0.9 + 0.2 * draw.unit() + outlier)
        };
        (0..repetitions).map(|_| one(draw)).collect()
    }

    #[test]
    fn equal_targets_are_seldom_told_apart_and_different_ones_mostly() {
        let mut draw = Draw(7);
        let (mut false_alarms, mut found) = (0, 0);
        for _ in 0..100 {
            let base = noisy(&mut draw, 100.0, 7);
            let excludes_one = |others: &[f64]| {
                let interval = ratio_interval(&base, others, false).unwrap();
                usize::from(!interval.contains(1.0))
            };
            false_alarms += excludes_one(&noisy(&mut draw, 100.0, 7));
            found += excludes_one(&noisy(&mut draw, 150.0, 7));
        }
        assert!(false_alarms <= 4, "{false_alarms} of 100 false alarms");
        assert!(found >= 70, "{found} of 100 differences found");
    }

    #[test]
    fn pairs_cancel_what_slowed_both_down() {
        let base = [100.0, 150.0, 210.0, 120.0, 300.0];
        let others = base.map(|value| value * 1.2);
        let paired = ratio_interval(&base, &others, true).unwrap();
        assert!((paired.low - 1.2).abs() < 1e-9 && (paired.high - 1.2).abs() < 1e-9);
        assert!(ratio_interval(&base, &others, false).unwrap().contains(1.0));
    }

    #[test]
    fn four_repetitions_claim_nothing() {
        assert_eq!(ratio_interval(&[1.0; 4], &[9.0; 5], false), None);
        let spread = Spread::new(vec![3.0, 1.0, 2.0, 4.0]).unwrap();
        assert_eq!((spread.median, spread.interval), (2.5, None));
        assert_eq!(spread.whisker(), Interval { low: 1.0, high: 4.0 });
    }

    #[test]
    fn nothing_is_said_of_nothing_or_of_zero() {
        assert_eq!(Spread::new(vec![]), None);
        assert_eq!(ratio_interval(&[0.0; 5], &[1.0; 5], false), None);
    }
}
