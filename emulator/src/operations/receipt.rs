//! Receipt handles, and the five operations that take a batch of them.

use crate::engine::deliveries::{Deliveries, Place, Receipt, Side};
use crate::engine::stream::StreamState;
use crate::model::constraint::Constrained;
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InternalFailure, InvalidArgument, ResourceNotFound, Throttling,
};
use crate::model::names::{GivenQueueArn, GivenReceiptHandle};
use crate::model::seal::{Fields, Seal, Token, TokenKind};
use crate::model::shard_id::ShardIndex;
use crate::model::timestamp::Timestamp;
use crate::wire::description::Description;
use crate::wire::emit::{Emit, PlainText, answer};
use crate::wire::writer::Writer;

use super::Call;

/// What the model lists for each of these operations.
pub(super) const ERRORS: &[ErrorKind] =
    &[AccessDenied, InternalFailure, InvalidArgument, ResourceNotFound, Throttling];

answer! {
    /// What became of each entry: all are here or there, in the request's order.
    pub(crate) struct EntryResults {
        "Successful" => successful: Vec<SuccessfulEntry>,
        "Failed" => failed: Vec<FailedEntry>,
    }
}

answer! {
    pub(crate) struct SuccessfulEntry {
        "ReceiptHandle" => handle: GivenReceiptHandle,
    }
}

answer! {
    pub(crate) struct FailedEntry {
        "ReceiptHandle" => handle: GivenReceiptHandle,
        "ErrorCode" => error_code: PlainText<&'static str>,
        "ErrorMessage" => error_message: Option<PlainText<String>>,
    }
}

/// A receipt handle on its way out.
#[derive(Debug, Clone)]
pub(crate) struct SealedReceipt(Token);

impl Emit for SealedReceipt {
    const DESCRIPTION: Description = Description::Text(GivenReceiptHandle::CONSTRAINTS);

    fn bytes_about(&self) -> usize {
        self.0.len()
    }

    fn emit(&self, writer: &mut impl Writer) {
        writer.ascii(self.0.as_bytes());
    }
}

impl SealedReceipt {
    /// Makes a handle. `nonce` makes every handle differ.
    pub(super) fn new(receipt: &Receipt, seal: &Seal, now: Timestamp, nonce: u64) -> Self {
        let Receipt { queue, side, place, delivery } = receipt;
        let mut fields = Fields::new();
        fields.push(*side as u8);
        fields.extend_from_slice(&place.shard.number().to_be_bytes());
        fields.extend_from_slice(&place.index.to_be_bytes());
        fields.extend_from_slice(&delivery.to_be_bytes());
        fields.extend_from_slice(queue.as_str().as_bytes());
        Self(seal.seal(TokenKind::ReceiptHandle, now, nonce, &fields))
    }
}

/// Reads a handle; `None` if it is not one of this emulator's.
fn open(handle: &GivenReceiptHandle, seal: &Seal) -> Option<Receipt> {
    let (_, fields) = seal.open(TokenKind::ReceiptHandle, handle.as_str())?;
    let ([side], rest) = fields.split_first_chunk()?;
    let (shard, rest) = rest.split_first_chunk()?;
    let (index, rest) = rest.split_first_chunk()?;
    let (delivery, queue) = rest.split_first_chunk()?;
    Some(Receipt {
        queue: std::str::from_utf8(queue).ok()?.parse().ok()?,
        side: if *side == Side::Normal as u8 { Side::Normal } else { Side::DeadLetter },
        place: Place {
            shard: ShardIndex::new(u32::from_be_bytes(*shard)),
            index: u64::from_be_bytes(*index),
        },
        delivery: u32::from_be_bytes(*delivery),
    })
}

/// Does the same with each entry, one after the other, whatever became of the
/// ones before. An entry is a handle and what goes with it.
///
/// # Errors
/// If there is no such queue, or it hands nothing out.
pub(super) fn for_each_entry<T>(
    queue_arn: &GivenQueueArn,
    side: Side,
    entries: impl IntoIterator<Item = (GivenReceiptHandle, T)>,
    call: &Call<'_>,
    work: impl Fn(&mut Deliveries, &StreamState, &Receipt, T) -> Result<(), ApiError>,
) -> Result<EntryResults, ApiError> {
    let missing = || ApiError::queue_not_found(queue_arn.as_str());
    let (_, stream, address) = call.queue(queue_arn)?;
    let state = stream.state();
    let queue = state.queue(&address.id).filter(|queue| queue.is_readable());
    let queue = queue.ok_or_else(missing)?;
    let mut deliveries = queue.deliveries.lock();
    let seal = call.engine.seal();
    let mut results = EntryResults { successful: Vec::new(), failed: Vec::new() };
    let mut changed = Vec::new();
    for (handle, with) in entries {
        let worked = open(&handle, &seal)
            .filter(|receipt| receipt.queue == address.id && receipt.side == side)
            .ok_or_else(ApiError::receipt_handle_invalid)
            .and_then(|receipt| {
                work(&mut deliveries, &state, &receipt, with)?;
                changed.push(receipt.place);
                Ok(())
            });
        match worked {
            Ok(()) => results.successful.push(SuccessfulEntry { handle }),
            Err(error) => results.failed.push(FailedEntry {
                handle,
                error_code: PlainText(error.kind().wire_name()),
                error_message: Some(PlainText(error.message().to_owned())),
            }),
        }
    }
    if let Some(listener) = state.listener.as_ref().filter(|_| !changed.is_empty()) {
        let mut places = changed.into_iter();
        listener.deliveries_changed(&stream, queue, &deliveries, &mut places);
    }
    // Records may be visible now that were not, or there may be room for more.
    let waiting = deliveries.take_watchers();
    drop(deliveries);
    drop(state);
    drop(waiting);
    Ok(results)
}
