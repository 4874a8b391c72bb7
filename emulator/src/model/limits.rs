//! What an account and a shard are allowed: numbers under a name.
//!
//! A limit that is `None` is not enforced. Knows no state and no clock: what
//! has been used up is counted in the engine.

use std::collections::BTreeMap;

use super::arn::Region;

/// Which limits are enforced, and what they are.
///
/// [`Limits::off`] is the default; [`Limits::aws`] has AWS's documented
/// numbers. Any of them can be changed, and changed again at run time with
/// `Emulator::set_limits`:
///
/// ```
/// # use kinesis_emulator::{Emulator, Limits};
/// let mut limits = Limits::aws();
/// limits.write_records_per_second = Some(500);
/// let kinesis = Emulator::builder().limits(limits.named("half")).in_process();
/// assert_eq!(kinesis.limits().name(), "half");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    own_name: Option<String>,

    /// Records a shard takes in a second.
    pub write_records_per_second: Option<u64>,
    /// Bytes of data and partition keys a shard takes in a second. A record
    /// that is larger is taken at once, and made up for afterwards.
    pub write_bytes_per_second: Option<u64>,
    /// GetRecords calls a shard answers in a second, for all callers together.
    pub read_calls_per_second: Option<u64>,
    /// Bytes of data and partition keys that GetRecords reads from a shard in a
    /// second, for all callers together.
    pub read_bytes_per_second: Option<u64>,
    /// GetShardIterator calls a shard answers in a second.
    pub iterator_calls_per_second: Option<u64>,
    /// Bytes of data and partition keys that a subscription pushes in a second:
    /// it waits, and nothing is refused.
    pub fan_out_bytes_per_second: Option<u64>,

    /// Whether operations refuse more calls in a second than they declare.
    pub call_rates: bool,
    /// Other rates than the declared ones, by the operation's name.
    pub calls_per_second: BTreeMap<String, u64>,

    /// Streams of an account that are CREATING or DELETING at once.
    pub streams_in_transition: Option<u32>,
    /// Consumers of a stream that are CREATING at once.
    pub consumers_in_creation: Option<u32>,
    /// Queues of an account that are CREATING or DELETING at once.
    pub queues_in_transition: Option<u32>,
    /// Records of a queue that are in flight at once: more are not handed out,
    /// and nothing is refused.
    pub queue_records_in_flight: Option<u32>,
    /// Open shards of an account in us-east-1, us-west-2 and eu-west-1.
    pub shards_in_large_regions: Option<u32>,
    /// Open shards of an account in any other Region.
    pub shards_in_other_regions: Option<u32>,
    /// On-demand streams of an account in a Region.
    pub on_demand_streams: Option<u32>,

    /// UpdateShardCount calls a stream takes within 24 hours.
    pub rescalings_per_day: Option<u32>,
    /// Switches between on-demand and provisioned within 24 hours.
    pub mode_switches_per_day: Option<u32>,
    /// Starts of encryption, and likewise stops, within 24 hours.
    pub encryption_changes_per_day: Option<u32>,

    /// An on-demand stream splits a shard that takes more bytes in a second
    /// than this, over a minute. `None`: on-demand streams do not scale.
    pub on_demand_split_bytes_per_second: Option<u64>,
    /// How long after a shard was found too busy it is split, in seconds.
    pub on_demand_split_after_seconds: u64,
    /// Shards that an on-demand stream grows to in the large Regions.
    pub on_demand_shards_in_large_regions: u32,
    /// Shards that an on-demand stream grows to in any other Region.
    pub on_demand_shards_in_other_regions: u32,
}

const MIB: u64 = 1024 * 1024;

impl Limits {
    /// No throughput is limited, no call rate and no account. What a stream
    /// does not do twice a day on any account stays: the limits per day.
    pub fn off() -> Self {
        Self {
            own_name: None,
            write_records_per_second: None,
            write_bytes_per_second: None,
            read_calls_per_second: None,
            read_bytes_per_second: None,
            iterator_calls_per_second: None,
            fan_out_bytes_per_second: None,
            call_rates: false,
            calls_per_second: BTreeMap::new(),
            streams_in_transition: None,
            consumers_in_creation: None,
            queues_in_transition: None,
            queue_records_in_flight: None,
            shards_in_large_regions: None,
            shards_in_other_regions: None,
            on_demand_streams: None,
            rescalings_per_day: Some(10),
            mode_switches_per_day: Some(2),
            encryption_changes_per_day: Some(25),
            on_demand_split_bytes_per_second: None,
            on_demand_split_after_seconds: 15 * 60,
            on_demand_shards_in_large_regions: 10_000,
            on_demand_shards_in_other_regions: 200,
        }
    }

