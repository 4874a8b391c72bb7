//! What is out of the ordinary: one number, so that a call which nothing is
//! to happen to sees it in one look.

use std::sync::atomic::{AtomicU8, Ordering};

/// What calls have to look out for. In a line of its own: every call reads it, and
/// most of what could lie beside it is written to.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Switches(AtomicU8);

const RULES: u8 = 1;
const LATENCY: u8 = 2;

impl Switches {
    /// Whether there is nothing to look out for.
    #[cfg_attr(not(any(feature = "server", feature = "sdk")), allow(dead_code))]
    pub(super) fn all_off(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Whether there are fault rules.
    pub(super) fn has_rules(&self) -> bool {
        self.0.load(Ordering::Relaxed) & RULES != 0
    }

    /// Whether calls take time.
    pub(super) fn has_latency(&self) -> bool {
        self.0.load(Ordering::Relaxed) & LATENCY != 0
    }

    /// There are fault rules, or none.
    pub(super) fn rules(&self, on: bool) {
        self.set(RULES, on);
    }

    /// Calls take time, or none.
    pub(super) fn latency(&self, on: bool) {
        self.set(LATENCY, on);
    }

    fn set(&self, switch: u8, on: bool) {
        if on {
            self.0.fetch_or(switch, Ordering::Relaxed);
        } else {
            self.0.fetch_and(!switch, Ordering::Relaxed);
        }
    }
}
