//! A throttled batch, and the SDK's own retry.
//!
//! Kinesis refuses single records of a batch, which the SDK does not retry, and
//! whole calls, which it does. A rule makes either happen, as often as wanted.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use kinesis_emulator::{Clock, Emulator, ErrorKind, Operation};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // On tokio's paused clock the SDK's back-off takes no time at all.
    let kinesis = Emulator::builder().clock(Clock::tokio()).in_process();
    let client = aws_sdk_kinesis::Client::new(&kinesis.sdk_config());
    client.create_stream().stream_name("orders").shard_count(1).send().await?;
    let entry = |key| PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new("x"));
    let batch: Result<Vec<_>, _> =
        ["a", "b", "c"].map(|key| entry(key).build()).into_iter().collect();
    let put = client.put_records().stream_name("orders").set_records(Some(batch?));

    // The whole call is refused twice: the SDK tries a third time by itself.
    let refuse = kinesis.faults().on(Operation::PutRecords);
    let refuse = refuse.times(2).reject(ErrorKind::ProvisionedThroughputExceeded);
    let all = put.clone().send().await?;
    assert_eq!((all.failed_record_count(), refuse.fired()), (Some(0), 2));

    // One record of the batch is refused once: sending it again is up to us.
    let throttle = kinesis.faults().on(Operation::PutRecords).partition_key("b");
    let _throttle = throttle.times(1).fail_records(ErrorKind::ProvisionedThroughputExceeded);
    let some = put.send().await?;
    assert_eq!(some.failed_record_count(), Some(1));
    let error = some.records()[1].error_code();
    assert_eq!(error, Some("ProvisionedThroughputExceededException"));
    assert_eq!(kinesis.stream("orders").records().len(), 3 + 2);
    Ok(())
}
