//! Instruments: the clock, the latency histogram, the call counters.
//!
//! Absent: any knowledge of what is being measured.

pub mod clock;
pub mod counters;
pub mod latency;
