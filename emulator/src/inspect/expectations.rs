//! What a test expects to happen, verified when the test is done.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{RangeFrom, RangeInclusive, RangeToInclusive};
use std::panic::Location;
use std::sync::Arc;

use crate::model::arn::StreamAddress;
use crate::operations::OperationName;
use crate::service::Service;
use crate::service::recorder::iso;
use crate::service::recorder::ledger::{ReadEntry, ReadLog, Reader, ShardIdentity};

use super::stream::stored;
use super::{JournaledCall, Record, StreamView, address, listed};

/// Expectations about the calls and reads from now on; see
/// [`Emulator::expect`](crate::Emulator::expect).
///
/// They are verified when the guard is dropped, or by [`verify`](Self::verify).
/// Unmet ones panic with all that did not happen as expected.
///
/// ```
/// # #[cfg(feature = "sdk")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # use kinesis_emulator::{Emulator, Operation};
/// # let kinesis = Emulator::in_process();
/// # let client = kinesis.client();
/// let _expected = kinesis.expect()
///     .only([Operation::CreateStream, Operation::PutRecord])
///     .calls(Operation::CreateStream, 1)
///     .no_errors();
/// client.create_stream().stream_name("orders").shard_count(1).send().await.unwrap();
/// // Here the guard is dropped, and all is well.
/// # }
/// # #[cfg(not(feature = "sdk"))]
/// # fn main() {}
/// ```
#[must_use = "expectations are verified when they are dropped: bind them to a name"]
pub struct Expectations {
    service: Arc<Service>,
    /// The newest call before the expectations.
    after_call: u64,
    /// How many reads there had been.
    reads_before: u64,
    expected: Vec<Expected>,
    asked_at: &'static Location<'static>,
    verified: bool,
}

/// One expectation.
enum Expected {
    ReadOnce {
        stream: String,
        readers: Readers,
        /// The first index of each shard that is to be read; 1 for others.
        from: BTreeMap<ShardIdentity, u64>,
    },
    Only(Vec<OperationName>),
    Calls(OperationName, CallCount),
    NoErrors,
}

/// Whose reads count.
#[derive(Clone)]
enum Readers {
    /// All iterators together.
    Iterators,
    Consumer(String),
}

/// How many calls are expected: made from a number or a range.
///
/// ```
/// # use kinesis_emulator::{Emulator, Operation};
/// # let kinesis = Emulator::in_process();
/// let _expected = kinesis.expect()
///     .calls(Operation::PutRecord, 0)
///     .calls(Operation::GetRecords, ..=5)
///     .calls(Operation::ListStreams, 0..)
///     .calls(Operation::ListShards, 0..=2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallCount {
    least: usize,
    most: usize,
}

impl Expectations {
    #[track_caller]
    pub(crate) fn new(service: Arc<Service>) -> Self {
        service.recorder().switch_on();
        let (after_call, reads_before) = {
            let recording = service.recorder().recording();
            (recording.calls.newest(), recording.reads.made())
        };
        let asked_at = Location::caller();
        Self { service, after_call, reads_before, expected: Vec::new(), asked_at, verified: false }
    }

    /// Every record that is put into the stream from now on is read exactly
    /// once by `GetRecords`, whoever calls it. The stream, by name or ARN, need
    /// not exist yet.
    ///
    /// # Panics
    /// If the text is neither a name nor a stream's ARN.
    #[track_caller]
    pub fn every_record_read_once(self, stream: &str) -> Self {
        self.read_once(stream, Readers::Iterators)
    }

