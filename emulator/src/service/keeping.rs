//! State that is to survive the process: a call is answered when what was told
//! before its answer is safe, and calls that write are refused while nothing can
//! be kept. Reads go on.

use std::sync::{Arc, Weak};
use std::time::Duration;

use http::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

use crate::durable::commit_log::{CommitLog, Group};
use crate::durable::durability::Refusal;
use crate::durable::store::{Resumed, Store};
use crate::durable::waiting::Durable;
use crate::model::error::ApiError;
use crate::snapshot::Snapshot;
use crate::wire::Protocol;

use super::Service;
use super::body::Body;
#[cfg(any(feature = "server", feature = "sdk"))]
use super::soon::Soon;
use super::unsent::status_of;

/// Ready when what was told is safe.
pub(super) type Keeping = Durable<Arc<CommitLog>>;

/// Marks the answer of a call that may have written something.
#[derive(Debug, Clone, Copy)]
struct Wrote;

impl Service {
    /// What the data directory had when the emulator was started, if it had
    /// anything, and how long it took to read.
    #[cfg_attr(not(feature = "server"), allow(dead_code))]
    pub(crate) fn resumed(&self) -> Option<&(Resumed, Duration)> {
        self.resumed.as_ref()
    }

    /// Has what a call that writes tells be kept together.
    ///
    /// # Errors
    /// If nothing can be kept just now: then nothing is changed.
    pub(super) fn begin_to_write(&self) -> Result<Option<Group<'_>>, ApiError> {
        let Some(store) = &self.store else { return Ok(None) };
        store.log().admit().map_err(ApiError::not_kept)?;
        Ok(Some(store.group()))
    }

    /// Marks an answer as no good unless what its call wrote is kept.
    pub(super) fn mark_as_written(&self, response: &mut Response<Body>) {
        if self.store.is_some() {
            response.extensions_mut().insert(Wrote);
        }
    }

    /// The answer, when all that it can be about is safe.
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub(super) fn keep(self: &Arc<Self>, response: Response<Body>) -> Soon<Response<Body>> {
        let is_safe = |store: &Arc<Store>| store.log().is_durable(store.written());
        if self.store.as_ref().is_none_or(is_safe) {
            return Soon::Now(response);
        }
        let service = Arc::clone(self);
        Soon::later(async move { kept_or_not(response, service.kept().await) })
    }

    /// The same for a thread that can block.
    pub(super) fn keep_blocking(&self, response: Response<Body>) -> Response<Body> {
        kept_or_not(response, self.kept_blocking())
    }

    /// Ready when all that has been told so far is safe.
    ///
    /// # Errors
    /// If it cannot be kept now.
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub(crate) async fn kept(&self) -> Result<(), Refusal> {
        match &self.store {
            // A runtime with nothing else to do would let its time run on.
            Some(_) if self.clock.is_tokio() => self.kept_blocking(),
            Some(store) => store.log().durable(store.written()).await,
            None => Ok(()),
        }
    }

    /// Returns when all that has been told so far is safe.
    ///
    /// # Errors
    /// If it cannot be kept now.
    pub(crate) fn kept_blocking(&self) -> Result<(), Refusal> {
        match &self.store {
            Some(store) => store.log().wait_until_durable(store.written()),
            None => Ok(()),
        }
    }

    /// Ready when all that has been told so far is safe; nothing if it is.
    pub(super) fn keeping(&self) -> Option<Keeping> {
        let store = self.store.as_ref()?;
        #[cfg(any(feature = "server", feature = "sdk"))]
        if self.clock.is_tokio() {
            // As above. What is read is true, whether or not it can be kept.
            let _kept = self.kept_blocking();
            return None;
        }
        let written = store.written();
        let waits = !store.log().is_durable(written);
        waits.then(|| Durable::new(Arc::clone(store.log()), written))
    }

    /// Notes how far time and chance have got.
    pub(crate) fn note_moment(&self) {
        if let Some(store) = &self.store {
            let ids = self.engine.entropy.drawn();
            store.note_moment(self.clock.now_on_any_thread(), ids, self.request_ids.drawn());
        }
    }

    /// Keeps everything that was told, and nothing from now on.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub(crate) fn close(&self) -> Result<(), Refusal> {
        let Some(store) = &self.store else { return Ok(()) };
        if store.log().admit() != Err(Refusal::Closed) {
            self.note_moment();
        }
        store.close()
    }

    /// Has a thread see to it that the directory gets smaller when it can.
    ///
    /// # Errors
    /// If there can be no thread.
    pub(super) fn look_after_store(self: &Arc<Self>) -> std::io::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let (kept, service) = (Arc::clone(store), Arc::downgrade(self));
        store.look_after(move || look_after(&kept, &service))
    }

    /// Writes a checkpoint if the directory is too large for what is in it.
    fn compact(&self, store: &Store) -> Result<(), Refusal> {
        if !store.may_be_too_large() {
            return Ok(());
        }
        let holdings = self.engine.holdings(self.clock.now_on_any_thread());
        if !store.is_too_large(&holdings) {
            return Ok(());
        }
        let mut rotation = None;
        let frozen = self.engine.freeze(|| {
            rotation = Some(store.rotate());
            self.clock.now_on_any_thread()
        });
        let rotation = rotation.expect("a freeze asks for the time");
        let snapshot = Snapshot::new(frozen, self.request_ids.drawn());
        store.write_checkpoint(&rotation, &snapshot, &holdings)
    }
}

fn look_after(store: &Store, service: &Weak<Service>) {
    while store.wait_for_check() {
        let Some(service) = service.upgrade() else { return };
        // Those who write are told; the next look tries again.
        if let Err(why) = service.compact(store) {
            eprintln!("kinesis-emulator: no checkpoint could be written: {why}");
        }
    }
}

/// An error in place of the answer of a call that may have written something, if it
/// is not kept. What reads answer is true all the same.
fn kept_or_not(response: Response<Body>, kept: Result<(), Refusal>) -> Response<Body> {
    let Err(why) = kept else { return response };
    if response.extensions().get::<Wrote>().is_none() {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let is_cbor =
        parts.headers.get(CONTENT_TYPE).is_some_and(|found| found == Protocol::Cbor.content_type());
    let protocol = if is_cbor { Protocol::Cbor } else { Protocol::Json };
    let error = ApiError::not_kept(why);
    let body = protocol.encode_error(&error);
    parts.status = status_of(&error);
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    Response::from_parts(parts, Body::Full(body.into()))
}

#[cfg(test)]
mod tests;
