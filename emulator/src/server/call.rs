//! A call, from its head until its answer has been taken.

use std::sync::Arc;

use super::app::App;
use super::control::Peer;
use super::in_flight::Share;
use super::patience::Calls;
use super::refusal::Refusal;

/// The other end of a connection. Calls of one connection share it, and nothing
/// that calls of others write to.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) app: Arc<App>,
    pub(super) peer: Option<Peer>,
    pub(super) calls: Arc<Calls>,
}

/// A call that is open, and has its share of memory, until this is dropped.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub(super) client: Arc<Client>,
    share: Share,
}

impl OpenCall {
    pub(super) fn begin(client: &Arc<Client>) -> Self {
        client.calls.begin();
        Self { client: Arc::clone(client), share: Share::default() }
    }

    /// Has a share be enough for a body of so many bytes.
    ///
    /// # Errors
    /// If that is not there.
    pub(super) fn grow(&mut self, body_bytes: usize) -> Result<(), Refusal> {
        let is_there = self.client.app.in_flight.grow(&mut self.share, body_bytes);
        is_there.then_some(()).ok_or(Refusal::Busy)
    }

    /// The call has an answer of so many bytes and no body any more.
    pub(super) fn become_answer(&mut self, bytes: usize) {
        self.client.app.in_flight.become_answer(&mut self.share, bytes);
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.client.calls.end();
        self.client.app.in_flight.give_back(&mut self.share);
    }
}
