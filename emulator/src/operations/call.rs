//! What a handler knows about the call it serves.

use std::sync::{Arc, OnceLock};

use crate::engine::Engine;
use crate::engine::realm::Realm;
use crate::engine::stream::Stream;
use crate::model::arn::{ChannelAddress, QueueAddress, RealmId, StreamAddress};
use crate::model::channel::{ChannelId, GivenChannelArn};
use crate::model::error::{ApiError, ErrorKind};
use crate::model::limits::{Limits, Scope};
use crate::model::names::{GivenQueueArn, GivenStreamArn, StreamName};
use crate::model::settings::Settings;
use crate::model::shard_iterator::ShardIterator;
use crate::model::timestamp::Timestamp;
use crate::wire::emit::SealedIterator;
use crate::wire::request_bytes::RequestBytes;

use super::{Effect, OperationName, Prepared};

/// One call: who, when, and on what state.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The one reading of the clock that the whole call goes by.
    pub(crate) now: Timestamp,
    /// The caller's account and Region, from the credential scope.
    pub(crate) caller: &'a RealmId,
    pub(crate) engine: &'a Engine,
    /// What the input has that is kept among the request's bytes.
    pub(crate) request: &'a RequestBytes,
    /// Records of the batch that are to fail although nothing is wrong with
    /// them: their places in the request, ascending, and why. Usually none.
    pub(crate) failing: &'a [(usize, ApiError)],
    /// Where what the call has done is told, if anybody wants to know.
    pub(crate) effect: Option<&'a OnceLock<Effect>>,
}

