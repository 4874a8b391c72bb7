//! A connection whose client can be slow only for so long.
//!
//! * The head of a request has a time to come whole, from its first byte on, and
//!   so has the first request of a connection (HTTP/1; over HTTP/2 clients say
//!   other things, too).
//! * A connection without a call is closed when nothing has come for a while: once
//!   to twice as long as the limit says, because the clock is not read for every
//!   call, only when the time is up.
//! * One whose client does not take what is sent is cut after the same while.
//!
//! While a call is open a client may be silent: it waits for us. Sockets live in
//! real time, whatever clock the emulator goes by.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::client_limits::ClientLimits;

/// The calls of one connection.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: AtomicUsize,
    begun: AtomicUsize,
}

impl Calls {
    /// A call begins: it is open until it ends.
    pub(super) fn begin(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream of bytes with an end to the patience for its other side.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    calls: Arc<Calls>,
    speaks_http2: bool,
    /// How often something has come.
    reads: usize,
    /// How many calls had begun when the head began that is being read, if one is.
    begun_before_head: Option<usize>,
    head: Stopwatch,
    silence: Stopwatch,
    before_silence: Activity,
    unread: Stopwatch,
}

/// What has happened on a connection. Two that are the same have nothing between
/// them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Activity {
    reads: usize,
    calls_begun: usize,
    has_open_calls: bool,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, calls: Arc<Calls>, limits: &ClientLimits) -> Self {
        let mut head = Stopwatch::new(limits.head_within);
        head.start();
        Self {
            stream,
            calls,
            speaks_http2: false,
            reads: 0,
            begun_before_head: Some(0),
            head,
            silence: Stopwatch::new(limits.idle_within),
            before_silence: Activity::default(),
            unread: Stopwatch::new(limits.idle_within),
        }
    }

    fn has_open_calls(&self) -> bool {
        self.calls.open.load(Ordering::Relaxed) > 0
    }

    fn begun(&self) -> usize {
        self.calls.begun.load(Ordering::Relaxed)
    }

    fn activity(&self) -> Activity {
        let (reads, calls_begun) = (self.reads, self.begun());
        Activity { reads, calls_begun, has_open_calls: self.has_open_calls() }
    }

    /// The client has sent something.
    fn has_come(&mut self, bytes: &[u8]) {
        if self.reads == 0 {
            // No method of HTTP/1 that is answered begins like HTTP/2's preface.
            self.speaks_http2 = bytes.starts_with(b"PR");
        }
        self.reads += 1;
        if self.speaks_http2 || self.has_open_calls() {
            self.end_head();
        } else if self.begun_before_head != Some(self.begun()) {
            self.end_head();
            self.begun_before_head = Some(self.begun());
        }
    }

    fn end_head(&mut self) {
        self.begun_before_head = None;
        self.head.stop();
    }

    /// The client has sent nothing: ready if that is for too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match self.begun_before_head {
            Some(begun) if self.has_open_calls() || self.begun() != begun => self.end_head(),
            // Most heads come at once: only one that is waited for has its time taken.
            Some(_) if !self.head.is_running() => self.head.start(),
            Some(_) | None => {}
        }
        if self.head.poll(context).is_ready() {
            return Poll::Ready(());
        }
        if !self.silence.is_running() {
            self.begin_silence();
        }
        loop {
            ready!(self.silence.poll(context));
            let activity = self.activity();
            if activity == self.before_silence && !activity.has_open_calls {
                return Poll::Ready(());
            }
            self.begin_silence();
        }
    }

    fn begin_silence(&mut self) {
        self.before_silence = self.activity();
        self.silence.start();
    }

    /// What there is to send cannot be sent: an error if that is for too long.
    fn watched<T>(
        &mut self,
        sent: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.unread.stop();
            return sent;
        }
        if !self.unread.is_running() {
            self.unread.start();
        }
        self.unread.poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                this.has_come(&buffer.filled()[before..]);
                Poll::Ready(read)
            }
            // As if the client had closed it: nobody is owed an answer.
            Poll::Pending => this.poll_silence(context).map(Ok),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let sent = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.watched(sent, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let sent = Pin::new(&mut this.stream).poll_write_vectored(context, bytes);
        this.watched(sent, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let sent = Pin::new(&mut this.stream).poll_flush(context);
        this.watched(sent, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let sent = Pin::new(&mut this.stream).poll_shutdown(context);
        this.watched(sent, context)
    }
}

/// Tells when something has lasted for too long.
#[derive(Debug)]
struct Stopwatch {
    limit: Duration,
    is_running: bool,
    /// Made when it is first needed, and kept: moving it on takes no lock.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whom it wakes. Nothing is to be said to it again before it is over, and it is
    /// asked whenever a connection waits for its client.
    woken: Option<Waker>,
}

#[allow(clippy::disallowed_methods, reason = "a real socket's patience is in real time")]
impl Stopwatch {
    fn new(limit: Duration) -> Self {
        Self { limit, is_running: false, sleep: None, woken: None }
    }

    fn is_running(&self) -> bool {
        self.is_running
    }

    /// Begins to count from zero.
    fn start(&mut self) {
        self.is_running = true;
        self.woken = None;
        let deadline = Instant::now() + self.limit;
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(deadline),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(deadline))),
        }
    }

    fn stop(&mut self) {
        self.is_running = false;
    }

    /// Ready when it runs and has come to its limit.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(sleep) = self.sleep.as_mut().filter(|_| self.is_running) else {
            return Poll::Pending;
        };
        let is_told = self.woken.as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if is_told && !sleep.is_elapsed() {
            return Poll::Pending;
        }
        let polled = sleep.as_mut().poll(context);
        self.woken = polled.is_pending().then(|| context.waker().clone());
        polled
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    const LIMITS: ClientLimits = ClientLimits {
        connections_max: 1,
        in_flight_bytes_max: 1,
        head_within: Duration::from_secs(20),
        body_within: Duration::from_secs(60),
        idle_within: Duration::from_secs(300),
    };

    fn connection() -> (DuplexStream, Patient<DuplexStream>, Arc<Calls>) {
        let (client, server) = duplex(64);
        let calls = Arc::new(Calls::default());
        let patient = Patient::new(server, Arc::clone(&calls), &LIMITS);
        (client, patient, calls)
    }

    /// How many seconds pass until something is over.
    async fn seconds<T>(work: impl Future<Output = T>) -> (u64, T) {
        #[allow(clippy::disallowed_methods, reason = "tokio's time is moved by tokio here")]
        let begun = Instant::now();
        let done = work.await;
        (begun.elapsed().as_secs(), done)
    }

    async fn read(patient: &mut Patient<DuplexStream>) -> io::Result<usize> {
        patient.read(&mut [0; 64]).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_first_request_has_its_time() {
        let (_client, mut patient, _) = connection();
        assert!(matches!(seconds(read(&mut patient)).await, (20, Ok(0))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_does_not_get_more_time_by_coming_byte_by_byte() {
        let (mut client, mut patient, calls) = connection();
        // A first call, so that the head is not the connection's first.
        client.write_all(b"POST").await.unwrap();
        read(&mut patient).await.unwrap();
        calls.begin();
        calls.end();
        let trickle = async {
            let mut ticks = tokio::time::interval(Duration::from_secs(7));
            loop {
                ticks.tick().await;
                client.write_all(b"x").await.unwrap();
            }
        };
        let reads = async { while read(&mut patient).await.unwrap() > 0 {} };
        let (passed, ()) = seconds(async {
            tokio::select! {
                () = reads => {}
                () = trickle => {}
            }
        })
        .await;
        assert_eq!(passed, 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_between_its_calls_is_idle_and_one_that_waits_for_us_is_not() {
        let (mut client, mut patient, calls) = connection();
        client.write_all(b"POST").await.unwrap();
        read(&mut patient).await.unwrap();
        calls.begin();
        let hour = Duration::from_secs(3600);
        assert!(tokio::time::timeout(hour, read(&mut patient)).await.is_err(), "a call is open");
        calls.end();
        let (passed, end) = seconds(read(&mut patient)).await;
        assert!((300..=600).contains(&passed) && matches!(end, Ok(0)), "{passed}");
    }

    #[tokio::test(start_paused = true)]
    async fn over_http2_what_is_said_between_calls_is_no_head() {
        let (mut client, mut patient, _) = connection();
        client.write_all(b"PRI * HTTP/2.0").await.unwrap();
        read(&mut patient).await.unwrap();
        client.write_all(b"a ping").await.unwrap();
        read(&mut patient).await.unwrap();
        assert!(matches!(seconds(read(&mut patient)).await, (300, Ok(0))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_cut_off() {
        let (mut client, mut patient, calls) = connection();
        calls.begin();
        patient.write_all(&[0; 64]).await.unwrap();
        let (passed, cut) = seconds(patient.write_all(b"x")).await;
        assert_eq!((passed, cut.unwrap_err().kind()), (300, io::ErrorKind::TimedOut));
        // One that reads a little gets its time anew.
        client.read_exact(&mut [0; 1]).await.unwrap();
        patient.write_all(b"x").await.unwrap();
        let (passed, cut) = seconds(patient.write_all(b"x")).await;
        assert_eq!((passed, cut.unwrap_err().kind()), (300, io::ErrorKind::TimedOut));
    }
}
