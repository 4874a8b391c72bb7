//! `ListShards`: a stream's shards within retention, filtered and in pages.
//!
//! * A token stands for the whole query: nothing but `MaxResults` goes with it.
//! * A stream that is CREATING or DELETING is ResourceInUse: the KCL waits then.
//! * A filter's time before the horizon or the stream means the beginning; a
//!   time in the future is refused (ours).
//!
//! <https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html>

use std::sync::Arc;

use crate::engine::stream::{Stream, StreamState};
use crate::engine::topology;
use crate::model::arn::{RealmId, StreamAddress};
use crate::model::error::ApiError;
use crate::model::error::ErrorKind::{
    self, AccessDenied, ExpiredNextToken, InvalidArgument, LimitExceeded, ResourceInUse,
    ResourceNotFound,
};
use crate::model::limits::Rate;
use crate::model::names::{
    GivenNextToken, GivenShardId, GivenStreamArn, GivenStreamId, StreamName,
};
use crate::model::numbers::ListShardsLimit;
use crate::model::seal::TokenKind;
use crate::model::shard_id::ShardIndex;
use crate::model::status::{ShardFilterType, StreamStatus};
use crate::model::timestamp::Timestamp;
use crate::wire::emit::answer;
use crate::wire::primitive::Epoch;
use crate::wire::shape::shape;

use super::page::SealedToken;
use super::shapes::Shard;
use super::{Call, Operation, page};

/// Shards in one answer unless fewer were asked for (model text).
const SHARDS_PER_PAGE: usize = 1000;

pub(crate) struct ListShards;

shape! {
    pub(crate) struct ListShardsInput {
        "StreamName" => stream_name: Option<StreamName>,
        "NextToken" => next_token: Option<GivenNextToken>,
        "ExclusiveStartShardId" => exclusive_start: Option<GivenShardId>,
        "MaxResults" => max_results: Option<ListShardsLimit>,
        "StreamCreationTimestamp" => stream_created: Option<Epoch>,
        "ShardFilter" => filter: Option<ShardFilter>,
        "StreamARN" => stream_arn: Option<GivenStreamArn>,
        "StreamId" => _stream_id: Option<GivenStreamId>,
    }
}

shape! {
    pub(crate) struct ShardFilter {
        "Type" => kind: ShardFilterType,
        "ShardId" => shard_id: Option<GivenShardId>,
        "Timestamp" => timestamp: Option<Epoch>,
    }
}

answer! {
    pub(crate) struct ListShardsOutput {
        "Shards" => shards: Option<Vec<Shard>>,
        "NextToken" => next_token: Option<SealedToken>,
    }
}

impl Operation for ListShards {
    type Input = ListShardsInput;
    type Output = ListShardsOutput;
    const ERRORS: &'static [ErrorKind] = &[
        ResourceNotFound,
        InvalidArgument,
        LimitExceeded,
        ExpiredNextToken,
        ResourceInUse,
        AccessDenied,
    ];
    const WRITES: bool = false;
    /// Source: model text; the guide said 100.
    const RATE: Option<Rate> = Some(Rate::per_stream(1000));

    fn handle(input: ListShardsInput, call: &Call<'_>) -> Result<Self::Output, ApiError> {
        let size = input.max_results.map_or(SHARDS_PER_PAGE, |limit| limit.get() as usize);
        let query = match &input.next_token {
            Some(token) => {
                input.refuse_beside_token()?;
                page::open(call, TokenKind::ShardPage, token, Query::from_fields)?
            }
            None => Query::from_input(&input, call)?,
        };
        let stream = query.stream(call)?;
        let state = stream.state();
        let (shards, more) = page::cut(
            state.live_shards(call.now).filter(|shard| query.takes(shard, &state, call.now)),
            size.min(SHARDS_PER_PAGE),
        );
        let next_token = match shards.last() {
            Some(last) if more => Some(query.seal_after(last.index, &stream, call)),
            _ => None,
        };
        let shards = shards.into_iter().map(Shard::from).collect();
        Ok(ListShardsOutput { shards: Some(shards), next_token })
    }
}

impl ListShardsInput {
    fn refuse_beside_token(&self) -> Result<(), ApiError> {
        for (given, member) in [
            (self.stream_name.is_some(), "StreamName"),
            (self.stream_arn.is_some(), "StreamARN"),
            (self.exclusive_start.is_some(), "ExclusiveStartShardId"),
            (self.filter.is_some(), "ShardFilter"),
            (self.stream_created.is_some(), "StreamCreationTimestamp"),
        ] {
            if given {
                return Err(ApiError::token_together_with(member));
            }
        }
        Ok(())
    }
}

/// A query, wherever it came from.
struct Query {
    stream: StreamAddress,
    /// Which stream of that name, if the query comes from a token.
    incarnation: Option<u64>,
    after: Option<ShardIndex>,
    filter: Filter,
}

/// Which shards are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    After(ShardIndex),
    AtTrimHorizon,
    FromTrimHorizon,
    AtLatest,
    At(Timestamp),
    From(Timestamp),
}