impl Call<'_> {
    pub(crate) fn settings(&self) -> &Settings {
        &self.engine.settings
    }

    /// The limits in force, whatever they limit. Takes a lock: for control calls.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        self.engine.limits.all()
    }

    /// The limits in force, if calls use up anything.
    pub(crate) fn throughput(&self) -> Option<Arc<Limits>> {
        self.engine.limits.per_second()
    }

    /// Counts a call that has passed its checks against its operation's rate.
    ///
    /// # Errors
    /// If there have been too many, for the account or for the stream.
    pub(crate) fn admit(
        &self,
        operation: OperationName,
        prepared: &dyn Prepared,
    ) -> Result<(), ApiError> {
        let Some(limits) = self.throughput() else { return Ok(()) };
        let name = operation.as_str();
        let declared = super::find(name.as_bytes()).map(|entry| entry.description);
        let declared_rate = declared.and_then(|declared| declared.rate);
        let Some(rate) = limits.rate_of(name, declared_rate) else { return Ok(()) };
        let address = prepared.subject(self).stream;
        let stream = address
            .as_ref()
            .filter(|_| rate.scope == Scope::Stream)
            .and_then(|address| self.stream_at(address).ok());
        let admitted = match &stream {
            Some((_, stream)) => stream.call_usage.lock().admit(name, rate, self.now),
            // Page tokens name no stream: they are counted for the account.
            None => self.own_realm().call_usage.lock().admit(name, rate, self.now),
        };
        let throttles =
            declared.is_some_and(|declared| declared.errors.contains(&ErrorKind::Throttling));
        match address {
            _ if admitted => Ok(()),
            _ if throttles => Err(ApiError::queue_throttled(&self.caller.account)),
            Some(stream) => {
                Err(ApiError::stream_rate_exceeded(&stream.name, &stream.realm.account))
            }
            None => Err(ApiError::account_rate_exceeded(&self.caller.account)),
        }
    }

    /// The caller's own realm, brought to now.
    pub(crate) fn own_realm(&self) -> Arc<Realm> {
        self.engine.realm(self.caller, self.now)
    }

    /// Which stream a request means: by ARN, which also names account and
    /// Region, or by name in the caller's own.
    ///
    /// # Errors
    /// If neither is given, the ARN is not a stream's, or the two contradict.
    pub(crate) fn address(
        &self,
        name: Option<&StreamName>,
        arn: Option<&GivenStreamArn>,
    ) -> Result<StreamAddress, ApiError> {
        match (name, arn) {
            (_, Some(arn)) => {
                let address = parse_arn(arn)?;
                match name.filter(|name| **name != address.name) {
                    Some(other) => Err(ApiError::stream_name_contradicts_arn(other, arn.as_str())),
                    None => Ok(address),
                }
            }
            (Some(name), None) => {
                Ok(StreamAddress { realm: self.caller.clone(), name: name.clone() })
            }
            (None, None) => Err(ApiError::stream_not_named()),
        }
    }

    /// The stream a request means, and its realm.
    ///
    /// # Errors
    /// As for [`address`](Self::address), and if there is no such stream.
    pub(crate) fn stream(
        &self,
        name: Option<&StreamName>,
        arn: Option<&GivenStreamArn>,
    ) -> Result<(Arc<Realm>, Arc<Stream>), ApiError> {
        if let (Some(name), None) = (name, arn) {
            let realm = self.own_realm();
            let stream = realm.stream(name)?;
            return Ok((realm, stream));
        }
        self.stream_at(&self.address(name, arn)?)
    }

    /// The stream at an address, and its realm.
    ///
    /// # Errors
    /// If there is no such stream.
    pub(crate) fn stream_at(
        &self,
        address: &StreamAddress,
    ) -> Result<(Arc<Realm>, Arc<Stream>), ApiError> {
        let realm = self.engine.realm(&address.realm, self.now);
        let stream = realm.stream(&address.name)?;
        Ok((realm, stream))
    }

    /// The channel that an ARN names: its realm, its stream, and what the
    /// stream knows it by.
    ///
    /// # Errors
    /// If there is no such channel.
    pub(crate) fn channel(
        &self,
        arn: &GivenChannelArn,
    ) -> Result<(Arc<Realm>, Arc<Stream>, ChannelId), ApiError> {
        let missing = || ApiError::channel_not_found(arn.as_str());
        let address = ChannelAddress::parse(arn.as_str()).ok_or_else(missing)?;
        let (realm, stream) = self.channel_at(&address).ok_or_else(missing)?;
        Ok((realm, stream, address.id))
    }

    /// The stream that the channel at an address delivers from, and its realm,
    /// if there is such a channel.
    pub(crate) fn channel_at(&self, address: &ChannelAddress) -> Option<(Arc<Realm>, Arc<Stream>)> {
        let realm = self.engine.realm(&address.realm, self.now);
        let stream = realm.stream_of_channel(&address.id)?;
        Some((realm, stream))
    }

    /// The queue that an ARN names, the stream that it reads, and their realm.
    ///
    /// # Errors
    /// If there is no such queue.
    pub(crate) fn queue(
        &self,
        arn: &GivenQueueArn,
    ) -> Result<(Arc<Realm>, Arc<Stream>, QueueAddress), ApiError> {
        let missing = || ApiError::queue_not_found(arn.as_str());
        let address = QueueAddress::parse(arn).ok_or_else(missing)?;
        let (realm, stream) = self.queue_at(&address).ok_or_else(missing)?;
        Ok((realm, stream, address))
    }

    /// The stream that the queue at an address reads, and its realm, if there is
    /// such a queue.
    pub(crate) fn queue_at(&self, address: &QueueAddress) -> Option<(Arc<Realm>, Arc<Stream>)> {
        let realm = self.engine.realm(&address.realm, self.now);
        let stream = realm.stream_of_queue(&address.id)?;
        Some((realm, stream))
    }

    /// Makes an iterator's token.
    pub(crate) fn seal_iterator(&self, iterator: &ShardIterator) -> SealedIterator {
        SealedIterator(iterator.seal(&self.engine.seal(), self.now, self.engine.entropy.draw()))
    }
}

/// The stream that an ARN names.
///
/// # Errors
/// If it is not a stream's.
pub(crate) fn parse_arn(arn: &GivenStreamArn) -> Result<StreamAddress, ApiError> {
    StreamAddress::parse(arn).ok_or_else(|| ApiError::not_a_stream_arn(arn.as_str()))
}
