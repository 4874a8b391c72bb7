//! `UpdateStreamRecordDistributionStrategy`: choose how an on-demand stream places records.
//!
//! * Takes effect at once. AUTO is refused on a provisioned stream;
//!   USER_PARTITION_KEY there changes nothing (inferred).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamRecordDistributionStrategy.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound, Validation,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId};
use crate::model::status::{RecordDistributionStrategy, StreamMode};
use crate::wire::shape::shape;

use super::add_tags_to_stream::require_taggable;
use super::{Call, Operation};

pub(crate) struct UpdateStreamRecordDistributionStrategy;

shape! {
    pub(crate) struct UpdateStreamRecordDistributionStrategyInput {
        "StreamARN" => stream_arn: GivenStreamArn,
        "StreamId" => _stream_id: Option<GivenStreamId>,
        "RecordDistributionStrategy" => distribution: RecordDistributionStrategy,
    }
}

impl Operation for UpdateStreamRecordDistributionStrategy {
    type Input = UpdateStreamRecordDistributionStrategyInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = &[
        ResourceNotFound,
        InvalidArgument,
        ResourceInUse,
        LimitExceeded,
        AccessDenied,
        Validation,
    ];
    /// Source: ours: AWS does not say.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(
        input: UpdateStreamRecordDistributionStrategyInput,
        call: &Call<'_>,
    ) -> Result<(), ApiError> {
        let (_, stream) = call.stream(None, Some(&input.stream_arn))?;
        stream.change(|state| {
            match (state.mode, input.distribution) {
                (StreamMode::Provisioned, RecordDistributionStrategy::Auto) => {
                    return Err(ApiError::auto_distribution_needs_on_demand(&stream.address.name));
                }
                (StreamMode::Provisioned, RecordDistributionStrategy::UserPartitionKey)
                | (StreamMode::OnDemand, _) => {}
            }
            require_taggable(&stream, state)?;
            state.distribution = input.distribution;
            Ok(())
        })
    }
}
