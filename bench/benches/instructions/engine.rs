//! Calls of the engine alone that are counted one kind at a time: storing and reading
//! with no request around it, records of 100 bytes in a stream of four shards.

use std::hint::black_box;

use clap::ValueEnum;
use kinesis_emulator::Timestamp;
use kinesis_emulator::measure::{BareEngine, BareRecord, Hashing};

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineCall {
    #[value(name = "engine-append")]
    Append,
    #[value(name = "engine-append-batch")]
    AppendBatch,
    #[value(name = "engine-read")]
    Read,
}

const SHARDS: u32 = 4;
const BATCH: usize = 500;
const READ: usize = 1_000;
const DATA_BYTES: usize = 100;
const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

impl EngineCall {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("no kind is hidden");
        value.get_name().to_owned()
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Append => "engine: append",
            Self::AppendBatch => "engine: append of 500",
            Self::Read => "engine: read of 1,000",
        }
    }

    /// Records of one call.
    pub(crate) fn records(self) -> usize {
        match self {
            Self::Append => 1,
            Self::AppendBatch => BATCH,
            Self::Read => READ,
        }
    }

    /// As for requests: so many that a few segments are filled.
    pub(crate) fn calls(self) -> u64 {
        match self {
            Self::Append => 5_000,
            Self::AppendBatch | Self::Read => 10,
        }
    }

    /// Makes so many calls; only these are counted.
    pub(crate) fn call(self, calls: u64) {
        let engine = BareEngine::new(SHARDS, NOW);
        let record =
            |number| BareRecord::new(&format!("customer-{number:08}"), vec![b'x'; DATA_BYTES]);
        let records: Vec<_> = (0..BATCH).map(record).collect();
        if self == Self::Read {
            for _ in 0..2 * READ / BATCH * SHARDS as usize {
                engine.append_all(&records, Hashing::Before, NOW);
            }
        }
        for (record, _) in records.iter().cycle().zip(0..calls) {
            counted_call_of_engine(|| match self {
                Self::Append => {
                    black_box(engine.append(record, NOW));
                }
                Self::AppendBatch => {
                    black_box(engine.append_all(&records, Hashing::Included, NOW));
                }
                Self::Read => {
                    black_box(engine.read(0, 1, READ, NOW));
                }
            });
        }
    }
}

#[inline(never)]
fn counted_call_of_engine(call: impl FnOnce()) {
    call();
}
