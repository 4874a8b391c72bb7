//! Whole programs to begin from, each an example of the package:
//! `cargo run -p kinesis-emulator --example time_travel --features sdk`.

/// The AWS SDK with no socket.
#[doc = concat!("```\n", include_str!("../examples/sdk_in_process.rs"), "```")]
pub mod sdk_in_process {}

/// A day passes at once.
#[doc = concat!("```\n", include_str!("../examples/time_travel.rs"), "```")]
pub mod time_travel {}

/// A throttled batch, and the SDK's own retry.
#[doc = concat!("```\n", include_str!("../examples/throttled_batch.rs"), "```")]
pub mod throttled_batch {}

/// A consumer whose reads fail, and an expectation that notices.
#[doc = concat!("```\n", include_str!("../examples/poison_consumer.rs"), "```")]
pub mod poison_consumer {}

/// One snapshot, and many tests that begin from it.
#[doc = concat!("```\n", include_str!("../examples/shared_snapshot.rs"), "```")]
pub mod shared_snapshot {}
