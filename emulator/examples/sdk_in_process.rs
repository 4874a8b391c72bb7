//! The AWS SDK without any socket:
//! `cargo run --example sdk_in_process --features sdk`.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::ShardIteratorType;
use kinesis_emulator::Emulator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kinesis = Emulator::in_process();
    let client = aws_sdk_kinesis::Client::new(&kinesis.sdk_config());

    client.create_stream().stream_name("orders").shard_count(1).send().await?;
    let put = client.put_record().stream_name("orders").partition_key("customer 7");
    let placed = put.data(Blob::new("two coffees")).send().await?;
    println!("stored in {} as {}", placed.shard_id, placed.sequence_number);

    let iterator = client
        .get_shard_iterator()
        .stream_name("orders")
        .shard_id(placed.shard_id)
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await?;
    let read = client.get_records().set_shard_iterator(iterator.shard_iterator).send().await?;
    for record in read.records() {
        println!("read {}", String::from_utf8_lossy(record.data.as_ref()));
    }
    Ok(())
}
