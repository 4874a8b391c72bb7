//! `DecreaseStreamRetentionPeriod`: keep records for less long, at least 24 hours.
//!
//! * The present value again is accepted (recorded). Takes effect at once.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DecreaseStreamRetentionPeriod.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;

use super::increase_stream_retention_period::{
    IncreaseStreamRetentionPeriod, RetentionPeriodInput, change,
};
use super::{Call, Operation};

pub(crate) struct DecreaseStreamRetentionPeriod;

impl Operation for DecreaseStreamRetentionPeriod {
    type Input = RetentionPeriodInput;
    type Output = ();
    const ERRORS: &'static [ErrorKind] = IncreaseStreamRetentionPeriod::ERRORS;
    /// Source: guide.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: RetentionPeriodInput, call: &Call<'_>) -> Result<(), ApiError> {
        change(&input, call, |stream, asked, existing| {
            if asked > existing as i32 {
                return Err(ApiError::retention_would_increase(stream, asked, existing));
            }
            Ok(())
        })
    }
}
