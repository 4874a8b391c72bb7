//! Processor time and memory of a process on this machine, from `/proc`.
//!
//! Absent: any other system than Linux; there nothing is reported.

use std::fs;
use std::ops::Range;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Processor time, user and system.
    pub cpu_seconds: f64,
    /// Memory that is resident.
    pub rss_bytes: u64,
    /// The most memory that was resident.
    pub peak_rss_bytes: u64,
}

/// What the whole machine has done since it was started, in clock ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    busy: u64,
    total: u64,
}

/// The part of a name below `/proc`: a process id, or `self`.
#[must_use]
pub fn usage(process: &str) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some(Usage {
        cpu_seconds: cpu_seconds(&stat)?,
        rss_bytes: bytes(&status, "VmRSS:")?,
        peak_rss_bytes: bytes(&status, "VmHWM:")?,
    })
}

/// Processor seconds of this process, and of those it has started and seen the end of.
#[must_use]
pub fn own_and_childrens_cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    seconds_of_fields(&stat, 14..18)
}

/// Lets the peak of this process's memory count from now on.
pub fn forget_own_peak() {
    // Where that is not allowed, the peak since the start is reported: never too little.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// What the machine has done so far.
#[must_use]
pub fn machine() -> Option<Machine> {
    busy(fs::read_to_string("/proc/stat").ok()?.lines().next()?)
}

/// The part of the machine's processor time, 0 to 1, that others than a process took,
/// which itself used so many seconds.
#[must_use]
pub fn share_of_others(before: Machine, after: Machine, own_cpu_seconds: f64) -> Option<f64> {
    let total = after.total.checked_sub(before.total).filter(|total| *total > 0)? as f64;
    let busy = after.busy.checked_sub(before.busy)? as f64;
    Some(((busy - own_cpu_seconds * TICKS_PER_SECOND) / total).clamp(0.0, 1.0))
}

/// What Linux promises to programs, whatever its own timer does.
const TICKS_PER_SECOND: f64 = 100.0;

/// Fields 14 and 15; 16 and 17 are those of children that have ended.
fn cpu_seconds(stat: &str) -> Option<f64> {
    seconds_of_fields(stat, 14..16)
}

/// Fields are counted from 1, behind the name, which may hold blanks and brackets.
fn seconds_of_fields(stat: &str, fields: Range<usize>) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let values = rest.split_whitespace().skip(fields.start - FIRST_FIELD_BEHIND_NAME);
    let ticks: Vec<f64> = values.take(fields.len()).map_while(|value| value.parse().ok()).collect();
    (ticks.len() == fields.len()).then(|| ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

const FIRST_FIELD_BEHIND_NAME: usize = 3;

fn bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1_024)
}

/// `cpu  user nice system idle iowait irq softirq steal guest guest_nice`
fn busy(line: &str) -> Option<Machine> {
    let ticks: Vec<u64> = line.split_whitespace().skip(1).map_while(|n| n.parse().ok()).collect();
    let idle = ticks.get(3)? + ticks.get(4)?;
    // Guests are counted in user and nice already.
    let total: u64 = ticks.iter().take(8).sum();
    Some(Machine { busy: total - idle, total })
}

#[cfg(test)]
mod tests {
    use super::{Machine, busy, bytes, cpu_seconds, seconds_of_fields, share_of_others};

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 500 0 0 0 150 50 0 0 20 0 4 0 1000";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        let with_children = stat.replace(" 150 50 0 0 ", " 150 50 25 75 ");
        assert_eq!(seconds_of_fields(&with_children, 14..18), Some(3.0));
        assert_eq!(cpu_seconds("42"), None);
    }

    #[test]
    fn memory_is_in_kibibytes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS: 1 kB";
        assert_eq!(bytes(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(bytes(status, "VmRSS:"), Some(1 << 10));
        assert_eq!(bytes("Name:\tx", "VmHWM:"), None);
    }

    #[test]
    fn others_have_what_is_neither_idle_nor_ours() {
        let before = busy("cpu  100 0 100 700 100 0 0 0 0 0").unwrap();
        let after = busy("cpu  200 0 200 1400 200 0 0 0 0 0").unwrap();
        assert_eq!(before, Machine { busy: 200, total: 1_000 });
        // 200 of 1,000 ticks were busy; half a second, which is 50 ticks, was ours.
        assert_eq!(share_of_others(before, after, 0.5), Some(0.15));
        assert_eq!(share_of_others(before, before, 0.0), None);
    }
}
