//! A request's body, while it comes.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use hyper::body::Incoming;

use crate::service::BODY_BYTES_MAX;

use super::call::OpenCall;
use super::refusal::Refusal;

/// Puts the pieces of a body together. One that came in one piece, as most do, is
/// not copied; many tiny ones take no more memory than a large one.
pub(super) struct Receiving {
    body: Incoming,
    bytes_max: usize,
    declared_bytes: usize,
    first: Bytes,
    all: BytesMut,
    /// How much of a body that is too large has been thrown away.
    discarded_bytes: Option<usize>,
}

/// A body that is too large is taken to its end, if that is not further than this: most
/// clients read no answer before they have sent all.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

impl Receiving {
    /// Begins with a body that may have so many bytes.
    pub(super) fn new(body: Incoming, bytes_max: usize) -> Self {
        let declared_bytes = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let discarded_bytes = (declared_bytes > bytes_max).then_some(0);
        let (first, all) = (Bytes::new(), BytesMut::new());
        Self { body, bytes_max, declared_bytes, first, all, discarded_bytes }
    }

    /// The whole body, if it has come. Most have come with their heads.
    pub(super) fn poll(
        &mut self,
        call: &mut OpenCall,
        context: &mut Context<'_>,
    ) -> Poll<Result<Bytes, Refusal>> {
        while let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(context)) {
            // The client has gone in the middle of its body: nobody reads this.
            let Ok(frame) = frame else { return Poll::Ready(Err(Refusal::BodyCutShort)) };
            if let Ok(piece) = frame.into_data()
                && let Err(refusal) = self.add(piece, call)
            {
                return Poll::Ready(Err(refusal));
            }
        }
        if self.discarded_bytes.is_some() {
            return Poll::Ready(Err(Refusal::BodyTooLarge(self.bytes_max)));
        }
        let is_one_piece = self.all.is_empty();
        Poll::Ready(Ok(if is_one_piece {
            std::mem::take(&mut self.first)
        } else {
            std::mem::take(&mut self.all).freeze()
        }))
    }

    fn add(&mut self, piece: Bytes, call: &mut OpenCall) -> Result<(), Refusal> {
        if let Some(discarded) = &mut self.discarded_bytes {
            *discarded += piece.len();
            let is_enough = *discarded > DISCARDED_BYTES_MAX;
            return if is_enough { Err(Refusal::BodyTooLarge(self.bytes_max)) } else { Ok(()) };
        }
        let bytes = self.first.len().max(self.all.len()) + piece.len();
        if bytes > self.bytes_max {
            self.discarded_bytes = Some(bytes);
            (self.first, self.all) = (Bytes::new(), BytesMut::new());
            return Ok(());
        }
        call.grow(bytes)?;
        if self.first.is_empty() {
            self.first = piece;
            return Ok(());
        }
        if self.all.is_empty() {
            // What a client says is to come counts for nothing before it has come: no
            // more is reserved for it than a call may have.
            self.all.reserve(self.declared_bytes.min(BODY_BYTES_MAX).max(bytes));
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&piece);
        Ok(())
    }

    /// The whole body, for as long as it may take from now on.
    pub(super) async fn rest(mut self, call: &mut OpenCall) -> Result<Bytes, Refusal> {
        let within = call.client.app.body_within;
        let whole = poll_fn(|context| self.poll(call, context));
        match within {
            None => whole.await,
            Some(within) => {
                tokio::time::timeout(within, whole).await.unwrap_or(Err(Refusal::BodyTooSlow))
            }
        }
    }
}
