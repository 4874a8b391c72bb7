//! How connections are asked to end, and waited for.
//!
//! Each connection has a channel of its own. One that all share has a lock, which
//! every connection would take whenever it begins to wait for its client.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};

/// Never said: that the other side is gone says it all.
#[derive(Debug)]
enum Nothing {}

/// The connections that have been opened. They are asked to end when this is gone.
#[derive(Debug)]
pub(super) struct OpenConnections {
    asking: Vec<oneshot::Sender<Nothing>>,
    /// When there are so many, those of closed connections are thrown away.
    asking_max: usize,
    open: mpsc::Sender<Nothing>,
    all_closed: mpsc::Receiver<Nothing>,
}

/// What a connection keeps for as long as it is open. Ready when it is to end.
#[derive(Debug)]
pub(super) struct Ending {
    asked: oneshot::Receiver<Nothing>,
    _open: mpsc::Sender<Nothing>,
}

/// So many connections are looked through at the least.
const ASKING_MIN: usize = 64;

impl OpenConnections {
    pub(super) fn new() -> Self {
        let (open, all_closed) = mpsc::channel(1);
        Self { asking: Vec::new(), asking_max: ASKING_MIN, open, all_closed }
    }

    /// A connection has been opened.
    pub(super) fn add(&mut self) -> Ending {
        if self.asking.len() >= self.asking_max {
            self.asking.retain(|asking| !asking.is_closed());
            self.asking_max = ASKING_MIN.max(2 * self.asking.len());
        }
        let (asking, asked) = oneshot::channel();
        self.asking.push(asking);
        Ending { asked, _open: self.open.clone() }
    }

    /// Asks all to end. Ready when all have ended.
    pub(super) async fn end(self) {
        let Self { asking, open, mut all_closed, .. } = self;
        drop((asking, open));
        let _none = all_closed.recv().await;
    }
}

impl Future for Ending {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.asked).poll(context).map(|_gone| ())
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    fn is_ready(future: Pin<&mut impl Future>) -> bool {
        future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn all_are_asked_to_end_and_waited_for() {
        let mut open = OpenConnections::new();
        let (mut one, mut other) = (open.add(), open.add());
        assert!(!is_ready(Pin::new(&mut one)) && !is_ready(Pin::new(&mut other)));
        let mut ended = pin!(open.end());
        assert!(!is_ready(ended.as_mut()));
        assert!(is_ready(Pin::new(&mut one)) && is_ready(Pin::new(&mut other)));
        drop(one);
        assert!(!is_ready(ended.as_mut()), "the other one is still open");
        drop(other);
        assert!(is_ready(ended.as_mut()));
    }

    #[test]
    fn those_that_have_closed_are_not_kept() {
        let mut open = OpenConnections::new();
        let long = open.add();
        for _ in 0..10 * ASKING_MIN {
            drop(open.add());
        }
        assert!(open.asking.len() <= ASKING_MIN, "{}", open.asking.len());
        drop(long);
    }

    #[test]
    fn a_server_that_is_dropped_asks_its_connections_to_end() {
        let mut open = OpenConnections::new();
        let mut one = open.add();
        drop(open);
        assert!(is_ready(Pin::new(&mut one)));
    }
}
