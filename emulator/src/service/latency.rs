//! How long calls take on the emulator's clock, beyond the work itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::engine::entropy::Entropy;
use crate::model::settings::parse_duration;
use crate::operations::OperationName as Operation;

/// How long calls take: nothing, a fixed time, or a draw from a distribution
/// per operation.
///
/// It passes on the emulator's clock: with a manual one a call waits until the
/// test advances it.
///
/// ```
/// # use std::time::Duration;
/// # use kinesis_emulator::{Distribution, Emulator, Latency, Operation};
/// let latency = Latency::aws()
///     .operation(Operation::PutRecord, Distribution::fixed(Duration::from_millis(5)));
/// let kinesis = Emulator::builder().latency(latency).in_process();
/// kinesis.set_latency(Latency::none());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Latency {
    other: Distribution,
    operations: BTreeMap<Operation, Distribution>,
    events: Distribution,
}

impl Latency {
    /// Calls take no time: the default.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every call, and every event of a subscription, takes so long.
    pub fn fixed(duration: Duration) -> Self {
        let fixed = Distribution::fixed(duration);
        Self { other: fixed.clone(), operations: BTreeMap::new(), events: fixed }
    }

    /// What a call within a Region adds: 10 to 20 ms for puts and reads, more
    /// for what changes streams, with a tail; and 70 ms for a pushed event.
    ///
    /// The numbers are ours, but for the 70 ms, which the developer guide gives
    /// as the average delay of enhanced fan-out.
    pub fn aws() -> Self {
        let write = Distribution::of_millis([8, 13, 20, 45, 200]);
        let read = Distribution::of_millis([6, 11, 18, 40, 200]);
        let control = Distribution::of_millis([15, 30, 60, 150, 500]);
        let operations = [
            (Operation::GetRecords, &read),
            (Operation::GetShardIterator, &read),
            (Operation::PutRecord, &write),
            (Operation::PutRecords, &write),
            (Operation::SubscribeToShard, &read),
        ];
        Self {
            other: control,
            operations: operations.map(|(operation, class)| (operation, class.clone())).into(),
            events: Distribution::of_millis([30, 68, 90, 150, 400]),
        }
    }

    /// What it is, in a word: `none`, `aws`, the one duration, or `custom`.
    pub fn name(&self) -> String {
        if *self == Self::none() {
            return "none".to_owned();
        }
        if *self == Self::aws() {
            return "aws".to_owned();
        }
        match self.other.only() {
            Some(duration) if *self == Self::fixed(duration) => {
                format!("{}ms", duration.as_millis())
            }
            _ => "custom".to_owned(),
        }
    }

    /// Sets what calls of one operation take.
    pub fn operation(mut self, operation: Operation, distribution: Distribution) -> Self {
        self.operations.insert(operation, distribution);
        self
    }

    /// Sets what calls of all operations take that have nothing of their own.
    pub fn other(mut self, distribution: Distribution) -> Self {
        self.other = distribution;
        self
    }

    /// Sets what a subscription's events take from the shard to the reader.
    pub fn events(mut self, distribution: Distribution) -> Self {
        self.events = distribution;
        self
    }

    /// Reads a file's text: durations such as `"15ms"`, or what is reached by
    /// which share of the calls, in percent.
    ///
    /// ```
    /// # use kinesis_emulator::Latency;
    /// Latency::from_json(r#"{
    ///     "operations": {"PutRecord": {"0": "5ms", "50": "12ms", "99": "40ms", "100": "200ms"}},
    ///     "other": "15ms",
    ///     "events": "70ms"
    /// }"#)?;
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// Says which member is wrong.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
        let Value::Object(members) = &value else {
            return Err(r#"a latency profile is an object, such as {"other": "15ms"}"#.to_owned());
        };
        let mut latency = Self::none();
        for (name, value) in members {
            let within = |error| format!("`{name}`: {error}");
            match (name.as_str(), value) {
                ("other", _) => latency.other = Distribution::read(value).map_err(within)?,
                ("events", _) => latency.events = Distribution::read(value).map_err(within)?,
                ("operations", Value::Object(operations)) => {
                    for (operation, value) in operations {
                        let within = |error| format!("`operations`: `{operation}`: {error}");
                        let known = operation.parse().map_err(within)?;
                        let distribution = Distribution::read(value).map_err(within)?;
                        latency.operations.insert(known, distribution);
                    }
                }
                ("operations", _) => {
                    let example = r#"it is an object, such as {"PutRecord": "15ms"}"#;
                    return Err(within(example.to_owned()));
                }
                _ => {
                    let known = "there is no such member; there are operations, other, events";
                    return Err(within(known.to_owned()));
                }
            }
        }
        Ok(latency)
    }

