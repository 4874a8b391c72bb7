//! Scenarios as data: what is set up, what is asked for, what must hold.
//!
//! Each has a file; target, driver and load are chosen apart from it, so that any
//! scenario runs anywhere, as fast as answers come or by the clock.

use crate::load::keys::KeyMode;

/// What one measurement is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    /// What it is called by.
    pub name: &'static str,
    /// What it measures, in one line.
    pub summary: &'static str,
    /// How records become calls.
    pub produce: Produce,
    /// How records are read.
    pub consume: Consume,
    /// What happens to the shards meanwhile.
    pub upheaval: Option<Upheaval>,
    /// The largest record the stream must take, where that is not Kinesis' default.
    pub record_kib_max: Option<i32>,
    /// Whether records of a key must be read in the order in which they were put.
    pub is_ordered: bool,
    /// What holds where the command line says nothing.
    pub defaults: Defaults,
}

/// What holds where the command line says nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Defaults {
    /// Records in all.
    pub records: u64,
    /// Producers at work at once.
    pub tasks: usize,
    /// Keys.
    pub keys: KeyMode,
    /// Bytes of a payload; none for `hello-0042`.
    pub payload_bytes: Option<usize>,
    /// Records of a PutRecords call.
    pub batch: usize,
    /// User messages of a record.
    pub merge: usize,
    /// The rate of an open loop, as `--rate` takes it; none for a closed loop.
    pub rate: Option<&'static str>,
}

/// How records become calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Produce {
    /// A `PutRecord` each.
    Single,
    /// `PutRecords`; entries that are refused are put again, by index.
    Batch,
    /// User records in the format of the Kinesis Producer Library, a `PutRecord` each.
    Aggregated,
    /// User messages joined by newlines, a `PutRecord` each.
    Merged,
    /// Four `PutRecord` and a `PutRecords`, over and over.
    Mixed,
    /// `PutRecords`, outside the measurement.
    Preload,
}

impl Produce {
    /// Whether some of its calls are `PutRecords`.
    #[must_use]
    pub fn is_in_batches(self) -> bool {
        match self {
            Self::Batch | Self::Mixed | Self::Preload => true,
            Self::Single | Self::Aggregated | Self::Merged => false,
        }
    }

    /// Whether a record holds several user messages.
    #[must_use]
    pub fn is_packed(self) -> bool {
        match self {
            Self::Aggregated | Self::Merged => true,
            Self::Single | Self::Batch | Self::Mixed | Self::Preload => false,
        }
    }
}

/// How records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consume {
    /// By `GetRecords`, when all have been put.
    Drain,
    /// By `GetRecords`, while they are put.
    Polled,
    /// By `SubscribeToShard`, while they are put.
    FanOut,
}

/// What happens to the shards while records are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upheaval {
    /// Their number is doubled when a third of the work is done.
    Doubling,
}

/// What most scenarios have in common.
pub const COMMON: Scenario = Scenario {
    name: "",
    summary: "",
    produce: Produce::Single,
    consume: Consume::Drain,
    upheaval: None,
    record_kib_max: None,
    is_ordered: true,
    defaults: Defaults {
        records: 10_000,
        tasks: 16,
        keys: KeyMode::Uniform,
        payload_bytes: Some(100),
        batch: 100,
        merge: 1,
        rate: None,
    },
};

/// All of them, the default first.
pub const ALL: &[Scenario] = &[
    super::thousand_four::SCENARIO,
    super::put::SCENARIO,
    super::put_batch::SCENARIO,
    super::aggregated::SCENARIO,
    super::merged::SCENARIO,
    super::drain::SCENARIO,
    super::end_to_end::SCENARIO,
    super::fan_out::SCENARIO,
    super::mixed::SCENARIO,
    super::hot_key::SCENARIO,
    super::resharding::SCENARIO,
    super::large_records::SCENARIO,
    super::steady::SCENARIO,
];

/// The scenario of a name.
///
/// # Errors
/// When there is none; the sentence lists those there are.
pub fn named(name: &str) -> Result<Scenario, String> {
    ALL.iter().find(|scenario| scenario.name == name).copied().ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
        format!("there is no scenario {name}; there are {}", names.join(", "))
    })
}

impl Scenario {
    /// Whether readers are at work while records are put.
    #[must_use]
    pub fn reads_meanwhile(&self) -> bool {
        match self.consume {
            Consume::Drain => false,
            Consume::Polled | Consume::FanOut => true,
        }
    }

    /// The name of the phase in which records are put.
    #[must_use]
    pub fn put_phase(&self) -> &'static str {
        if self.produce == Produce::Preload { "load" } else { "produce" }
    }

    /// The name of the phase in which they are read back.
    #[must_use]
    pub fn read_phase(&self) -> &'static str {
        match self.consume {
            Consume::Drain if self.produce == Produce::Preload => "drain",
            Consume::Drain | Consume::Polled => "consume",
            Consume::FanOut => "fan-out",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ALL, named};

    #[test]
    fn every_scenario_has_a_name_of_its_own_and_a_summary() {
        let names: BTreeSet<&str> = ALL.iter().map(|scenario| scenario.name).collect();
        assert_eq!(names.len(), ALL.len());
        assert!(
            ALL.iter().all(|scenario| !scenario.name.is_empty() && scenario.summary.len() > 20)
        );
        assert_eq!(ALL[0].name, "thousand-four");
        let rates = ALL.iter().filter_map(|scenario| scenario.defaults.rate);
        assert!(rates.into_iter().all(|rate| rate.parse::<crate::load::rate::Shape>().is_ok()));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = named("puts").unwrap_err();
        assert!(error.contains("thousand-four, put, put-batch"), "{error}");
    }
}
