//! A distribution as it is saved: figures, curve, and all of it for merging.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer as Decoder, Serializer as _, V2DeflateSerializer};

use super::{Histogram, Point, Summary};
use crate::measure::latency::Latencies;

impl Histogram {
    /// Takes over a histogram of microseconds; with its encoding if `is_logged`, so that
    /// it can be merged later.
    #[must_use]
    pub fn new(recorded: &hdrhistogram::Histogram<u64>, is_logged: bool) -> Self {
        let at = |quantile| recorded.value_at_quantile(quantile);
        let summary = Summary {
            count: recorded.len(),
            min_us: recorded.min(),
            mean_us: recorded.mean(),
            stddev_us: recorded.stdev(),
            p50_us: at(0.5),
            p90_us: at(0.9),
            p95_us: at(0.95),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: recorded.max(),
        };
        let mut count = 0;
        let curve = recorded.iter_quantiles(TICKS_PER_HALF_DISTANCE).map(|step| {
            count += step.count_since_last_iteration();
            Point { quantile: step.quantile_iterated_to(), us: step.value_iterated_to(), count }
        });
        let curve = curve.collect();
        let v2_base64 = is_logged.then(|| encode(recorded));
        Self { summary, curve, v2_base64 }
    }

    /// What was recorded, if it was saved in full and undamaged.
    #[must_use]
    pub fn recorded(&self) -> Option<hdrhistogram::Histogram<u64>> {
        let encoded = STANDARD.decode(self.v2_base64.as_ref()?);
        Decoder::new().deserialize(&mut encoded.ok()?.as_slice()).ok()
    }

    /// All of them in one; none if one was not saved in full.
    #[must_use]
    pub fn merged<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut all = parts.next()?.recorded()?;
        all.auto(true);
        for part in parts {
            all.add(part.recorded()?).ok()?;
        }
        Some(Self::new(&all, true))
    }
}

impl From<&Latencies> for Histogram {
    fn from(latencies: &Latencies) -> Self {
        Self::new(latencies.recorded(), true)
    }
}

/// As many as HdrHistogram's own tools take; a curve has about 5 × log2(count) points.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

fn encode(recorded: &hdrhistogram::Histogram<u64>) -> String {
    let mut encoded = Vec::new();
    let written = V2DeflateSerializer::new().serialize(recorded, &mut encoded);
    written.expect("a histogram can be written to memory");
    STANDARD.encode(encoded)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Histogram, Latencies};

    fn latencies(micros: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::new();
        micros.into_iter().for_each(|us| latencies.record(Duration::from_micros(us)));
        latencies
    }

    #[test]
    fn a_saved_histogram_is_read_back_and_merged_without_loss() {
        let (fast, slow) = (latencies(1..=900), latencies((1..=100).map(|n| n * 1_000)));
        let saved = [Histogram::from(&fast), Histogram::from(&slow)];
        let json = serde_json::to_string(&saved).unwrap();
        let read: Vec<Histogram> = serde_json::from_str(&json).unwrap();
        assert_eq!(saved.as_slice(), read);

        let mut both = fast.clone();
        both.merge(&slow);
        let merged = Histogram::merged(&read).unwrap();
        assert_eq!(merged.summary, Histogram::from(&both).summary);
        assert_eq!(merged.curve.last().unwrap().count, 1_000);
    }

    #[test]
    fn a_curve_rises_to_all_and_an_empty_one_is_empty() {
        let curve = Histogram::from(&latencies(1..=10_000)).curve;
        assert!(curve.windows(2).all(|w| w[0].quantile <= w[1].quantile && w[0].us <= w[1].us));
        assert_eq!((curve.last().unwrap().quantile, curve.last().unwrap().count), (1.0, 10_000));
        let empty = Histogram::from(&latencies([]));
        assert_eq!(empty.summary.count, 0);
        assert!(serde_json::to_string(&empty).unwrap().contains(r#""mean_us":0.0"#));
    }

    #[test]
    fn a_damaged_histogram_is_not_merged() {
        let mut damaged = Histogram::from(&latencies(1..=10));
        damaged.v2_base64 = damaged.v2_base64.map(|log| log[..log.len() / 2].to_owned());
        assert!(damaged.recorded().is_none());
        assert!(Histogram::merged([&damaged]).is_none());
    }
}
