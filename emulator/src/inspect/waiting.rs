//! Waiting for records: woken by the put that stores the last of them, by any
//! change of the stream, and by its making. Rust tests wait within a limit that a
//! thread keeps; the control API has a runtime with timers, and needs neither.

use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::engine::stream::Stream;
use crate::engine::topology::Shard;
use crate::model::shard_id::ShardIndex;

use super::deadline::Deadline;
use super::{Record, StreamView, listed};

/// Ready when a stream, or one shard of it, has as many records as wanted. It waits
/// for as long as it is not dropped.
pub(super) struct Waiting {
    view: StreamView,
    /// The shard whose records alone count.
    shard: Option<ShardIndex>,
    wanted: usize,
    /// Tells who waits from all others who do.
    id: u64,
    /// The streams of the name that were seen, each with our waker.
    watched: Vec<Arc<Stream>>,
}

impl Waiting {
    pub(super) fn new(view: StreamView, shard: Option<ShardIndex>, wanted: usize) -> Self {
        let id = view.service().engine().next_reader();
        Self { view, shard, wanted, id, watched: Vec::new() }
    }

    /// How many records there are now. The waker is woken when there are more:
    /// it is registered before, so that no record falls between.
    fn count(&mut self, waker: &Waker) -> usize {
        self.view.service().waiters().watch(self.id, waker);
        let Some(stream) = self.view.find() else { return 0 };
        if !self.watched.iter().any(|known| Arc::ptr_eq(known, &stream)) {
            self.watched.push(Arc::clone(&stream));
        }
        stream.watch(self.id, waker);
        let now = self.view.now();
        let mut before = Vec::new();
        let state = stream.state();
        let horizon = state.horizon(now);
        let counts_in = |shard: &&Shard| self.shard.is_none_or(|wanted| wanted == shard.index);
        let counts = state.topology.shards().iter().filter(counts_in).map(|shard| {
            let mut log = shard.log.lock();
            before.extend(log.readers_at_end.register(self.id, waker));
            log.end() - log.index_at(horizon)
        });
        let count = counts.sum::<u64>() as usize;
        drop(state);
        drop(before);
        count
    }
}

impl Future for Waiting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.count(context.waker()) < self.wanted {
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.view.service().waiters().unwatch(self.id);
        for stream in &self.watched {
            stream.unwatch(self.id);
            let state = stream.state();
            let shards = state.topology.shards().iter();
            let forget = |shard: &Shard| shard.log.lock().readers_at_end.remove(self.id);
            let wakers: Vec<_> = shards.filter_map(forget).collect();
            drop(state);
            drop(wakers);
        }
    }
}

/// Waits for a stream's records, and panics when a limit in real time has passed.
pub(super) struct LimitedWaiting {
    waiting: Waiting,
    limit: Duration,
    /// Begins when there is something to wait for.
    deadline: Option<Deadline>,
    asked_at: &'static Location<'static>,
}

impl LimitedWaiting {
    #[track_caller]
    pub(super) fn new(view: StreamView, wanted: usize, limit: Duration) -> Self {
        let asked_at = Location::caller();
        Self { waiting: Waiting::new(view, None, wanted), limit, deadline: None, asked_at }
    }

    fn give_up(&self) -> ! {
        let Self { waiting: Waiting { view, wanted, .. }, limit, asked_at, .. } = self;
        let plural = if *wanted == 1 { "" } else { "s" };
        let found = match view.try_records() {
            None => view.missing(),
            Some(records) => match records.len() {
                0 => "there are none".to_owned(),
                1 => format!("there is 1:{}", listed(records.iter(), "  ")),
                count => format!("there are {count}:{}", listed(records.iter(), "  ")),
            },
        };
        panic!(
            "waited {} for {wanted} record{plural} in {view} ({asked_at}): {found}",
            seconds(*limit)
        );
    }
}

impl Future for LimitedWaiting {
    type Output = Vec<Record>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Vec<Record>> {
        if Pin::new(&mut self.waiting).poll(context).is_ready() {
            return Poll::Ready(self.waiting.view.try_records().unwrap_or_default());
        }
        let limit = self.limit;
        let deadline = self.deadline.get_or_insert_with(|| Deadline::after(limit));
        if deadline.has_passed(context.waker()) {
            self.give_up();
        }
        Poll::Pending
    }
}

fn seconds(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{} ms", duration.as_millis()),
    }
}

/// Waits on this thread.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
