//! A snapshot that many tests share: the setting is made once, and every test
//! begins from it with an emulator of its own.
//!
//! What a snapshot costs does not depend on how many records there are: clones
//! share them and add their own.

use std::sync::LazyLock;

use aws_sdk_kinesis::primitives::Blob;
use kinesis_emulator::{Emulator, Snapshot};

static TEN_THOUSAND_ORDERS: LazyLock<Snapshot> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be had");
    runtime.block_on(async {
        let kinesis = Emulator::in_process();
        let client = aws_sdk_kinesis::Client::new(&kinesis.sdk_config());
        let create = client.create_stream().stream_name("orders").shard_count(4);
        create.send().await.expect("the name is free");
        for n in 0..10_000 {
            let put = client.put_record().stream_name("orders").partition_key(n.to_string());
            put.data(Blob::new("paid")).send().await.expect("the stream is there");
        }
        kinesis.snapshot()
    })
});

fn main() {
    let tests = ["one", "another"].map(|_| {
        std::thread::spawn(|| {
            let kinesis = Emulator::builder().snapshot(&TEN_THOUSAND_ORDERS).in_process();
            assert_eq!(kinesis.stream("orders").records().len(), 10_000);
        })
    });
    tests.into_iter().for_each(|test| test.join().expect("the test passes"));
}