    /// Reads what the command line takes: `none`, `aws`, a duration such as
    /// `15ms`, or the name of a file that [`from_json`](Self::from_json) reads.
    ///
    /// # Errors
    /// Says what it is none of.
    pub fn from_argument(argument: &str) -> Result<Self, String> {
        if let Some(profile) = Self::profile(argument) {
            return Ok(profile);
        }
        let text = std::fs::read_to_string(argument).map_err(|error| {
            format!("{argument:?} is not none, aws, a duration such as 15ms, nor a file: {error}")
        })?;
        Self::from_json(&text).map_err(|error| format!("{argument}: {error}"))
    }

    /// The same without files, for texts that come from elsewhere than the command line.
    pub(crate) fn profile(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::none()),
            "aws" => Some(Self::aws()),
            _ => parse_duration(text).ok().map(Self::fixed),
        }
    }

    #[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
    fn of(&self, operation: Option<Operation>) -> &Distribution {
        operation.and_then(|known| self.operations.get(&known)).unwrap_or(&self.other)
    }
}

/// How likely which duration is: points that are joined by straight lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distribution {
    /// Shares of the calls, ascending, and what they stay within.
    points: Vec<(f64, Duration)>,
}

impl Distribution {
    /// Always the same.
    pub fn fixed(duration: Duration) -> Self {
        Self { points: vec![(1.0, duration)] }
    }

    /// Within which time which share of the calls is, from 0 to 1.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use kinesis_emulator::Distribution;
    /// let millis = Duration::from_millis;
    /// let half_within_12 = [(0.0, millis(5)), (0.5, millis(12)), (1.0, millis(200))];
    /// Distribution::quantiles(half_within_12)?;
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// If there is no point, a share is not from 0 to 1, or more calls would be
    /// within less time.
    pub fn quantiles(points: impl IntoIterator<Item = (f64, Duration)>) -> Result<Self, String> {
        let mut points: Vec<_> = points.into_iter().collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        if points.is_empty() {
            return Err("a distribution has at least one point".to_owned());
        }
        if !points.iter().all(|(share, _)| (0.0..=1.0).contains(share)) {
            return Err("a share of the calls is from none to all".to_owned());
        }
        if !points.is_sorted_by_key(|(_, duration)| *duration) {
            return Err("more of the calls cannot be within less time".to_owned());
        }
        Ok(Self { points })
    }

    /// The duration, if there is one only.
    fn only(&self) -> Option<Duration> {
        match self.points[..] {
            [(_, duration)] => Some(duration),
            _ => None,
        }
    }

    /// The fastest, the median, 90 %, 99 %, and the slowest.
    fn of_millis(millis: [u64; 5]) -> Self {
        let shares = [0.0, 0.5, 0.9, 0.99, 1.0];
        let points = shares.into_iter().zip(millis.map(Duration::from_millis));
        Self { points: points.collect() }
    }

    fn read(value: &Value) -> Result<Self, String> {
        let duration = |value: &Value| {
            let example = r#"write a text such as "15ms", or {"50": "12ms", "99": "40ms"}"#;
            let text =
                value.as_str().ok_or_else(|| format!("{value} is not a duration: {example}"));
            text.and_then(parse_duration)
        };
        let Value::Object(points) = value else {
            return duration(value).map(Self::fixed);
        };
        let point = |(share, value): (&String, &Value)| {
            let percent: f64 = share
                .parse()
                .map_err(|_| format!("{share:?} is not a number of percent: write \"50\""))?;
            Ok((percent / 100.0, duration(value)?))
        };
        Self::quantiles(points.iter().map(point).collect::<Result<Vec<_>, String>>()?)
    }

    /// What a share of the calls stays within.
    fn at(&self, share: f64) -> Duration {
        let above = self.points.partition_point(|(point, _)| *point < share);
        match (above.checked_sub(1).map(|below| self.points[below]), self.points.get(above)) {
            (Some((from, low)), Some(&(to, high))) => {
                low + (high - low).mul_f64((share - from) / (to - from))
            }
            (None, Some((_, duration))) => *duration,
            (Some((_, duration)), None) => duration,
            (None, None) => Duration::ZERO,
        }
    }

    fn draw(&self, entropy: &Entropy) -> Duration {
        match &self.points[..] {
            [] => Duration::ZERO,
            [(_, fixed)] => *fixed,
            _ => self.at(entropy.draw_fraction()),
        }
    }
}

