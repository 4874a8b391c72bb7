//! A call as rules see it, and what an error says about it.

use crate::model::arn::RealmId;
use crate::model::error::{ApiError, ErrorKind};
use crate::model::shard_id::ShardIndex;
use crate::model::timestamp::Timestamp;
use crate::operations::{OperationName as Operation, RecordSubject, Subject};

use super::rule::Calls;

/// A call that has passed the first two gates.
pub(in crate::service) struct Asked<'a> {
    pub(in crate::service) operation: Operation,
    pub(in crate::service) subject: &'a Subject,
    pub(in crate::service) caller: &'a RealmId,
    /// Empty if the caller is anonymous.
    pub(in crate::service) access_key: &'a str,
    pub(in crate::service) now: Timestamp,
}

impl Calls {
    /// Whether a call is one of them, its operation aside.
    pub(super) fn match_call(&self, asked: &Asked<'_>) -> bool {
        let subject = asked.subject;
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        is(&self.stream, subject.stream.as_ref().map(|stream| stream.name.as_str()))
            && is(&self.consumer, subject.consumer.as_ref().map(|name| name.as_str()))
            && is(&self.region, Some(&asked.caller.region.to_string()))
            && self.match_caller(asked)
            && (!self.are_about_records(subject) || self.matching_records(subject).next().is_some())
            && (!subject.records.is_empty() || self.match_shard(subject.shard))
    }

    /// The places of a call's records that match.
    pub(super) fn matching_records(&self, subject: &Subject) -> impl Iterator<Item = usize> {
        let matches = |(place, record): &(usize, &RecordSubject)| {
            let key = record.partition_key.as_ref().map(|key| key.as_str());
            (self.records.is_empty() || self.records.contains(place))
                && self.partition_key.as_deref().is_none_or(|wanted| key == Some(wanted))
                && self.match_shard(record.shard)
        };
        subject.records.iter().enumerate().filter(matches).map(|(place, _)| place)
    }

    fn are_about_records(&self, subject: &Subject) -> bool {
        self.partition_key.is_some() || !self.records.is_empty() || !subject.records.is_empty()
    }

    fn match_shard(&self, found: Option<ShardIndex>) -> bool {
        self.shard.as_deref().is_none_or(|wanted| {
            let wanted = ShardIndex::from_text(wanted);
            wanted.is_some() && wanted == found
        })
    }

    fn match_caller(&self, asked: &Asked<'_>) -> bool {
        self.caller.as_deref().is_none_or(|wanted| {
            wanted == asked.access_key || wanted == asked.caller.account.to_string()
        })
    }
}

impl Asked<'_> {
    /// An error as AWS would word it about this call, or about its record at
    /// `place`, unless the rule has words of its own.
    pub(super) fn error(
        &self,
        kind: ErrorKind,
        message: Option<&str>,
        place: Option<usize>,
    ) -> ApiError {
        if let Some(message) = message {
            return ApiError::new(kind, message);
        }
        let record = self.subject.records.get(place.unwrap_or(0));
        let shard = record.and_then(|record| record.shard).or(self.subject.shard);
        match (kind, &self.subject.stream, shard) {
            (ErrorKind::ProvisionedThroughputExceeded, Some(stream), Some(shard)) => {
                ApiError::shard_rate_exceeded(shard, &stream.name, &stream.realm.account)
            }
            (ErrorKind::ResourceNotFound, Some(stream), _) => {
                ApiError::stream_not_found(&stream.name, &stream.realm.account)
            }
            (ErrorKind::ExpiredIterator, _, _) => {
                let created = self.now.minus(std::time::Duration::from_millis(300_001));
                ApiError::iterator_expired(created, self.now)
            }
            (ErrorKind::InternalFailure, _, _) if place.is_some() => {
                ApiError::record_failed_inside()
            }
            (ErrorKind::InternalFailure | ErrorKind::ServiceUnavailable, _, _) => {
                ApiError::new(kind, "")
            }
            // Ours: whoever debugs a test shall see where it comes from.
            _ => ApiError::new(kind, "A fault rule of kinesis-emulator asked for this error."),
        }
    }
}
