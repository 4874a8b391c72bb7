//! Aggregated records: whatever was stored, a consumer takes it apart without a
//! panic, and what has been taken apart can be put together again.

use kinesis_bench::aggregation::deaggregate::split;
use kinesis_bench::aggregation::{Aggregator, Limits, MAGIC};
use md5::{Digest, Md5};

/// The bytes are a stored record; and, between the signs of an aggregate, a
/// message of one.
///
/// # Panics
/// If what was put together does not come apart as it was.
pub(crate) fn every_record_is_taken_apart(bytes: &[u8]) {
    let _answers = split(bytes);
    let framed = [&MAGIC, bytes, &Md5::digest(bytes)].concat();
    let Some(apart) = split(&framed) else { return };
    let mut aggregator = Aggregator::new(Limits::new(Limits::BYTES_MAX, usize::MAX).unwrap());
    let (mut expected, mut together) = (Vec::new(), Vec::new());
    for record in apart.records {
        if let Ok(full) = aggregator.add(record.clone()) {
            expected.push(record);
            together.extend(full);
        }
    }
    together.extend(aggregator.flush());
    let mut again = Vec::new();
    for aggregated in together {
        match split(&aggregated.data) {
            Some(apart) => {
                assert_eq!(apart.damage, None);
                again.extend(apart.records);
            }
            // One record goes alone, as it is.
            None => again.push(expected[again.len()].clone()),
        }
    }
    assert_eq!(again, expected);
}
