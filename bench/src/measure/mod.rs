//! Instruments: the clock, the latency histogram, the call counters, a series per
//! second, and what processes use.
//!
//! Absent: any knowledge of what is being measured.

pub mod clock;
pub mod counters;
pub mod latency;
pub mod process;
pub mod recorder;
