//! The journal: what was called, by whom, and what came of it.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::model::arn::{AccountId, Region, StreamAddress};
use crate::model::error::{ApiError, ErrorKind};
use crate::model::timestamp::Timestamp;
use crate::operations::OperationName;

use super::iso;

/// How many calls are kept: when another one comes, the oldest goes.
pub(crate) const CALLS_MAX: usize = 100_000;
/// How much of an error's text is kept: the answer has all of it, and a validation
/// sentence repeats what it is about, which may be megabytes.
const MESSAGE_BYTES_MAX: usize = 1024;

/// One call, as the [journal](crate::inspect::Journal) keeps it.
///
/// ```
/// # use kinesis_emulator::Emulator;
/// # use kinesis_emulator::inspect::Outcome;
/// let kinesis = Emulator::builder().journal().in_process();
/// kinesis.call(http::Request::get("/").body(bytes::Bytes::new()).unwrap());
/// let call = &kinesis.journal().calls()[0];
/// assert_eq!(call.operation, None);
/// assert_eq!(call.outcome, Outcome::Unreadable { status: 403 });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournaledCall {
    /// Its place among all calls since recording began, from 1.
    pub number: u64,
    /// When it was received, on the emulator's clock.
    pub time: Timestamp,
    /// What was called; `None` if no operation could be made out.
    pub operation: Option<OperationName>,
    /// What was called, as the request named it.
    pub target: String,
    /// Who called.
    pub caller: Caller,
    /// The stream's name, if the request says which.
    pub stream: Option<String>,
    /// The stream's ARN, if the request says which.
    pub stream_arn: Option<String>,
    /// The shards that were written, read or changed.
    pub shards: Vec<String>,
    /// The registered consumer's name, if the request says which.
    pub consumer: Option<String>,
    /// The queue's name, if the request says which.
    pub queue: Option<String>,
    /// How many records were to be put, were read or were received.
    pub records: usize,
    /// Their data and keys.
    pub bytes: usize,
    /// What came of it.
    pub outcome: Outcome,
    /// The answer's `x-amzn-RequestId`; `None` until there is an answer.
    pub request_id: Option<String>,
    /// How long the answer took on the emulator's clock.
    pub took: Duration,
}

/// Who made a call, by its credentials.
///
/// ```
/// # use kinesis_emulator::Emulator;
/// let kinesis = Emulator::builder().journal().in_process();
/// kinesis.call(http::Request::get("/").body(bytes::Bytes::new()).unwrap());
/// let caller = &kinesis.journal().calls()[0].caller;
/// assert_eq!(caller.to_string(), "nobody (000000000000, us-east-1)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Caller {
    /// The access key, if the request was signed.
    pub access_key: Option<String>,
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
}

/// What came of a call.
///
/// ```
/// # use kinesis_emulator::inspect::Outcome;
/// assert!(!Outcome::Succeeded.is_error());
/// assert!(Outcome::PartlyFailed { throttled: 1, failed: 0 }.is_error());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// All went well.
    Succeeded,
    /// `PutRecords` refused some of its records.
    PartlyFailed {
        /// Those refused for throughput.
        throttled: usize,
        /// Those refused for any other reason.
        failed: usize,
    },
    /// An error was answered.
    Refused {
        /// Which one.
        kind: ErrorKind,
        /// Its text, possibly empty. Of a text of more than 1 KiB the beginning, and `…`.
        message: String,
    },
    /// A fault rule has dropped the connection in place of an answer.
    Dropped {
        /// Whether what was asked has been done before.
        committed: bool,
    },
    /// Not even a service and operation could be made out.
    Unreadable {
        /// The answer's HTTP status.
        status: u16,
    },
}

impl Outcome {
    /// An error that was answered.
    pub(in crate::service) fn refused(error: &ApiError) -> Self {
        let message = error.message();
        let longest = message.len().min(MESSAGE_BYTES_MAX);
        let end = (0..=longest).rfind(|end| message.is_char_boundary(*end)).unwrap_or(0);
        let cut = if end < message.len() { "…" } else { "" };
        Self::Refused { kind: error.kind(), message: format!("{}{cut}", &message[..end]) }
    }

    /// Whether anything went wrong, if only for some of the records.
    pub fn is_error(&self) -> bool {
        *self != Self::Succeeded
    }

    /// Whether the call as a whole was refused.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Unreadable { .. })
    }

    /// The outcome as JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Succeeded => json!({ "result": "succeeded" }),
            Self::Dropped { committed } => {
                json!({ "result": "dropped", "committed": committed })
            }
            Self::PartlyFailed { throttled, failed } => {
                json!({ "result": "partly failed", "throttled": throttled, "failed": failed })
            }
            Self::Refused { kind, message } => {
                json!({ "result": "refused", "error": kind.wire_name(), "message": message })
            }
            Self::Unreadable { status } => json!({ "result": "unreadable", "status": status }),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped { committed: false } => f.write_str("dropped before anything was done"),
            Self::Dropped { committed: true } => f.write_str("done, and the answer dropped"),
            Self::Succeeded => f.write_str("ok"),
            Self::PartlyFailed { throttled, failed } => {
                write!(f, "records refused: {throttled} for throughput, {failed} otherwise")
            }
            Self::Refused { kind, message } if message.is_empty() => f.write_str(kind.wire_name()),
            Self::Refused { kind, message } => write!(f, "{}: {message}", kind.wire_name()),
            Self::Unreadable { status } => write!(f, "unreadable, answered with {status}"),
        }
    }
}

