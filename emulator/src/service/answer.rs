//! From a request to its answer, and what is to happen to it on the way: faults
//! and latency, between the first two gates and the work itself.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::model::timestamp::Timestamp;
use crate::operations::{Call, OperationName};
use crate::wire::request_bytes::RequestBytes;

use super::body::{Body, Dropped};
use super::envelope;
use super::faults::{Asked, Commit, Patience, Verdict};
use super::head::is_preflight;
use super::long_poll::{Outcome, Waiting};
use super::unsent::{Content, Unsent};
use super::{LetIn, Service};

/// What a call that cannot be cut off gets in place of that (ours).
const DROPPED: &str = "A fault rule of kinesis-emulator drops the connection here.\n";

impl Service {
    /// Answers a request at once, whatever it is: it is not delayed and not held,
    /// and where its connection would be dropped it gets 502.
    pub(crate) fn call(self: &Arc<Self>, request: Request<Bytes>) -> Response<Body> {
        let response = self.at_once(request).unwrap_or_else(|waiting| waiting.give_up(self));
        self.keep_blocking(response)
    }

    /// The same, but for a call that has nothing to answer yet.
    fn at_once(self: &Arc<Self>, request: Request<Bytes>) -> Result<Response<Body>, Box<Waiting>> {
        let now = self.clock.now();
        let (parts, body) = request.into_parts();
        if is_preflight(&parts) {
            return Ok(self.complete(Unsent::empty(), parts, now, now));
        }
        let answer = match self.let_in(&parts, &body, now) {
            Ok(let_in) => {
                let verdict = self.verdict(&let_in, &parts, now, Patience::None);
                match self.carry_out(let_in, verdict, now) {
                    Ok(Outcome::Answer(answer)) => answer,
                    Ok(Outcome::Wait(poll)) => {
                        return Err(Box::new(Waiting { poll, parts, received: now }));
                    }
                    Err(Dropped) => Unsent::new(StatusCode::BAD_GATEWAY, "text/plain", DROPPED),
                }
            }
            Err(refusal) => self.turn_away(refusal, &parts, now),
        };
        Ok(self.complete(answer, parts, now, now))
    }

    /// What the fault rules say about a call.
    fn verdict(
        &self,
        let_in: &LetIn,
        parts: &http::request::Parts,
        now: Timestamp,
        patience: Patience,
    ) -> Verdict {
        if !self.switches.has_rules() || !self.faults.concern(let_in.operation) {
            return Verdict::Pass;
        }
        let LetIn { operation, caller, prepared, .. } = let_in;
        let request = &RequestBytes::default();
        let call = Call { now, caller, engine: &self.engine, request, failing: &[], effect: None };
        let subject = match self.guarded(|| Ok(prepared.subject(&call))) {
            Ok(subject) => subject,
            Err(bug) => return Verdict::Reject(bug),
        };
        let access_key = envelope::access_key(parts).unwrap_or_default();
        let (operation, subject) = (*operation, &subject);
        let asked = Asked { operation, subject, caller, access_key: &access_key, now };
        self.faults.verdict(&asked, patience)
    }

    /// Does what was asked, or what a rule has decided. Waiting is over by now.
    fn carry_out(
        self: &Arc<Self>,
        let_in: LetIn,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<Outcome, Dropped> {
        let operation = let_in.operation;
        let answer = match verdict {
            Verdict::Pass | Verdict::Delay(_) | Verdict::Hold(_) => {
                Ok(self.serve(let_in, &[], now))
            }
            Verdict::Reject(error) => Ok(self.reject(let_in, error, now)),
            Verdict::FailRecords(failing) => Ok(self.serve(let_in, &failing, now)),
            Verdict::Drop(Commit::Before) => {
                self.forgo(let_in, now);
                Err(Dropped)
            }
            Verdict::Drop(Commit::After) => {
                let answer = match self.serve(let_in, &[], now) {
                    Outcome::Answer(answer) => answer,
                    Outcome::Wait(poll) => poll.give_up(self),
                };
                self.recorder.answer_dropped(answer.call);
                Err(Dropped)
            }
            Verdict::End { after_events, ending } => {
                let mut outcome = self.serve(let_in, &[], now);
                if let Outcome::Answer(Unsent { content: Content::Events(events), .. }) =
                    &mut outcome
                {
                    events.end_after(after_events, ending);
                }
                Ok(outcome)
            }
        };
        // A call that waits tells of its answer when it has one.
        if !matches!(answer, Ok(Outcome::Wait(_))) {
            self.tell_of_answer(operation);
        }
        answer
    }

    /// Ends the hold of calls that a rule holds until one of this operation is answered.
    pub(super) fn tell_of_answer(&self, operation: OperationName) {
        if self.switches.has_rules() {
            self.faults.answered(operation);
        }
    }
}

#[cfg(any(feature = "server", feature = "sdk"))]
mod waiting {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use http::{Request, Response};

