//! Bodies of answers: bytes, or events as they come.

use std::fmt;
use std::task::Waker;

use bytes::Bytes;

use super::fan_out::{Events, Step};

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// All of it.
    Full(Bytes),
    /// A subscription's events.
    Events(Box<Events>),
}

/// The connection is dropped: no answer, or no more of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault rule of kinesis-emulator has dropped the connection")
    }
}

impl std::error::Error for Dropped {}

impl Body {
    /// The body as far as there is one now: a subscription's events up to the
    /// point where it would wait.
    pub(crate) fn available(self) -> Bytes {
        match self {
            Self::Full(bytes) => bytes,
            Self::Events(mut events) => {
                let mut frames = Vec::new();
                events.do_not_wait();
                loop {
                    match events.next(Waker::noop()) {
                        Step::Send(frame) => frames.extend_from_slice(&frame),
                        Step::Keep => {
                            // What is read is true, whether or not it can be kept.
                            let _kept = events.service.kept_blocking();
                            events.keeping = None;
                        }
                        Step::WaitUntil(_) | Step::Flush | Step::Cut | Step::End => break,
                    }
                }
                frames.into()
            }
        }
    }
}

#[cfg(any(feature = "server", feature = "sdk"))]
mod streaming {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http_body::{Frame, SizeHint};

    use super::{Body, Dropped, Events, Step};

    impl http_body::Body for Body {
        type Data = Bytes;
        type Error = Dropped;

        fn poll_frame(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
            match self.get_mut() {
                Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
                Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
                Self::Events(events) => poll_events(events, context),
            }
        }

        fn is_end_stream(&self) -> bool {
            matches!(self, Self::Full(bytes) if bytes.is_empty())
        }

        fn size_hint(&self) -> SizeHint {
            match self {
                Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
                Self::Events(_) => SizeHint::default(),
            }
        }
    }

    fn poll_events(
        events: &mut Events,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        loop {
            match events.next(context.waker()) {
                Step::Send(frame) => return Poll::Ready(Some(Ok(Frame::data(frame)))),
                Step::End => return Poll::Ready(None),
                // What has been sent goes out first.
                Step::Flush => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Cut => return Poll::Ready(Some(Err(Dropped))),
                Step::Keep => {
                    if let Some(keeping) = &mut events.keeping {
                        // What is read is true, whether or not it can be kept.
                        let _kept = std::task::ready!(Pin::new(keeping).poll(context));
                    }
                    events.keeping = None;
                }
                Step::WaitUntil(time) => {
                    let mut timer = events.service.clock().timer(time);
                    let elapsed = timer.poll(context);
                    events.timer = Some(timer);
                    // The time, or the end, may have come between looking and waiting.
                    if elapsed.is_pending() && !events.service.is_ending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}