impl Caller {
    /// The caller as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "access_key": self.access_key,
            "account": self.account.to_string(),
            "region": self.region.to_string(),
        })
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.access_key.as_deref().unwrap_or("nobody");
        write!(f, "{name} ({}, {})", self.account, self.region)
    }
}

impl JournaledCall {
    /// The call as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "number": self.number,
            "time": iso(self.time),
            "operation": self.operation.map(OperationName::as_str),
            "target": self.target,
            "caller": self.caller.to_json(),
            "stream": self.stream,
            "stream_arn": self.stream_arn,
            "shards": self.shards,
            "consumer": self.consumer,
            "queue": self.queue,
            "records": self.records,
            "bytes": self.bytes,
            "outcome": self.outcome.to_json(),
            "request_id": self.request_id,
            "took_millis": self.took.as_millis() as u64,
        })
    }
}

/// One line: time, operation, what about, by whom, and the outcome.
impl fmt::Display for JournaledCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = if self.target.is_empty() { "(nothing)" } else { &self.target };
        write!(f, "{} {target}", iso(self.time))?;
        let about = [self.stream.as_ref(), self.consumer.as_ref(), self.queue.as_ref()];
        for name in about.into_iter().flatten().chain(&self.shards) {
            write!(f, " {name}")?;
        }
        write!(f, " by {}: {}", self.caller, self.outcome)
    }
}

/// The newest calls, oldest first.
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    calls: VecDeque<Entry>,
    made: u64,
    /// How many went because there were too many.
    pub(crate) dropped: u64,
}

/// A call and its stream's full name.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) call: JournaledCall,
    pub(super) stream: Option<StreamAddress>,
}

impl CallLog {
    /// Keeps a call and gives it its number.
    pub(super) fn push(&mut self, mut call: JournaledCall, stream: Option<StreamAddress>) -> u64 {
        self.made += 1;
        call.number = self.made;
        if self.calls.len() == CALLS_MAX {
            self.calls.pop_front();
            self.dropped += 1;
        }
        self.calls.push_back(Entry { call, stream });
        self.made
    }

    pub(super) fn find(&mut self, number: u64) -> Option<&mut Entry> {
        let place = self.calls.binary_search_by_key(&number, |entry| entry.call.number).ok()?;
        self.calls.get_mut(place)
    }

    /// The number of the newest call, kept or not.
    pub(crate) fn newest(&self) -> u64 {
        self.made
    }

    /// The calls that are kept, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &JournaledCall> {
        self.calls.iter().map(|entry| &entry.call)
    }

    /// Forgets all calls; their numbers are not given again.
    pub(crate) fn clear(&mut self) {
        self.calls.clear();
        self.dropped = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> JournaledCall {
        JournaledCall {
            number: 0,
            time: Timestamp::EPOCH,
            operation: None,
            target: String::new(),
            caller: Caller {
                access_key: None,
                account: AccountId::DEFAULT.parse().expect("an account"),
                region: Region::DEFAULT.parse().expect("a Region"),
            },
            stream: None,
            stream_arn: None,
            shards: Vec::new(),
            consumer: None,
            queue: None,
            records: 0,
            bytes: 0,
            outcome: Outcome::Succeeded,
            request_id: None,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn the_oldest_calls_go_and_numbers_stay() {
        let mut log = CallLog::default();
        for _ in 0..CALLS_MAX + 3 {
            log.push(call(), None);
        }
        assert_eq!((log.iter().count(), log.dropped), (CALLS_MAX, 3));
        assert_eq!(log.iter().next().map(|call| call.number), Some(4));
        assert!(log.find(3).is_none());
        assert_eq!(log.find(4).map(|entry| entry.call.number), Some(4));
        log.clear();
        assert_eq!((log.push(call(), None), log.dropped), (CALLS_MAX as u64 + 4, 0));
        assert_eq!(log.find(CALLS_MAX as u64 + 4).map(|entry| entry.stream.is_some()), Some(false));
    }

    #[test]
    fn of_a_long_text_the_beginning_is_kept() {
        let kept =
            |text: String| match Outcome::refused(&ApiError::new(ErrorKind::Validation, text)) {
                Outcome::Refused { message, .. } => message,
                other => panic!("{other:?}"),
            };
        assert_eq!(kept("short".to_owned()), "short");
        assert_eq!(kept("a".repeat(MESSAGE_BYTES_MAX)), "a".repeat(MESSAGE_BYTES_MAX));
        // Letters are kept whole.
        let long = format!("a{}", "\u{e9}".repeat(MESSAGE_BYTES_MAX));
        let letters = MESSAGE_BYTES_MAX / 2 - 1;
        assert_eq!(kept(long), format!("a{}…", "\u{e9}".repeat(letters)));
    }

    #[test]
    fn a_request_for_nothing_is_a_line_too() {
        let line = call().to_string();
        assert_eq!(line, "1970-01-01T00:00:00Z (nothing) by nobody (000000000000, us-east-1): ok");
    }
}