    /// Every record that is put into the stream from now on is sent exactly
    /// once to each of these registered consumers.
    ///
    /// # Panics
    /// If the text is neither a name nor a stream's ARN.
    #[track_caller]
    pub fn every_record_read_once_by<'a>(
        mut self,
        stream: &str,
        consumers: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        for consumer in consumers {
            self = self.read_once(stream, Readers::Consumer(consumer.to_owned()));
        }
        self
    }

    #[track_caller]
    fn read_once(mut self, stream: &str, readers: Readers) -> Self {
        let view = StreamView::new(Arc::clone(&self.service), stream);
        let mut from = BTreeMap::new();
        if let Some(found) = view.find() {
            for shard in found.state().topology.shards() {
                let created_seconds = shard.created_seconds;
                let identity = ShardIdentity { shard: shard.index, created_seconds };
                from.insert(identity, shard.log.lock().end());
            }
        }
        self.expected.push(Expected::ReadOnce { stream: stream.to_owned(), readers, from });
        self
    }

    /// No other operation than these is called.
    pub fn only(mut self, operations: impl IntoIterator<Item = OperationName>) -> Self {
        self.expected.push(Expected::Only(operations.into_iter().collect()));
        self
    }

    /// An operation is called this often, whatever is answered: `3`, `1..`,
    /// `..=5` or `2..=4`.
    pub fn calls(mut self, operation: OperationName, count: impl Into<CallCount>) -> Self {
        self.expected.push(Expected::Calls(operation, count.into()));
        self
    }

    /// No call is answered with an error, and no record is refused.
    pub fn no_errors(mut self) -> Self {
        self.expected.push(Expected::NoErrors);
        self
    }

    /// Verifies the expectations now, and never again.
    ///
    /// # Errors
    /// If they are not met: says which, and what happened instead.
    pub fn verify(mut self) -> Result<(), Unmet> {
        self.verified = true;
        self.check()
    }

    fn check(&self) -> Result<(), Unmet> {
        let calls: Vec<_> = {
            let recording = self.service.recorder().recording();
            let newer = |call: &&JournaledCall| call.number > self.after_call;
            recording.calls.iter().filter(newer).cloned().collect()
        };
        let mut findings: Vec<_> =
            self.expected.iter().filter_map(|it| self.find(it, &calls)).collect();
        findings.extend(self.find_gaps(&calls));
        if findings.is_empty() { Ok(()) } else { Err(Unmet { findings }) }
    }

    /// What speaks against an expectation, if anything.
    fn find(&self, expected: &Expected, calls: &[JournaledCall]) -> Option<String> {
        let listed_if = |unexpected: &dyn Fn(&&JournaledCall) -> bool, what: &str| {
            let found: Vec<_> = calls.iter().filter(unexpected).collect();
            let count = found.len();
            let lines = listed(found.iter(), "    ");
            (count > 0).then(|| format!("{what}: {}{lines}", counted(count, "other call")))
        };
        match expected {
            // Of reads that are not known nothing can be said.
            Expected::ReadOnce { .. } if self.reads_lost() > 0 => None,
            Expected::ReadOnce { stream, readers, from } => {
                self.find_misread(stream, readers, from)
            }
            Expected::Only(operations) => {
                let names: Vec<_> = operations.iter().map(|name| name.as_str()).collect();
                let other = |call: &&JournaledCall| {
                    call.operation.is_none_or(|operation| !operations.contains(&operation))
                };
                let what = match names.as_slice() {
                    [] => "nothing is called".to_owned(),
                    names => format!("only {} called", names.join(", ")),
                };
                listed_if(&other, &what)
            }
            Expected::Calls(operation, count) => {
                let made: Vec<_> =
                    calls.iter().filter(|call| call.operation == Some(*operation)).collect();
                (!count.includes(made.len())).then(|| {
                    let lines = listed(made.iter(), "    ");
                    format!("{operation} called {count}: {}{lines}", counted(made.len(), "call"))
                })
            }
            Expected::NoErrors => {
                let failed: Vec<_> = calls.iter().filter(|call| call.outcome.is_error()).collect();
                let lines = listed(failed.iter(), "    ");
                (!failed.is_empty())
                    .then(|| format!("no errors: {}{lines}", counted(failed.len(), "failed call")))
            }
        }
    }

    /// The records that were not read exactly once.
    fn find_misread(
        &self,
        name: &str,
        readers: &Readers,
        from: &BTreeMap<ShardIdentity, u64>,
    ) -> Option<String> {
        let what = match readers {
            Readers::Iterators => format!("every record of stream {name} read once"),
            Readers::Consumer(consumer) => {
                format!("every record of stream {name} read once by consumer {consumer}")
            }
        };
        let view = StreamView::new(Arc::clone(&self.service), name);
        let (Some(address), Some(stream)) = (address(&self.service, name), view.find()) else {
            return Some(format!("{what}: {}", view.missing()));
        };
        let now = view.now();
        let (mut put, mut misread) = (0, Vec::new());
        let state = stream.state();
        for shard in state.topology.shards() {
            let identity =
                ShardIdentity { shard: shard.index, created_seconds: shard.created_seconds };
            let first = from.get(&identity).copied().unwrap_or(1);
            let end = shard.log.lock().end();
            put += end.saturating_sub(first);
            let batch = stored(shard, &state, now);
            let recording = self.service.recorder().recording();
            let reads = reads_by(readers, &recording.reads, &address, identity);
            let mut records = batch.iter().map(|record| Record::new(&address, &record)).peekable();
            for (index, times) in not_read_once(&reads, first..end) {
                while records.next_if(|record| record.number.index < index).is_some() {}
                let record = match records.next_if(|record| record.number.index == index) {
                    Some(record) => record.to_string(),
                    None => {
                        format!("{}, its record number {index}, which has expired", shard.index)
                    }
                };
                misread.push(finding(&record, times, &reads, index));
            }
        }
        let count = misread.len();
        let lines = listed(misread.iter(), "    ");
        (count > 0).then(|| format!("{what}: {count} of {put} not{lines}"))
    }

    /// How many reads since the expectations the ledger does not know any more.
    fn reads_lost(&self) -> u64 {
        let recording = self.service.recorder().recording();
        let made = recording.reads.made() - self.reads_before;
        made.saturating_sub(recording.reads.iter().count() as u64)
    }

    /// What the journal and the ledger do not know any more.
    fn find_gaps(&self, calls: &[JournaledCall]) -> Vec<String> {
        let recording = self.service.recorder().recording();
        let made = recording.calls.newest() - self.after_call;
        let gone = made.saturating_sub(calls.len() as u64);
        let about_reads = |it: &Expected| matches!(it, Expected::ReadOnce { .. });
        let mut gaps = Vec::new();
        if gone > 0 && !self.expected.iter().all(about_reads) {
            let gone = counted(gone as usize, "call");
            gaps.push(format!("nothing can be said of {gone}: the journal has lost them"));
        }
        drop(recording);
        let lost = self.reads_lost();
        if lost > 0 && self.expected.iter().any(about_reads) {
            let lost = counted(lost as usize, "read");
            gaps.push(format!("nothing can be said of {lost}: the ledger has lost them"));
        }
        gaps
    }
}

