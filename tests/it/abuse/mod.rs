//! Clients that are slow, many, greedy, malicious or strangers: each test is a
//! promise of RELIABILITY.md.

mod connections;
mod http2;
mod large_requests;
mod secrets;
mod slow_clients;
mod storage;
mod strangers;
mod unread;

use kinesis_emulator::{ClientLimits, Emulator};

use crate::wire::sockets::{call, connect};

/// An emulator with limits of its own, and a stream `s` of one shard.
fn limited(change: impl FnOnce(&mut ClientLimits)) -> Emulator {
    let mut limits = ClientLimits::default();
    change(&mut limits);
    let builder = Emulator::builder().client_limits(limits);
    let emulator = builder.start_blocking().expect("there is a free port");
    let input = serde_json::json!({"StreamName": "s", "ShardCount": 1});
    call(&mut connect(&emulator), "CreateStream", &input);
    emulator
}
