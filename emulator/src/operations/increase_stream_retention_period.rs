//! `IncreaseStreamRetentionPeriod`: keep records longer, up to 8,760 hours.
//!
//! * The present value again is accepted (recorded). Takes effect at once; what
//!   has expired stays gone.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html>

use std::time::Duration;

use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, InvalidArgument, LimitExceeded, ResourceInUse, ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{GivenStreamArn, GivenStreamId, StreamName};
use crate::model::numbers::RetentionHours;
use crate::wire::shape::shape;

use super::{Call, Operation};

/// Shortest and longest retention (API reference).
const HOURS_MIN: i32 = 24;
const HOURS_MAX: i32 = 8760;

pub(crate) struct IncreaseStreamRetentionPeriod;

shape! {
    pub(crate) struct RetentionPeriodInput {
        "StreamName" => stream_name: Option<StreamName>,
        "RetentionPeriodHours" => hours: RetentionHours,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

impl Operation for IncreaseStreamRetentionPeriod {
    type Input = RetentionPeriodInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] =
        &[ResourceInUse, ResourceNotFound, LimitExceeded, InvalidArgument, AccessDenied];
    /// Source: guide.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: RetentionPeriodInput, call: &Call<'_>) -> Result<(), ApiError> {
        change(&input, call, |stream, asked, existing| {
            if asked < existing as i32 {
                return Err(ApiError::retention_would_decrease(stream, asked, existing));
            }
            Ok(())
        })
    }
}

/// Sets a stream's retention if `allowed` agrees to the step.
pub(super) fn change(
    input: &RetentionPeriodInput,
    call: &Call<'_>,
    allowed: impl FnOnce(&StreamName, i32, u32) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let (_, stream) = call.stream(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    let asked = input.hours.hours();
    if asked < HOURS_MIN {
        return Err(ApiError::retention_too_short(asked));
    }
    if asked > HOURS_MAX {
        return Err(ApiError::retention_too_long(asked));
    }
    stream.change(|state| {
        stream.require_active(state)?;
        allowed(&stream.address.name, asked, state.retention_hours())?;
        let retention = Duration::from_secs(u64::from(asked.unsigned_abs()) * 3600);
        state.set_retention(retention, call.now);
        Ok(())
    })
}