/// The latency in force, and the chance that it draws from: its own, so that
/// ids do not depend on it.
#[derive(Debug)]
pub(super) struct Delays {
    latency: Mutex<Arc<Latency>>,
    entropy: Entropy,
}

impl Delays {
    pub(super) fn new(seed: Option<u64>) -> Self {
        let entropy = Entropy::new(seed.map(|seed| seed ^ 0x006c_6174_656e_6379));
        Self { latency: Mutex::default(), entropy }
    }

    pub(super) fn get(&self) -> Arc<Latency> {
        Arc::clone(&self.latency.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set(&self, latency: Latency) {
        *self.latency.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(latency);
    }
}

impl Delays {
    /// What a call takes; one of no known operation, too.
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub(super) fn of_call(&self, operation: Option<Operation>) -> Duration {
        self.get().of(operation).draw(&self.entropy)
    }

    /// What an event takes.
    pub(super) fn of_event(&self) -> Duration {
        self.get().events.draw(&self.entropy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn between_its_points_a_distribution_is_a_straight_line() {
        let points = [(0.0, ms(10)), (0.5, ms(20)), (1.0, ms(120))];
        let distribution = Distribution::quantiles(points).unwrap();
        for (share, expected) in [(0.0, 10), (0.25, 15), (0.5, 20), (0.75, 70), (1.0, 120)] {
            assert_eq!(distribution.at(share), ms(expected), "{share}");
        }
        let open = Distribution::quantiles([(0.2, ms(10)), (0.8, ms(20))]).unwrap();
        assert_eq!((open.at(0.1), open.at(0.9)), (ms(10), ms(20)), "nothing lies beyond its ends");
    }

    #[test]
    fn draws_follow_the_distribution_and_repeat_with_the_seed() {
        let draws = |seed| {
            let delays = Delays::new(Some(seed));
            delays.set(Latency::aws());
            let draw = |_| delays.get().of(Some(Operation::PutRecord)).draw(&delays.entropy);
            (0..10_000).map(draw).collect::<Vec<_>>()
        };
        let mut one = draws(1);
        assert_eq!(one, draws(1));
        assert_ne!(one, draws(2));
        one.sort_unstable();
        assert!((ms(12)..=ms(14)).contains(&one[5_000]), "the median: {:?}", one[5_000]);
        assert!((ms(18)..=ms(23)).contains(&one[9_000]), "90 %: {:?}", one[9_000]);
        assert!(one[0] >= ms(8) && one[9_999] <= ms(200));
    }

    #[test]
    fn a_profile_is_read_from_an_argument() {
        assert_eq!(Latency::from_argument("none"), Ok(Latency::none()));
        assert_eq!(Latency::from_argument("aws"), Ok(Latency::aws()));
        assert_eq!(Latency::from_argument("15ms"), Ok(Latency::fixed(ms(15))));
        for text in ["none", "aws", "15ms"] {
            assert_eq!(Latency::profile(text), Latency::from_argument(text).ok());
        }
        assert_eq!(Latency::profile("no-such-file"), None);
        let error = Latency::from_argument("no-such-file").unwrap_err();
        assert!(error.contains("not none, aws, a duration such as 15ms, nor a file"), "{error}");
    }

    #[test]
    fn a_profile_that_makes_no_sense_says_where() {
        for (text, expected) in [
            ("7", "a latency profile is an object, such as {\"other\": \"15ms\"}"),
            (
                r#"{"puts": "1ms"}"#,
                "`puts`: there is no such member; there are operations, other, ev",
            ),
            (
                r#"{"other": 15}"#,
                "`other`: 15 is not a duration: write a text such as \"15ms\", or {",
            ),
            (r#"{"operations": "1ms"}"#, "`operations`: it is an object, such as {\"PutRecord\":"),
            (r#"{"other": "1"}"#, "`other`: \"1\" is not a duration"),
            (r#"{"operations": {"Put": "1ms"}}"#, "`operations`: `Put`: \"Put\" is not an"),
            (r#"{"events": {"0": "2ms", "50": "1ms"}}"#, "`events`: more of the calls cannot"),
            (r#"{"events": {"101": "2ms"}}"#, "`events`: a share of the calls is from"),
            (
                r#"{"events": {"p50": "2ms"}}"#,
                "`events`: \"p50\" is not a number of percent: write",
            ),
        ] {
            let error = Latency::from_json(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let read = Latency::from_json(r#"{"operations": {"PutRecord": "2ms"}, "other": "15ms"}"#);
        let built = Latency::none()
            .other(Distribution::fixed(ms(15)))
            .operation(Operation::PutRecord, Distribution::fixed(ms(2)));
        assert_eq!(read, Ok(built));
    }
}
