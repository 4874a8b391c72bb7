//! Bodies of answers: bytes, or events as they come.

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

impl Body {
    /// The body as far as there is one now: a subscription's events up to the
    /// point where it would wait.
    pub(crate) fn available(self) -> Bytes {
        match self {
            Self::Full(bytes) => bytes,
            Self::Events(mut events) => {
                let mut frames = Vec::new();
                while let Step::Send(frame) = events.next(Waker::noop()) {
                    frames.extend_from_slice(&frame);
                }
                frames.into()
            }
        }
    }
}

#[cfg(any(feature = "server", feature = "sdk"))]
mod streaming {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http_body::{Frame, SizeHint};

    use super::{Body, Events, Step};

    impl http_body::Body for Body {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
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
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            match events.next(context.waker()) {
                Step::Send(frame) => return Poll::Ready(Some(Ok(Frame::data(frame)))),
                Step::End => return Poll::Ready(None),
                Step::WaitUntil(time) => {
                    let mut timer = events.service.clock().timer(time);
                    let elapsed = timer.poll(context);
                    events.timer = Some(timer);
                    // The time may have come between looking and waiting.
                    std::task::ready!(elapsed);
                }
            }
        }
    }
}
