//! Processor time and memory of a process on this machine, from `/proc`.
//!
//! Absent: any other system than Linux; there nothing is reported.

use std::fs;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Processor time, user and system.
    pub cpu_seconds: f64,
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
    Some(Usage { cpu_seconds: cpu_seconds(&stat)?, peak_rss_bytes: peak_rss_bytes(&status)? })
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

/// Fields 14 and 15, counted behind the name, which may hold blanks and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn peak_rss_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
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
    use super::{Machine, busy, cpu_seconds, peak_rss_bytes, share_of_others};

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 500 0 0 0 150 50 0 0 20 0 4 0 1000";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("42"), None);
    }

    #[test]
    fn the_peak_is_in_kibibytes() {
        assert_eq!(peak_rss_bytes("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS: 1 kB"), Some(2 << 20));
        assert_eq!(peak_rss_bytes("Name:\tx"), None);
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
