//! Pages of lists.

use crate::model::arn::AccountId;
use crate::model::names::{GivenShardId, StreamName};
use crate::model::timestamp::Timestamp;

use super::ApiError;
use super::ErrorKind::{ExpiredNextToken, InvalidArgument};

/// Pages.
impl ApiError {
    /// Recorded.
    pub(crate) fn neither_token_nor_stream() -> Self {
        Self::new(InvalidArgument, "Either NextToken or StreamName should be provided.")
    }

    /// Recorded for `StreamName`.
    pub(crate) fn token_together_with(member: &str) -> Self {
        Self::new(InvalidArgument, format!("NextToken and {member} cannot be provided together."))
    }

    /// Ours.
    pub(crate) fn token_invalid() -> Self {
        Self::new(InvalidArgument, "The NextToken is not one that this service handed out.")
    }

    /// Ours.
    pub(crate) fn token_expired(created: Timestamp, now: Timestamp) -> Self {
        Self::new(
            ExpiredNextToken,
            format!(
                "The NextToken was created at {} and it is now {}; \
                 a token is valid for 300 seconds.",
                created.java_date(),
                now.java_date()
            ),
        )
    }

    /// Ours.
    pub(crate) fn shard_filter_needs(kind: &str, member: &str) -> Self {
        Self::new(InvalidArgument, format!("ShardFilter of type {kind} needs {member}."))
    }

    /// Ours.
    pub(crate) fn shard_filter_of_no_shard(given: &GivenShardId) -> Self {
        Self::new(
            InvalidArgument,
            format!("ShardId {} in ShardFilter names no shard.", given.as_str()),
        )
    }

    /// Ours: a stream of that name was made at another time.
    pub(crate) fn stream_of_another_time(stream: &StreamName, account: &AccountId) -> Self {
        Self::stream_not_found(stream, account)
    }
}
