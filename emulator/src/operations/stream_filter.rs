//! Which streams a list of channels or queues is about, on all of its pages.
//!
//! A page token carries the streams that the filters meant; the filters may be sent
//! again with it, as the SDK's paginator does, or left out.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::stream::Stream;
use crate::model::arn::StreamAddress;
use crate::model::error::ApiError;
use crate::model::names::{GivenNextToken, GivenStreamArn};
use crate::model::seal::TokenKind;
use crate::wire::primitive::Epoch;

use super::call::parse_arn;
use super::page::SealedToken;
use super::{Call, page};

/// A filter of a request: streams of this ARN, of every incarnation or of the one
/// that was made in a second.
#[derive(Debug)]
pub(super) struct StreamFilter {
    stream: StreamAddress,
    created_seconds: Option<i64>,
}

impl StreamFilter {
    /// # Errors
    /// If the ARN is not a stream's.
    pub(super) fn new(arn: &GivenStreamArn, created: Option<Epoch>) -> Result<Self, ApiError> {
        Ok(Self { stream: parse_arn(arn)?, created_seconds: created.map(Epoch::as_seconds) })
    }

    fn means(&self, stream: &Stream) -> bool {
        let made = stream.created.as_seconds() as i64;
        self.stream == stream.address && self.created_seconds.is_none_or(|asked| asked == made)
    }
}

/// The streams that a call is about, and up to which name pages before have come.
#[derive(Debug)]
pub(super) struct Listed<Name> {
    pub(super) streams: Vec<Arc<Stream>>,
    after: Option<Name>,
    is_filtered: bool,
}

impl<Name: Ord + std::fmt::Display> Listed<Name> {
    /// The caller's streams that any of the filters means, if there are filters, and
    /// that the page before was about.
    ///
    /// # Errors
    /// If the token is not one of such a list, or too old.
    pub(super) fn new(
        filters: Option<&[StreamFilter]>,
        token: Option<&GivenNextToken>,
        kind: TokenKind,
        name: impl FnOnce(&str) -> Option<Name>,
        call: &Call<'_>,
    ) -> Result<Self, ApiError> {
        let (after, paged) = match token {
            Some(token) => page::open(call, kind, token, |fields| {
                let after = name(fields.next()?)?;
                let paged = match fields.next() {
                    Some(field) => Some(incarnations(field)?),
                    None => None,
                };
                Some((Some(after), paged))
            })?,
            None => (None, None),
        };
        let is_filtered = filters.is_some() || paged.is_some();
        let mut streams = call.own_realm().streams();
        streams.retain(|stream| {
            filters.is_none_or(|filters| filters.iter().any(|filter| filter.means(stream)))
                && paged.as_ref().is_none_or(|paged| paged.contains(&stream.incarnation))
        });
        Ok(Self { streams, after, is_filtered })
    }

    /// One page of what is to be listed, by name, and the token of the next one.
    pub(super) fn page<T>(
        &self,
        mut items: Vec<T>,
        name: impl Fn(&T) -> &Name,
        size: usize,
        kind: TokenKind,
        call: &Call<'_>,
    ) -> (Vec<T>, Option<SealedToken>) {
        items.retain(|item| self.after.as_ref().is_none_or(|after| name(item) > after));
        items.sort_unstable_by(|one, other| name(one).cmp(name(other)));
        let (items, more) = page::cut(items.into_iter(), size);
        let next = items.last().filter(|_| more).map(|last| {
            let meant = self.streams.iter().map(|stream| stream.incarnation.to_string());
            let meant = meant.collect::<Vec<_>>().join(",");
            let fields: [&dyn std::fmt::Display; 2] = [name(last), &meant];
            page::seal(call, kind, &fields[..1 + usize::from(self.is_filtered)])
        });
        (items, next)
    }
}

/// The streams that a page token carries.
fn incarnations(field: &str) -> Option<BTreeSet<u64>> {
    field.split(',').map(|incarnation| incarnation.parse().ok()).collect()
}
