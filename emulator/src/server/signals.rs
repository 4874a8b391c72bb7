//! Signals for a command that the binary runs.

#[cfg(unix)]
mod unix {
    use std::future::poll_fn;
    use std::io::{self, IsTerminal};
    use std::task::Poll;

    use rustix::process::{Pid, Signal, kill_process};
    use tokio::signal::unix::{self, SignalKind};

    /// Signals that end or tell a process something.
    pub(crate) struct Signals(Vec<(unix::Signal, Signal)>);

    impl Signals {
        /// Takes signals from now on.
        ///
        /// # Errors
        /// If the system does not let us.
        pub(crate) fn listen() -> io::Result<Self> {
            let mut listening = Vec::new();
            for (kind, signal) in [
                (SignalKind::terminate(), Signal::TERM),
                (SignalKind::hangup(), Signal::HUP),
                (SignalKind::user_defined1(), Signal::USR1),
                (SignalKind::user_defined2(), Signal::USR2),
                (SignalKind::interrupt(), Signal::INT),
                (SignalKind::quit(), Signal::QUIT),
            ] {
                listening.push((unix::signal(kind)?, signal));
            }
            Ok(Self(listening))
        }

        /// Hands every signal on to a process, for ever.
        pub(crate) async fn hand_on_to(&mut self, process: Option<u32>) {
            let process = process.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
            // A terminal's keys reach the whole group: the process has them.
            let by_keys = io::stdin().is_terminal();
            loop {
                let signal = self.next().await;
                let keys = by_keys && [Signal::INT, Signal::QUIT].contains(&signal);
                if let Some(process) = process.filter(|_| !keys) {
                    let _it_may_have_ended = kill_process(process, signal);
                }
            }
        }

        async fn next(&mut self) -> Signal {
            poll_fn(|context| {
                let mut came = self.0.iter_mut().filter_map(|(listening, signal)| {
                    listening.poll_recv(context).is_ready().then_some(*signal)
                });
                came.next().map_or(Poll::Pending, Poll::Ready)
            })
            .await
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::io;

    /// There are none to hand on: a console's keys reach all its processes.
    pub(crate) struct Signals;

    impl Signals {
        /// Keeps the keys from ending us before the command ends.
        ///
        /// # Errors
        /// None here.
        pub(crate) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        /// Swallows keys, for ever.
        pub(crate) async fn hand_on_to(&mut self, _process: Option<u32>) {
            while tokio::signal::ctrl_c().await.is_ok() {}
            std::future::pending().await
        }
    }
}

#[cfg(not(unix))]
pub(crate) use elsewhere::Signals;
#[cfg(unix)]
pub(crate) use unix::Signals;