    use crate::model::timestamp::Timestamp;
    use crate::service::Service;
    use crate::service::body::{Body, Dropped};
    use crate::service::faults::{Patience, Verdict};
    use crate::service::head::is_preflight;
    use crate::service::long_poll::{Outcome, Waiting};
    use crate::service::soon::Soon;
    use crate::service::unsent::Unsent;

    impl Service {
        /// Answers a request, whatever it is, when it is time to.
        ///
        /// # Errors
        /// If the connection is to be dropped in place of an answer.
        pub(crate) fn answer(
            self: &Arc<Self>,
            request: Request<Bytes>,
        ) -> Soon<Result<Response<Body>, Dropped>> {
            let not_before = self.waiters_time(&request);
            if not_before.is_none() && self.switches.all_off() {
                return match self.at_once(request) {
                    Ok(response) => self.keep(response).map(Ok),
                    Err(waiting) => {
                        let service = Arc::clone(self);
                        Soon::later(async move {
                            let response = waiting.answer(&service).await;
                            Ok(service.keep(response).wait().await)
                        })
                    }
                };
            }
            let service = Arc::clone(self);
            Soon::later(async move {
                if let Some(time) = not_before {
                    service.wait_until(time).await;
                }
                let response = service.disturbed(request).await?;
                Ok(service.keep(response).wait().await)
            })
        }

        /// Answers a request of which a rule or a latency may have something to say.
        async fn disturbed(
            self: &Arc<Self>,
            request: Request<Bytes>,
        ) -> Result<Response<Body>, Dropped> {
            let received = self.clock.now();
            let mut arrived = received;
            let (parts, body) = request.into_parts();
            if is_preflight(&parts) {
                return Ok(self.complete(Unsent::empty(), parts, received, received));
            }
            let let_in = match self.let_in(&parts, &body, received) {
                Ok(let_in) => let_in,
                Err(refusal) => {
                    self.wait_until(arrived.plus(self.latency_of(None))).await;
                    let answer = self.turn_away(refusal, &parts, received);
                    return Ok(self.complete(answer, parts, received, self.clock.now()));
                }
            };
            drop(body);
            let operation = let_in.operation;
            let mut verdict = self.verdict(&let_in, &parts, received, Patience::Endless);
            let mut delay = Duration::ZERO;
            match verdict {
                Verdict::Hold(held) => {
                    held.await;
                    arrived = self.clock.now();
                    verdict = Verdict::Pass;
                }
                Verdict::Delay(duration) => {
                    delay = duration;
                    verdict = Verdict::Pass;
                }
                _ => {}
            }
            // From its arrival on: whoever has seen it arrive can move the clock.
            self.wait_until(arrived.plus(delay).plus(self.latency_of(Some(operation)))).await;
            let now = self.clock.now();
            Ok(match self.carry_out(let_in, verdict, now)? {
                Outcome::Answer(answer) => self.complete(answer, parts, received, now),
                Outcome::Wait(poll) => Waiting { poll, parts, received }.answer(self).await,
            })
        }

        fn latency_of(&self, operation: Option<crate::operations::OperationName>) -> Duration {
            if self.switches.has_latency() {
                self.delays.of_call(operation)
            } else {
                Duration::ZERO
            }
        }

        /// Waits for a time on the emulator's clock.
        async fn wait_until(&self, time: Timestamp) {
            if time > self.clock.now() {
                self.clock.timer(time).await;
            }
        }
    }
}
