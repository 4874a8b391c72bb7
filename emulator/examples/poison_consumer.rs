//! A poisoned consumer: its reads fail for good after the first record.
//!
//! The expectation knows which records nobody has read. Dropped unmet, it fails
//! the test; here we look at what it has to say.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::ShardIteratorType::TrimHorizon;
use kinesis_emulator::{Clock, Emulator, ErrorKind, Operation};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kinesis = Emulator::builder().clock(Clock::tokio()).in_process();
    let client = aws_sdk_kinesis::Client::new(&kinesis.sdk_config());
    client.create_stream().stream_name("orders").shard_count(1).send().await?;
    let all_are_read = kinesis.expect().every_record_read_once("orders");
    for order in ["first", "second"] {
        let put = client.put_record().stream_name("orders").partition_key(order);
        put.data(Blob::new(order)).send().await?;
    }
    let poison = kinesis.faults().on(Operation::GetRecords).after(1);
    let poison = poison.reject(ErrorKind::InternalFailure);

    let start = client.get_shard_iterator().stream_name("orders").shard_id("shardId-000000000000");
    let mut iterator = start.shard_iterator_type(TrimHorizon).send().await?.shard_iterator;
    while let Ok(page) = client.get_records().set_shard_iterator(iterator).limit(1).send().await {
        iterator = page.next_shard_iterator;
    }
    assert_eq!(poison.fired(), 3); // the SDK has tried three times
    let unmet = all_are_read.verify().expect_err("the second order is not read");
    println!("{unmet}");
    Ok(())
}