impl Query {
    fn from_input(input: &ListShardsInput, call: &Call<'_>) -> Result<Self, ApiError> {
        if input.stream_name.is_none() && input.stream_arn.is_none() {
            return Err(ApiError::neither_token_nor_stream());
        }
        let address = call.address(input.stream_name.as_ref(), input.stream_arn.as_ref())?;
        let filter = match &input.filter {
            Some(filter) => filter.resolve(call.now)?,
            None => Filter::FromTrimHorizon,
        };
        let stream = call.engine.realm(&address.realm, call.now).stream(&address.name)?;
        if let Some(created) = input.stream_created
            && created.as_seconds() != stream.created.as_seconds() as i64
        {
            return Err(ApiError::stream_of_another_time(&address.name, stream.account()));
        }
        let after = input.exclusive_start.as_ref().and_then(|start| {
            let state = stream.state();
            let newest_first = state.topology.shards().iter().rev().map(|shard| shard.index);
            newest_first.into_iter().find(|index| !index.follows(start))
        });
        Ok(Self { stream: address, incarnation: None, after, filter })
    }

    fn stream(&self, call: &Call<'_>) -> Result<Arc<Stream>, ApiError> {
        let StreamAddress { realm, name } = &self.stream;
        let stream = call.engine.realm(realm, call.now).stream(name)?;
        if self.incarnation.is_some_and(|incarnation| incarnation != stream.incarnation) {
            return Err(ApiError::stream_of_another_time(name, &realm.account));
        }
        match stream.state().status {
            StreamStatus::Active | StreamStatus::Updating => {}
            status @ (StreamStatus::Creating | StreamStatus::Deleting) => {
                return Err(ApiError::stream_not_readable(name, &realm.account, status));
            }
        }
        Ok(stream)
    }

    fn takes(&self, shard: &topology::Shard, state: &StreamState, now: Timestamp) -> bool {
        let horizon = state.horizon(now);
        self.after.is_none_or(|after| shard.index > after)
            && match self.filter {
                Filter::After(index) => shard.index > index,
                Filter::AtTrimHorizon => shard.was_open_at(horizon),
                Filter::FromTrimHorizon => true,
                Filter::AtLatest => shard.closed.is_none(),
                Filter::At(time) => shard.was_open_at(time.max(horizon)),
                Filter::From(time) => shard.was_open_after(time),
            }
    }

    fn seal_after(&self, last: ShardIndex, stream: &Stream, call: &Call<'_>) -> SealedToken {
        let StreamAddress { realm: RealmId { account, region }, name } = &self.stream;
        let (kind, value) = self.filter.to_fields();
        page::seal(
            call,
            TokenKind::ShardPage,
            &[account, region, name, &stream.incarnation, &last.number(), &kind, &value],
        )
    }

    fn from_fields(fields: &mut dyn Iterator<Item = &str>) -> Option<Self> {
        let account = fields.next()?.parse().ok()?;
        let region = fields.next()?.parse().ok()?;
        let name = StreamName::from_arn_resource(fields.next()?)?;
        let incarnation = fields.next()?.parse().ok()?;
        let after = ShardIndex::new(fields.next()?.parse().ok()?);
        let filter = Filter::from_fields(fields.next()?, fields.next()?.parse().ok()?)?;
        Some(Self {
            stream: StreamAddress { realm: RealmId { account, region }, name },
            incarnation: Some(incarnation),
            after: Some(after),
            filter,
        })
    }
}

impl ShardFilter {
    fn resolve(&self, now: Timestamp) -> Result<Filter, ApiError> {
        let time = || match self.timestamp {
            Some(time) if time.is_after(now) => {
                Err(ApiError::timestamp_in_the_future(time.as_millis(), now))
            }
            Some(time) => Ok(time.timestamp()),
            None => Err(ApiError::shard_filter_needs(self.kind.as_str(), "a Timestamp")),
        };
        Ok(match self.kind {
            ShardFilterType::AfterShardId => {
                let index = self.shard_id.as_ref().and_then(ShardIndex::resolve);
                let needs = || match &self.shard_id {
                    Some(given) => ApiError::shard_filter_of_no_shard(given),
                    None => ApiError::shard_filter_needs(self.kind.as_str(), "a ShardId"),
                };
                Filter::After(index.ok_or_else(needs)?)
            }
            ShardFilterType::AtTrimHorizon => Filter::AtTrimHorizon,
            ShardFilterType::FromTrimHorizon => Filter::FromTrimHorizon,
            ShardFilterType::AtLatest => Filter::AtLatest,
            ShardFilterType::AtTimestamp => Filter::At(time()?),
            ShardFilterType::FromTimestamp => Filter::From(time()?),
        })
    }
}

impl Filter {
    fn to_fields(self) -> (&'static str, u64) {
        match self {
            Self::After(index) => (ShardFilterType::AfterShardId.as_str(), index.number().into()),
            Self::AtTrimHorizon => (ShardFilterType::AtTrimHorizon.as_str(), 0),
            Self::FromTrimHorizon => (ShardFilterType::FromTrimHorizon.as_str(), 0),
            Self::AtLatest => (ShardFilterType::AtLatest.as_str(), 0),
            Self::At(time) => (ShardFilterType::AtTimestamp.as_str(), time.as_micros()),
            Self::From(time) => (ShardFilterType::FromTimestamp.as_str(), time.as_micros()),
        }
    }

    fn from_fields(kind: &str, value: u64) -> Option<Self> {
        let filters = [
            Self::After(ShardIndex::new(u32::try_from(value).unwrap_or_default())),
            Self::AtTrimHorizon,
            Self::FromTrimHorizon,
            Self::AtLatest,
            Self::At(Timestamp::from_micros(value)),
            Self::From(Timestamp::from_micros(value)),
        ];
        filters.into_iter().find(|filter| filter.to_fields().0 == kind)
    }
}
