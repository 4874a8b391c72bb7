//! `http::Request` → `http::Response`: the envelope, the clock, the ids.
//!
//! The only room with the clock. It speaks `http` types, so that the SDK's
//! connector and the socket share it; it knows neither axum nor sockets.

mod answer;
pub(crate) mod begin;
pub(crate) mod body;
pub(crate) mod clock;
mod envelope;
mod fan_out;
pub(crate) mod faults;
mod head;
mod health;
pub(crate) mod init;
mod keeping;
pub(crate) mod latency;
mod limits_file;
mod long_poll;
pub(crate) mod recorder;
#[cfg(any(feature = "server", feature = "sdk"))]
mod sdk_waiter;
mod signature;
#[cfg(any(feature = "server", feature = "sdk"))]
pub(crate) mod soon;
mod switches;
mod unsent;
pub(crate) mod waiters;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;

use crate::durable::store::{Resumed, Store};
use crate::engine::Engine;
use crate::engine::chronicle::Chronicle;
use crate::engine::entropy::Entropy;
use crate::model::arn::RealmId;
use crate::model::error::ApiError;
use crate::model::limits::Limits;
use crate::model::settings::Settings;
use crate::model::timestamp::Timestamp;
use crate::operations::{Call, OperationName, Prepared, Reply};
use crate::snapshot::Snapshot;
use crate::wire::Protocol;
use crate::wire::request_bytes::RequestBytes;

use clock::Clock;
use envelope::{Admitted, Refusal};
use fan_out::Events;
use faults::Faults;
use latency::{Delays, Latency};
use long_poll::{LongPoll, Outcome};
use recorder::{Draft, Recorder};
use switches::Switches;
use unsent::Unsent;
use waiters::Waiters;

pub use limits_file::InvalidLimits;

/// Larger request bodies are answered with 413. Ten MiB of data are about
/// 14 MiB of base64 (ours: AWS documents no limit on the body itself).
#[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One emulator, seen from a request.
#[derive(Debug)]
pub(crate) struct Service {
    engine: Engine,
    clock: Clock,
    /// Apart from the engine's, so that its draws do not depend on who asked.
    request_ids: Entropy,
    faults: Faults,
    delays: Delays,
    /// Whether there are any faults or delays.
    switches: Arc<Switches>,
    /// Set when a call has panicked: the emulator has a bug and says so.
    broken: AtomicBool,
    /// Set when nobody is to wait for what may come.
    ending: AtomicBool,
    /// What is remembered for whoever looks inside.
    recorder: Recorder,
    /// Who waits for streams to be made.
    waiters: Waiters,
    /// Where the state is kept that is to survive the process, if anywhere; what
    /// was there at the start, and how long it took to read.
    store: Option<Arc<Store>>,
    resumed: Option<(Resumed, Duration)>,
}

/// A call that may go on to its operation.
struct LetIn {
    operation: OperationName,
    protocol: Protocol,
    caller: RealmId,
    prepared: Box<dyn Prepared>,
    /// There if calls are recorded.
    draft: Option<Box<Draft>>,
}

impl Service {
    fn new(settings: Settings, clock: Clock, store: Option<Arc<Store>>) -> Self {
        let seed = settings.seed;
        let switches = Arc::new(Switches::default());
        let listener = store.clone().map(|store| -> Arc<dyn Chronicle> { store });
        Self {
            recorder: Recorder::new(settings.journal),
            engine: Engine::new(settings, listener),
            clock,
            request_ids: Entropy::new(seed.map(|seed| !seed)),
            faults: Faults::new(seed, Arc::clone(&switches)),
            delays: Delays::new(seed),
            switches,
            broken: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            waiters: Waiters::default(),
            store,
            resumed: None,
        }
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How long calls take.
    pub(crate) fn latency(&self) -> Arc<Latency> {
        self.delays.get()
    }

    /// Sets how long calls take from now on.
    pub(crate) fn set_latency(&self, latency: Latency) {
        let on = latency != Latency::none();
        self.delays.set(latency);
        self.switches.latency(on);
    }

    /// How long an event of a subscription is on its way.
    fn latency_of_event(&self) -> Duration {
        if self.switches.has_latency() { self.delays.of_event() } else { Duration::ZERO }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The limits in force.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        self.engine.limits.all()
    }

    /// The limits in force, if calls and subscriptions use up anything.
    fn throughput(&self) -> Option<Arc<Limits>> {
        self.engine.limits.per_second()
    }

    /// Puts other limits in force, from the next call on.
    pub(crate) fn set_limits(&self, limits: Limits) {
        self.engine.limits.replace(limits);
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.engine.settings
    }

    /// The whole emulator as it is now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let frozen = self.engine.freeze(|| self.clock.now());
        Snapshot::new(frozen, self.request_ids.drawn())
    }

