//! Calls that are answered when there is something to answer: receives from
//! queues. A wait goes by the emulator's clock, and a client that goes away
//! takes its wait with it.

use std::sync::Arc;

use http::Response;
use http::request::Parts;

use crate::engine::deliveries::Delivered;
use crate::engine::receive::Receive;
use crate::model::arn::RealmId;
use crate::model::error::ApiError;
use crate::model::timestamp::Timestamp;
use crate::operations::{Call, OperationName, answer_receive};
use crate::wire::Protocol;
use crate::wire::request_bytes::RequestBytes;

use super::Service;
use super::body::Body;
use super::recorder::Draft;
use super::unsent::Unsent;

/// What has come of a call so far.
pub(super) enum Outcome {
    Answer(Unsent),
    Wait(Box<LongPoll>),
}

/// A receive that has found nothing yet.
pub(super) struct LongPoll {
    pub(super) operation: OperationName,
    pub(super) receive: Box<Receive>,
    pub(super) protocol: Protocol,
    pub(super) caller: RealmId,
    pub(super) draft: Option<Box<Draft>>,
    /// When it began to wait.
    pub(super) since: Timestamp,
}

impl LongPoll {
    /// Ends the wait.
    fn end(
        self,
        service: &Arc<Service>,
        received: Result<Vec<Delivered>, ApiError>,
        now: Timestamp,
    ) -> Unsent {
        let Self { operation, receive, protocol, caller, draft, since } = self;
        let effect = draft.as_ref().map(|draft| &draft.effect);
        let engine = &service.engine;
        let request = &RequestBytes::default();
        let call = Call { now, caller: &caller, engine, request, failing: &[], effect };
        let answer = service
            .guarded(|| received.map(|records| answer_receive(&receive, records, &call, protocol)));
        let answer = Unsent { wrote: true, ..service.respond(answer, protocol, draft, since) };
        service.tell_of_answer(operation);
        answer
    }

    /// Ends the wait now, with nothing.
    pub(super) fn give_up(self, service: &Arc<Service>) -> Unsent {
        let now = self.since;
        self.end(service, Ok(Vec::new()), now)
    }
}

/// A request whose call waits, with what its answer needs of it.
pub(super) struct Waiting {
    pub(super) poll: Box<LongPoll>,
    pub(super) parts: Parts,
    pub(super) received: Timestamp,
}

impl Waiting {
    /// Ends the wait now, with nothing.
    pub(super) fn give_up(self, service: &Arc<Service>) -> Response<Body> {
        let now = self.poll.since;
        let answer = self.poll.give_up(service);
        service.complete(answer, self.parts, self.received, now)
    }
}

#[cfg(any(feature = "server", feature = "sdk"))]
mod waiting {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use http::Response;

    use super::Waiting;
    use crate::engine::deliveries::Delivered;
    use crate::engine::receive;
    use crate::model::error::ApiError;
    use crate::model::timestamp::Timestamp;
    use crate::service::Service;
    use crate::service::body::Body;
    use crate::service::clock::Timer;

    impl Waiting {
        /// Waits for records, or for the end of the wait.
        pub(in crate::service) async fn answer(mut self, service: &Arc<Service>) -> Response<Body> {
            let mut timer = None;
            let (received, now) =
                poll_fn(|context| self.poll_receive(service, &mut timer, context)).await;
            let answer = self.poll.end(service, received, now);
            service.complete(answer, self.parts, self.received, now)
        }

        fn poll_receive(
            &mut self,
            service: &Service,
            timer: &mut Option<Timer>,
            context: &mut Context<'_>,
        ) -> Poll<(Result<Vec<Delivered>, ApiError>, Timestamp)> {
            loop {
                let now = service.clock.now();
                let limits = service.throughput();
                let receive = &mut self.poll.receive;
                let waker = Some(context.waker());
                let polled = service.guarded(|| {
                    let _together = service.begin_to_write()?;
                    receive.poll(now, limits.as_deref(), waker)
                });
                match polled {
                    Ok(receive::Poll::Ready(records)) => return Poll::Ready((Ok(records), now)),
                    Err(error) => return Poll::Ready((Err(error), now)),
                    Ok(receive::Poll::WaitUntil(_)) if service.is_ending() => {
                        return Poll::Ready((Ok(Vec::new()), now));
                    }
                    Ok(receive::Poll::WaitUntil(time)) => {
                        let elapsed = timer.insert(service.clock.timer(time)).poll(context);
                        // The time, or the end, may have come between looking and waiting.
                        if elapsed.is_pending() && !service.is_ending() {
                            return Poll::Pending;
                        }
                    }
                }
            }
        }
    }
}
