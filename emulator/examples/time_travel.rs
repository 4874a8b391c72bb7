//! Time travel: a day passes at once, and the records of that day are gone.
//!
//! Stream states, retention, iterators, limits and subscriptions all go by the
//! emulator's clock, so no test has to sleep.

use std::time::Duration;

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::ShardIteratorType::TrimHorizon;
use kinesis_emulator::Emulator;

const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kinesis = Emulator::builder().state_delay(Duration::from_secs(30)).in_process();
    let client = aws_sdk_kinesis::Client::new(&kinesis.sdk_config());

    // CREATING for thirty seconds, which pass when we say so.
    client.create_stream().stream_name("orders").shard_count(1).send().await?;
    kinesis.clock().advance(Duration::from_secs(30));

    let put = client.put_record().stream_name("orders").partition_key("42");
    put.data(Blob::new("paid")).send().await?;
    assert_eq!(kinesis.stream("orders").records().len(), 1);

    // Iterators live for five minutes, records for a day.
    let start = client.get_shard_iterator().stream_name("orders").shard_id("shardId-000000000000");
    let iterator = start.shard_iterator_type(TrimHorizon).send().await?.shard_iterator;
    kinesis.clock().advance(25 * HOUR);
    let read = client.get_records().set_shard_iterator(iterator).send().await;
    assert!(read.unwrap_err().into_service_error().is_expired_iterator_exception());
    assert!(kinesis.stream("orders").records().is_empty());
    Ok(())
}
