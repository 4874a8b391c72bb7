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
use super::faults::Ending;
use super::keeping::Keeping;

/// How often a connection gets its turn before it is cut: what was handed to it
/// before is on its way then, as far as the client takes it.
const TURNS_BEFORE_A_CUT: u32 = 8;

/// The body of a SubscribeToShard answer.
#[derive(Debug)]
pub(crate) struct Events {
    pub(super) service: Arc<Service>,
    subscription: Box<Subscription>,
    protocol: Protocol,
    phase: Phase,
    events_sent: u64,
    /// How a fault rule ends it, and after how many events.
    ending: Option<(u64, Ending)>,
    /// An event that is on its way, and when it arrives.
    on_its_way: Option<(Timestamp, Bytes)>,
    /// Ready when what the event on its way tells of is safe.
    pub(super) keeping: Option<Keeping>,
    /// Whether events take time.
    waits: bool,
    #[cfg(any(feature = "server", feature = "sdk"))]
    pub(super) timer: Option<super::clock::Timer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing has been sent.
    Opening,
    Running,
    /// A fault rule cuts it after so many turns.
    Cutting(u32),
    Over,
}

/// What there is to do for a client.
pub(super) enum Step {
    Send(Bytes),
    /// Nothing before this time, unless the waker is woken.
    #[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
    WaitUntil(Timestamp),
    /// Nothing before [`Events::keeping`] is ready.
    Keep,
    /// Nothing more until what was sent has had a turn to go out.
    Flush,
    /// The connection is dropped.
    Cut,
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
            events_sent: 0,
            ending: None,
            on_its_way: None,
            keeping: None,
            waits: true,
            #[cfg(any(feature = "server", feature = "sdk"))]
            timer: None,
        }
    }

    /// Has it end after a number of events, whatever there is to send.
    pub(super) fn end_after(&mut self, events: u64, ending: Ending) {
        self.ending = Some((events, ending));
    }

    /// Sends events without delay from now on.
    pub(super) fn do_not_wait(&mut self) {
        self.waits = false;
    }

    /// The next frame, or when to ask again.
    pub(super) fn next(&mut self, waker: &Waker) -> Step {
        match self.phase {
            Phase::Opening => {
                self.phase = Phase::Running;
                Step::Send(event_stream::initial_response(self.protocol).into())
            }
            Phase::Running if self.is_to_end() => self.end_early(),
            Phase::Running if self.service.is_ending() => {
                self.phase = Phase::Over;
                Step::End
            }
            Phase::Running => self.next_event(waker),
            Phase::Cutting(turns) => {
                self.phase = turns.checked_sub(1).map_or(Phase::Over, Phase::Cutting);
                if turns > 0 { Step::Flush } else { Step::Cut }
            }
            Phase::Over => Step::End,
        }
    }

    fn is_to_end(&self) -> bool {
        self.ending.as_ref().is_some_and(|(after, _)| self.events_sent >= *after)
    }

    /// Ends it as a fault rule wants it.
    fn end_early(&mut self) -> Step {
        match self.ending.take() {
            Some((_, Ending::Exception(error))) => {
                self.phase = Phase::Over;
                Step::Send(event_stream::exception(self.protocol, &error).into())
            }
            Some((_, Ending::Cut)) | None => {
                self.phase = Phase::Cutting(TURNS_BEFORE_A_CUT);
                Step::Flush
            }
        }
    }

    fn next_event(&mut self, waker: &Waker) -> Step {
        let service = Arc::clone(&self.service);
        let clock = service.clock();
        if let Some((arrival, frame)) = self.on_its_way.take() {
            return self.deliver(arrival, frame);
        }
        let limits = self.service.throughput();
        let now = clock.now();
        match self.subscription.poll(now, limits.as_deref(), waker) {
            Poll::Event(event) => {
                self.service.recorder.pushed(&self.subscription, &event, now);
                let stream = self.subscription.stream();
                let frame = event_frame(event, stream, self.protocol).into();
                self.keeping = self.service.keeping();
                self.deliver(clock.now().plus(service.latency_of_event()), frame)
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

impl Events {
    /// Sends an event that arrives at a time.
    fn deliver(&mut self, arrival: Timestamp, frame: Bytes) -> Step {
        if self.waits && self.service.clock().now() < arrival {
            self.on_its_way = Some((arrival, frame));
            return Step::WaitUntil(arrival);
        }
        if self.keeping.is_some() {
            self.on_its_way = Some((arrival, frame));
            return Step::Keep;
        }
        self.events_sent += 1;
        Step::Send(frame)
    }
}
