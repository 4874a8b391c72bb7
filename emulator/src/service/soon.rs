//! What most calls have at once, and some have to wait for.

use std::future::Future;
use std::pin::Pin;

/// A value, or a future with it. Whoever holds one needs no room for what a future
/// keeps between two looks: most are never looked at twice.
#[must_use = "what is to be waited for does nothing by itself"]
pub(crate) enum Soon<T> {
    Now(T),
    Later(Later<T>),
}

pub(crate) type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<T: Send + 'static> Soon<T> {
    pub(crate) fn later(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }

    /// The same with something done about the value when it is there.
    pub(crate) fn map<U: 'static>(self, change: impl FnOnce(T) -> U + Send + 'static) -> Soon<U> {
        match self {
            Self::Now(value) => Soon::Now(change(value)),
            Self::Later(future) => Soon::Later(Box::pin(async move { change(future.await) })),
        }
    }

    /// The value, as soon as it is there.
    pub(crate) async fn wait(self) -> T {
        match self {
            Self::Now(value) => value,
            Self::Later(future) => future.await,
        }
    }
}