    /// Goes on from a snapshot. The clock never lies before it.
    pub(crate) fn restore(&self, snapshot: &Snapshot) {
        self.clock.advance_to(snapshot.taken());
        // Before calls are kept from going on: it may take its time.
        let written = self.store.as_ref().map(|store| store.prepare_to_restore(snapshot.frozen()));
        let together = self.store.as_ref().map(|store| store.group());
        self.engine.restore(snapshot.frozen());
        self.request_ids.go_on_from(snapshot.request_ids());
        self.note_moment();
        drop(together);
        drop(written);
        // Records that are put from now on can have the numbers of earlier ones.
        self.recorder.recording().reads.clear();
        self.waiters.wake();
    }

    /// The names of the streams of the default account and Region.
    #[cfg(feature = "server")]
    pub(crate) fn stream_names(&self) -> Vec<String> {
        let Settings { account_id, region, .. } = self.settings();
        let home = RealmId { account: account_id.clone(), region: region.clone() };
        let streams = self.engine.realm(&home, self.clock.now()).streams();
        streams.iter().map(|stream| stream.address.name.to_string()).collect()
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    pub(crate) fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    /// Ends subscriptions and long polls, now and from now on: those who listen for
    /// what may come have their connections back.
    #[cfg(feature = "server")]
    pub(crate) fn end_waits(&self) {
        self.ending.store(true, Ordering::Release);
        self.clock.wake_timers();
    }

    /// Whether nobody is to wait for what may come. Whoever waits looks again after
    /// its timer has been set, and so misses nothing.
    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Whether a call has panicked.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Answers a request that no operation gets to see.
    fn turn_away(&self, refusal: Refusal, parts: &http::request::Parts, now: Timestamp) -> Unsent {
        if matches!(refusal, Refusal::Health(_)) {
            return refuse(refusal);
        }
        let error = refusal.error().cloned();
        let answer = refuse(refusal);
        let refused = || envelope::refused_call(parts, error, answer.status, self.settings(), now);
        Unsent { call: self.recorder.file_refused(refused), ..answer }
    }

    /// What stands before an operation: the envelope and the first two gates.
    fn let_in(
        &self,
        parts: &http::request::Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<LetIn, Refusal> {
        let Admitted { operation, protocol, caller } =
            envelope::admit(parts, body, self.settings(), || [now, self.clock.unmoved()])?;
        match self.guarded(|| (operation.prepare)(protocol, body)) {
            Ok(prepared) => {
                let operation = operation.name;
                let who = || envelope::claimed_caller(parts, self.settings());
                let draft = self.recorder.draft(operation, who);
                Ok(LetIn { operation, protocol, caller, prepared, draft })
            }
            Err(error) => Err(Refusal::Api(protocol, error)),
        }
    }

    /// Runs the operation. `failing` are the records of a batch that a fault
    /// rule has chosen.
    fn serve(
        self: &Arc<Self>,
        let_in: LetIn,
        failing: &[(usize, ApiError)],
        now: Timestamp,
    ) -> Outcome {
        self.conclude(let_in, failing, now, |operation, prepared, call| {
            let _together = if prepared.writes() { self.begin_to_write()? } else { None };
            call.admit(operation, &*prepared)?;
            prepared.handle(call)
        })
    }

    /// Answers a call with an error in place of doing what it asks.
    fn reject(self: &Arc<Self>, let_in: LetIn, error: ApiError, now: Timestamp) -> Outcome {
        self.conclude(let_in, &[], now, |_, _, _| Err(error))
    }

    /// Does nothing about a call.
    fn forgo(&self, let_in: LetIn, now: Timestamp) {
        let LetIn { caller, prepared, draft, .. } = let_in;
        let request = &RequestBytes::default();
        let call = Call {
            now,
            caller: &caller,
            engine: &self.engine,
            request,
            failing: &[],
            effect: None,
        };
        if draft.is_some()
            && let Ok(subject) = self.guarded(|| Ok(prepared.subject(&call)))
        {
            self.recorder.file_dropped(draft, &subject, now);
        }
    }

    /// Brings a call to its end: what comes of it is answered and recorded.
    fn conclude(
        self: &Arc<Self>,
        let_in: LetIn,
        failing: &[(usize, ApiError)],
        now: Timestamp,
        end: impl FnOnce(OperationName, Box<dyn Prepared>, &Call<'_>) -> Result<Reply, ApiError>,
    ) -> Outcome {
        let LetIn { operation, protocol, caller, prepared, draft } = let_in;
        let effect = draft.as_ref().map(|draft| &draft.effect);
        let request = &RequestBytes::default();
        let call = Call { now, caller: &caller, engine: &self.engine, request, failing, effect };
        let writes = prepared.writes();
        let handled = self.guarded(|| {
            if let Some(draft) = &draft {
                draft.is_about(prepared.subject(&call));
            }
            end(operation, prepared, &call)
        });
        if operation == OperationName::CreateStream {
            self.waiters.wake();
        }
        match handled {
            Ok(Reply::Receive(receive)) => {
                let since = now;
                let poll = LongPoll { operation, receive, protocol, caller, draft, since };
                Outcome::Wait(Box::new(poll))
            }
            handled => {
                let answer = self.respond(handled, protocol, draft, now);
                Outcome::Answer(Unsent { wrote: writes, ..answer })
            }
        }
    }

    /// Makes an answer of what has come of a call, and records it.
    fn respond(
        self: &Arc<Self>,
        handled: Result<Reply, ApiError>,
        protocol: Protocol,
        draft: Option<Box<Draft>>,
        now: Timestamp,
    ) -> Unsent {
        let error = handled.as_ref().err().filter(|_| draft.is_some()).cloned();
        let answer = match handled {
            Ok(Reply::Body(body)) => Unsent::new(StatusCode::OK, protocol.content_type(), body),
            Ok(Reply::Receive(_)) => unreachable!("a call that waits has no answer yet"),
            Ok(Reply::Subscription(subscription)) => {
                Unsent::events(Events::new(Arc::clone(self), subscription, protocol))
            }
            Err(error) => Unsent::error(protocol, &error),
        };
        Unsent { call: self.recorder.file(draft, error.as_ref(), now), ..answer }
    }

    /// Makes a panic an InternalFailure, and remembers it.
    fn guarded<T>(&self, work: impl FnOnce() -> Result<T, ApiError>) -> Result<T, ApiError> {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_panic| {
            // The panic's own message has been printed by its hook.
            self.broken.store(true, Ordering::Release);
            Err(ApiError::internal_failure())
        })
    }
}

fn refuse(refusal: Refusal) -> Unsent {
    match refusal {
        Refusal::Api(protocol, error) => Unsent::error(protocol, &error),
        Refusal::Health(page) => Unsent::new(StatusCode::OK, "application/json", page),
        Refusal::AccessDenied => Unsent::without_type(
            StatusCode::FORBIDDEN,
            "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be \
             authorized</Message>\n</AccessDeniedException>\n",
        ),
        Refusal::UnknownContentType => {
            Unsent::without_type(StatusCode::NOT_FOUND, "<UnknownOperationException/>\n")
        }
        Refusal::PlainJson(status, kind) => Unsent::new(
            status,
            "application/json",
            format!(
                r#"{{"Output":{{"__type":"com.amazon.coral.service#{kind}"}},"Version":"1.0"}}"#
            ),
        ),
    }
}