    /// What AWS documents for an account without raised quotas.
    pub fn aws() -> Self {
        Self {
            write_records_per_second: Some(1000),
            write_bytes_per_second: Some(MIB),
            read_calls_per_second: Some(5),
            read_bytes_per_second: Some(2 * MIB),
            iterator_calls_per_second: Some(5),
            fan_out_bytes_per_second: Some(2 * MIB),
            call_rates: true,
            streams_in_transition: Some(5),
            consumers_in_creation: Some(5),
            queues_in_transition: Some(5),
            queue_records_in_flight: Some(120_000),
            shards_in_large_regions: Some(20_000),
            // The guide says 1,000 or 6,000 without saying where: the lower
            // one, so that no test passes by luck.
            shards_in_other_regions: Some(1000),
            on_demand_streams: Some(50),
            // The guide's KB are 1,000 bytes.
            on_demand_split_bytes_per_second: Some(500_000),
            ..Self::off()
        }
    }

    /// The profile of a name: `off` or `aws`.
    pub fn profile(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Self::off()),
            "aws" => Some(Self::aws()),
            _ => None,
        }
    }

    /// The same limits under a name of their own.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.own_name = Some(name.into());
        self
    }

    /// What reports call these limits: the name they were given; otherwise
    /// `off` or `aws` if they are just that, and `custom` if not.
    pub fn name(&self) -> &str {
        match &self.own_name {
            Some(name) => name,
            None if *self == Self::off() => "off",
            None if *self == Self::aws() => "aws",
            None => "custom",
        }
    }

    /// Whether [`named`](Self::named) was called.
    pub(crate) fn has_own_name(&self) -> bool {
        self.own_name.is_some()
    }

    /// Most open shards of an account in a Region.
    pub(crate) fn shards_in(&self, region: &Region) -> Option<u32> {
        if region.is_large() { self.shards_in_large_regions } else { self.shards_in_other_regions }
    }

    /// Most shards that an on-demand stream grows to in a Region.
    pub(crate) fn on_demand_shards_in(&self, region: &Region) -> u32 {
        if region.is_large() {
            self.on_demand_shards_in_large_regions
        } else {
            self.on_demand_shards_in_other_regions
        }
    }

    /// How often an operation can be called in a second.
    pub(crate) fn rate_of(&self, operation: &str, declared: Option<Rate>) -> Option<Rate> {
        let scope = declared.map_or(Scope::Account, |rate| rate.scope);
        match self.calls_per_second.get(operation) {
            Some(own) => Some(Rate { calls_per_second: *own, scope }),
            None => declared.filter(|_| self.call_rates),
        }
    }

    /// Whether anything is limited that calls use up second by second, or that
    /// is looked at as often.
    pub(crate) fn any_per_second(&self) -> bool {
        self.call_rates
            || self.queue_records_in_flight.is_some()
            || !self.calls_per_second.is_empty()
            || self.on_demand_split_bytes_per_second.is_some()
            || [
                self.write_records_per_second,
                self.write_bytes_per_second,
                self.read_calls_per_second,
                self.read_bytes_per_second,
                self.iterator_calls_per_second,
                self.fan_out_bytes_per_second,
            ]
            .iter()
            .any(Option::is_some)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::off()
    }
}

/// How often an operation can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls in a second.
    pub calls_per_second: u64,
    /// Whose calls are counted together.
    pub scope: Scope,
}

impl Rate {
    /// So many calls a second of an account in a Region.
    pub(crate) const fn per_account(calls_per_second: u64) -> Self {
        Self { calls_per_second, scope: Scope::Account }
    }

    /// So many calls a second for one stream.
    pub(crate) const fn per_stream(calls_per_second: u64) -> Self {
        Self { calls_per_second, scope: Scope::Stream }
    }
}

/// Whose calls a rate counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of an account in a Region.
    Account,
    /// All for one stream.
    Stream,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_that_was_changed_does_not_keep_its_name() {
        assert_eq!([Limits::off().name(), Limits::aws().name()], ["off", "aws"]);
        let mut limits = Limits::aws();
        limits.write_records_per_second = Some(1);
        assert_eq!(limits.name(), "custom");
        assert_eq!(limits.named("slow").name(), "slow");
    }

    #[test]
    fn regions_differ_in_their_quotas() {
        let region = |name: &str| name.parse::<Region>().expect("a Region");
        let aws = Limits::aws();
        assert_eq!(aws.shards_in(&region("eu-west-1")), Some(20_000));
        assert_eq!(aws.shards_in(&region("eu-central-1")), Some(1000));
        assert_eq!(aws.on_demand_shards_in(&region("us-west-2")), 10_000);
        assert_eq!(aws.on_demand_shards_in(&region("sa-east-1")), 200);
    }

    #[test]
    fn a_rate_of_ones_own_keeps_the_scope_of_the_declared_one() {
        let mut limits = Limits::aws();
        limits.calls_per_second.insert("ListShards".to_owned(), 7);
        let declared = Some(Rate::per_stream(1000));
        assert_eq!(limits.rate_of("ListShards", declared), Some(Rate::per_stream(7)));
        assert_eq!(limits.rate_of("DescribeStream", declared), declared);
        assert_eq!(Limits::off().rate_of("ListShards", declared), None);
    }
}
