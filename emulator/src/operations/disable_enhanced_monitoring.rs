//! `DisableEnhancedMonitoring`: turn shard-level metrics off.
//!
//! * `ALL` empties the list; what is not on may be named.
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DisableEnhancedMonitoring.html>

use crate::model::error::ApiError;
use crate::model::error::ErrorKind;
use crate::model::limits::Rate;

use super::enable_enhanced_monitoring::{
    EnableEnhancedMonitoring, EnhancedMonitoringInput, EnhancedMonitoringOutput, change,
};
use super::{Call, Operation};

pub(crate) struct DisableEnhancedMonitoring;

impl Operation for DisableEnhancedMonitoring {
    type Input = EnhancedMonitoringInput;
    type Output = EnhancedMonitoringOutput;
    const ERRORS: &'static [ErrorKind] = EnableEnhancedMonitoring::ERRORS;
    /// Source: guide.
    const RATE: Option<Rate> = Some(Rate::per_account(5));

    fn handle(input: EnhancedMonitoringInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        change(&input, call, |metrics, named| metrics.retain(|metric| !named.contains(metric)))
    }
}