/// The reads of a shard that count, oldest first.
fn reads_by<'a>(
    readers: &Readers,
    reads: &'a ReadLog,
    stream: &StreamAddress,
    shard: ShardIdentity,
) -> Vec<&'a ReadEntry> {
    let counts = |read: &&ReadEntry| match (readers, &read.reader) {
        (Readers::Iterators, Reader::Iterator { .. }) => true,
        (Readers::Consumer(wanted), Reader::Consumer(name)) => wanted == name,
        (Readers::Iterators, Reader::Consumer(_) | Reader::Queue(_))
        | (Readers::Consumer(_), Reader::Iterator { .. } | Reader::Queue(_)) => false,
    };
    let of_shard = |read: &&ReadEntry| read.stream == *stream && read.shard() == shard;
    reads.iter().filter(counts).filter(of_shard).collect()
}

/// The indices in a range that are not read exactly once, and how often they
/// are.
fn not_read_once(
    reads: &[&ReadEntry],
    range: std::ops::Range<u64>,
) -> impl Iterator<Item = (u64, u64)> + use<> {
    let mut times = vec![0_u64; range.end.saturating_sub(range.start) as usize];
    for read in reads {
        let (first, last) = read.indices().into_inner();
        for index in first.max(range.start)..(last + 1).min(range.end) {
            times[(index - range.start) as usize] += 1;
        }
    }
    (range.start..).zip(times).filter(|(_, times)| *times != 1)
}

/// What became of a record in place of being read once.
fn finding(record: &str, times: u64, reads: &[&ReadEntry], index: u64) -> String {
    if times == 0 {
        return format!("not read: {record}");
    }
    let its = reads.iter().filter(|read| read.indices().contains(&index));
    let lines: Vec<_> =
        its.map(|read| format!("at {} by {}", iso(read.time), read.reader)).collect();
    format!("read {times} times: {record}{}", listed(lines.iter(), "        "))
}

fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

impl Drop for Expectations {
    fn drop(&mut self) {
        // A test that fails already has said why.
        if self.verified || std::thread::panicking() {
            return;
        }
        if let Err(unmet) = self.check() {
            panic!("{unmet}\n({})", self.asked_at);
        }
    }
}

impl fmt::Debug for Expectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.expected.len();
        f.debug_struct("Expectations").field("count", &count).finish_non_exhaustive()
    }
}

/// Expectations that are not met, and what happened instead.
///
/// ```
/// # use kinesis_emulator::{Emulator, Operation};
/// # let kinesis = Emulator::in_process();
/// let unmet = kinesis.expect().calls(Operation::PutRecord, 1..).verify().unwrap_err();
/// assert_eq!(
///     unmet.to_string(),
///     "not as expected:\n- PutRecord called at least once: no call",
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    findings: Vec<String>,
}

impl Unmet {
    /// One text for each expectation that is not met.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not as expected:")?;
        self.findings.iter().try_for_each(|finding| write!(f, "\n- {finding}"))
    }
}

impl std::error::Error for Unmet {}

impl CallCount {
    fn includes(self, count: usize) -> bool {
        (self.least..=self.most).contains(&count)
    }
}

impl From<usize> for CallCount {
    fn from(count: usize) -> Self {
        Self { least: count, most: count }
    }
}

impl From<RangeFrom<usize>> for CallCount {
    fn from(range: RangeFrom<usize>) -> Self {
        Self { least: range.start, most: usize::MAX }
    }
}

impl From<RangeToInclusive<usize>> for CallCount {
    fn from(range: RangeToInclusive<usize>) -> Self {
        Self { least: 0, most: range.end }
    }
}

impl From<RangeInclusive<usize>> for CallCount {
    fn from(range: RangeInclusive<usize>) -> Self {
        let (least, most) = range.into_inner();
        Self { least, most }
    }
}

impl fmt::Display for CallCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = |count| match count {
            1 => "once".to_owned(),
            _ => format!("{count} times"),
        };
        match *self {
            Self { most: 0, .. } => f.write_str("never"),
            Self { least, most } if least == most => f.write_str(&times(least)),
            Self { least, most: usize::MAX } => write!(f, "at least {}", times(least)),
            Self { least: 0, most } => write!(f, "at most {}", times(most)),
            Self { least, most } => write!(f, "{least} to {most} times"),
        }
    }
}
