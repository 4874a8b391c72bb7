//! How often something happened within a day: quotas of the form "so many in
//! a rolling 24 hours".

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::timestamp::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The times of the last day at which something happened.
#[derive(Debug, Clone, Default)]
pub(crate) struct RollingDay(VecDeque<Timestamp>);

impl RollingDay {
    /// Whether it may happen once more.
    pub(crate) fn has_room(&mut self, now: Timestamp, times_max: u32) -> bool {
        while self.0.front().is_some_and(|first| now.since(*first) >= DAY) {
            self.0.pop_front();
        }
        self.0.len() < times_max as usize
    }

    /// Notes that it happened.
    pub(crate) fn add(&mut self, now: Timestamp) {
        self.0.push_back(now);
    }

    /// When it happened, as far as that still counts.
    pub(crate) fn times(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_back_a_day_after_the_first() {
        let start = Timestamp::from_seconds(1_700_000_000);
        let mut day = RollingDay::default();
        for hour in 0..2 {
            assert!(day.has_room(start, 2));
            day.add(start.plus(Duration::from_secs(hour * 3600)));
        }
        assert!(!day.has_room(start.plus(DAY - Duration::from_millis(1)), 2));
        assert!(day.has_room(start.plus(DAY), 2));
    }
}
