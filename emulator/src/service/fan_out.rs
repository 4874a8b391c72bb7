//! Drives subscriptions: from what an engine's subscription says at a time to
//! the frames that a client gets.
//!
//! A client that reads slowly is not waited for by anybody else: the next
//! event is made when the client asks for it, from where the client stands.

use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;

use crate::engine::subscription::{Poll, Subscription};
use crate::model::timestamp::Timestamp;
use crate::operations::event_frame;
use crate::wire::{Protocol, event_stream};

use super::Service;

/// The body of a SubscribeToShard answer.
#[derive(Debug)]
pub(crate) struct Events {
    pub(super) service: Arc<Service>,
    subscription: Box<Subscription>,
    protocol: Protocol,
    phase: Phase,
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub(super) timer: Option<super::clock::Timer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing has been sent.
    Opening,
    Running,
    Over,
}

/// What there is to do for a client.
pub(super) enum Step {
    Send(Bytes),
    /// Nothing before this time, unless the waker is woken.
    #[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
    WaitUntil(Timestamp),
    End,
}

impl Events {
    pub(super) fn new(
        service: Arc<Service>,
        subscription: Box<Subscription>,
        protocol: Protocol,
    ) -> Self {
        Self {
            service,
            subscription,
            protocol,
            phase: Phase::Opening,
            #[cfg(any(feature = "server", feature = "sdk"))]
            timer: None,
        }
    }

    /// The next frame, or when to ask again.
    pub(super) fn next(&mut self, waker: &Waker) -> Step {
        match self.phase {
            Phase::Opening => {
                self.phase = Phase::Running;
                Step::Send(event_stream::initial_response(self.protocol).into())
            }
            Phase::Running => self.next_event(waker),
            Phase::Over => Step::End,
        }
    }

    fn next_event(&mut self, waker: &Waker) -> Step {
        let clock = self.service.clock();
        clock.watch(self.subscription.id(), waker);
        let now = clock.now();
        match self.subscription.poll(now, waker) {
            Poll::Event(event) => {
                self.service.recorder.pushed(&self.subscription, &event, now);
                let stream = self.subscription.stream();
                Step::Send(event_frame(event, stream, self.protocol).into())
            }
            Poll::WaitUntil(time) => Step::WaitUntil(time),
            Poll::End => {
                self.phase = Phase::Over;
                Step::End
            }
            Poll::Failed(error) => {
                self.phase = Phase::Over;
                Step::Send(event_stream::exception(self.protocol, &error).into())
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.service.clock().unwatch(self.subscription.id());
    }
}
