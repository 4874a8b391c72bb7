//! `ReceiveQueueRecords`: up to ten records of a queue, oldest first. If there
//! are none it waits, on the emulator's clock, until there is one.
//!
//! * What is received stays hidden for the visibility timeout, and comes again
//!   unless it is acknowledged.
//! * A record has a receipt handle of its own for every delivery.
//! * At most 10 MiB at once, and at least one record (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ReceiveQueueRecords.html>

use std::time::Duration;

use crate::engine::deliveries::{Delivered, Receipt, Side};
use crate::engine::receive::{Poll, Receive};
use crate::model::constraint::Constrained;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InternalFailure, InvalidArgument, KmsAccessDenied, KmsDisabled,
    KmsInvalidState, KmsNotFound, KmsOptInRequired, KmsThrottling, ResourceNotFound, Throttling,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenQueueArn, RecordId};
use crate::model::numbers::{ReceiveLimit, VisibilityTimeoutSeconds, WaitTimeSeconds};
use crate::model::record::KeptText;
use crate::model::timestamp::Timestamp;
use crate::wire::Protocol;
use crate::wire::description::Description;
use crate::wire::emit::{Emit, answer, emit_all};
use crate::wire::request_bytes::RequestBytes;
use crate::wire::shape::shape;
use crate::wire::writer::Writer;

use super::receipt::SealedReceipt;
use super::{Answer, Call, Effect, Operation, Reply};

pub(crate) struct ReceiveQueueRecords;

shape! {
    pub(crate) struct ReceiveInput {
        "QueueARN" => queue_arn: GivenQueueArn,
        "Limit" => limit: Option<ReceiveLimit>,
        "WaitTimeSeconds" => wait: Option<WaitTimeSeconds>,
        "VisibilityTimeoutSeconds" => visibility: Option<VisibilityTimeoutSeconds>,
    }
}

answer! {
    pub(crate) struct ReceivedRecords {
        "QueueRecords" => records: Received,
    }
}

answer! {
    /// A record as a queue hands it out.
    pub(crate) struct QueueRecord<'a> {
        "ReceiptHandle" => handle: SealedReceipt,
        "RecordId" => id: RecordId,
        "PartitionKey" => partition_key: Option<KeptText<'a>>,
        "Data" => data: &'a [u8],
        "ApproximateArrivalTimestamp" => arrival: Timestamp,
        "FirstReceiveTimestamp" => first_received: Timestamp,
        "ReceiveCount" => receives: u32,
    }
}

/// What was received, with the handles that go with it.
#[derive(Debug)]
pub(crate) struct Received(pub(crate) Vec<(SealedReceipt, Delivered)>);

/// Records are written straight from the log's segments.
impl Emit for Received {
    const DESCRIPTION: Description = Description::List {
        at_least: 0,
        at_most: usize::MAX,
        element: &<QueueRecord<'_> as Emit>::DESCRIPTION,
    };

    fn emit(&self, writer: &mut impl Writer) {
        let records = self.0.iter().flat_map(|(handle, delivered)| {
            delivered.record.iter().map(|record| QueueRecord {
                handle: handle.clone(),
                id: RecordId::from_checked(record.sequence_number.hexadecimal().into()),
                partition_key: record.partition_key,
                data: record.data,
                arrival: record.arrival,
                first_received: delivered.known.first_received,
                receives: delivered.known.receives,
            })
        });
        emit_all::<QueueRecord<'_>>(writer, self.0.len(), records);
    }
}

/// What a receive answers with: at once, or when there is something.
#[derive(Debug)]
pub(crate) enum ReceiveOutput {
    Records(ReceivedRecords),
    Waiting(Box<Receive>),
}

impl Answer for ReceiveOutput {
    const DESCRIPTION: Option<Description> = Some(<ReceivedRecords as Emit>::DESCRIPTION);

    fn reply(self, protocol: Protocol, request: RequestBytes) -> Reply {
        match self {
            Self::Records(records) => records.reply(protocol, request),
            Self::Waiting(receive) => Reply::Receive(receive),
        }
    }
}

/// The answer to a receive that has waited.
pub(crate) fn answer_receive(
    receive: &Receive,
    delivered: Vec<Delivered>,
    call: &Call<'_>,
    protocol: Protocol,
) -> Reply {
    let output = ReceiveOutput::Records(ReceivedRecords::of(receive, delivered, call));
    if let Some(effect) = call.effect {
        let _told_once = effect.set(Effect::of(&output));
    }
    output.reply(protocol, RequestBytes::default())
}

impl ReceivedRecords {
    fn of(receive: &Receive, delivered: Vec<Delivered>, call: &Call<'_>) -> Self {
        let seal = call.engine.seal();
        let with_handle = |delivered: Delivered| {
            let receipt = Receipt {
                queue: receive.queue().id.clone(),
                side: receive.side(),
                place: delivered.place,
                delivery: delivered.known.handed_out,
            };
            let nonce = call.engine.entropy.draw();
            (SealedReceipt::new(&receipt, &seal, call.now, nonce), delivered)
        };
        Self { records: Received(delivered.into_iter().map(with_handle).collect()) }
    }
}

/// Receives from one side of a queue.
///
/// # Errors
/// If there is no such queue, or it hands nothing out.
pub(super) fn receive(
    input: ReceiveInput,
    side: Side,
    call: &Call<'_>,
) -> Result<ReceiveOutput, ApiError> {
    let (realm, stream, queue) = call.queue(&input.queue_arn)?;
    let wait = Duration::from_secs(input.wait.unwrap_or(WaitTimeSeconds::DEFAULT).get().into());
    let mut receive = Receive::new(
        (realm, stream),
        queue,
        side,
        input.limit.unwrap_or(ReceiveLimit::DEFAULT),
        input.visibility,
        call.now.plus(wait),
        call.engine.next_reader(),
    );
    Ok(match receive.poll(call.now, call.throughput().as_deref(), None)? {
        Poll::Ready(delivered) => {
            ReceiveOutput::Records(ReceivedRecords::of(&receive, delivered, call))
        }
        Poll::WaitUntil(_) => ReceiveOutput::Waiting(Box::new(receive)),
    })
}

impl Operation for ReceiveQueueRecords {
    type Input = ReceiveInput;
    type Output = ReceiveOutput;
    const ERRORS: &'static [ErrorKind] = &[
        AccessDenied,
        InternalFailure,
        InvalidArgument,
        ResourceNotFound,
        KmsAccessDenied,
        KmsDisabled,
        KmsInvalidState,
        KmsNotFound,
        KmsOptInRequired,
        KmsThrottling,
        Throttling,
    ];
    const ON_DATA_PATH: bool = true;
    /// Practically unlimited (guide).
    const RATE: Option<Rate> = None;

    fn handle(input: ReceiveInput, call: &Call<'_>) -> Result<ReceiveOutput, ApiError> {
        receive(input, Side::Normal, call)
    }
}
