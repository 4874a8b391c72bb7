//! The journal as tests see it.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::operations::OperationName;
use crate::service::Service;

use super::{JournaledCall, listed, require_recording};

/// The calls that the emulator has answered, oldest first; see
/// [`Emulator::journal`](crate::Emulator::journal). It keeps the newest
/// 100,000: [`dropped`](Self::dropped) counts those that went.
///
/// ```
/// # #[cfg(feature = "sdk")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # use kinesis_emulator::{Emulator, Operation};
/// let kinesis = Emulator::builder().journal().in_process();
/// let client = kinesis.client();
/// client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
/// assert_eq!(kinesis.journal().count(Operation::CreateStream), 1);
/// let call = &kinesis.journal().calls()[0];
/// assert_eq!(call.stream.as_deref(), Some("orders"));
/// # }
/// # #[cfg(not(feature = "sdk"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Journal(Arc<Service>);

impl Journal {
    #[track_caller]
    pub(crate) fn new(service: Arc<Service>) -> Self {
        require_recording(&service);
        Self(service)
    }

    /// All calls that are kept.
    pub fn calls(&self) -> Vec<JournaledCall> {
        self.0.recorder().recording().calls.iter().cloned().collect()
    }

    /// The calls of one operation.
    pub fn calls_of(&self, operation: OperationName) -> Vec<JournaledCall> {
        let recording = self.0.recorder().recording();
        let its = |call: &&JournaledCall| call.operation == Some(operation);
        recording.calls.iter().filter(its).cloned().collect()
    }

    /// How many calls of one operation are kept.
    pub fn count(&self, operation: OperationName) -> usize {
        let recording = self.0.recorder().recording();
        recording.calls.iter().filter(|call| call.operation == Some(operation)).count()
    }

    /// How many calls went because there were too many.
    pub fn dropped(&self) -> u64 {
        self.0.recorder().recording().calls.dropped
    }

    /// Forgets all calls. Their numbers are not given again.
    pub fn clear(&self) {
        self.0.recorder().recording().calls.clear();
    }

    /// The journal as JSON.
    pub fn to_json(&self) -> Value {
        let recording = self.0.recorder().recording();
        json!({
            "calls": recording.calls.iter().map(JournaledCall::to_json).collect::<Vec<_>>(),
            "dropped": recording.calls.dropped,
        })
    }
}

/// The first calls, for a look at what went on.
impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Journal{}", listed(self.calls().iter(), "  "))
    }
}
