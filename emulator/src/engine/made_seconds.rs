//! The seconds at which a realm's streams were made, no two of them the same.

use std::collections::BTreeMap;

/// Seconds that are taken, as runs of neighbouring ones.
///
/// A sequence number tells its stream by the second at which its shard was made
/// alone. Every stream has one of its own, so that a number of another stream is
/// known for what it is; a deleted namesake's is an earlier one, so that numbers of
/// a name go on rising.
#[derive(Debug, Clone, Default)]
pub(crate) struct MadeSeconds {
    /// The last second of each run, by its first.
    runs: BTreeMap<u64, u64>,
}

impl MadeSeconds {
    /// Takes the latest free second up to `latest` and after `namesake`; if there is
    /// none, the first free one after both.
    pub(crate) fn take(&mut self, latest: u64, namesake: Option<u64>) -> u64 {
        let earliest = namesake.map_or(0, |seconds| seconds + 1);
        let wanted = latest.max(earliest);
        let free = self.run_of(wanted).map_or(wanted, |(first, last)| {
            first.checked_sub(1).filter(|before| *before >= earliest).unwrap_or(last + 1)
        });
        self.insert(free);
        free
    }

    /// Takes a second, free or not.
    pub(crate) fn insert(&mut self, second: u64) {
        if self.run_of(second).is_some() {
            return;
        }
        let last = self.runs.remove(&(second + 1)).unwrap_or(second);
        let before = second.checked_sub(1).and_then(|before| self.run_of(before));
        let first = before.map_or(second, |(first, _)| first);
        self.runs.insert(first, last);
    }

    /// Frees the runs that end before a second.
    pub(crate) fn forget_before(&mut self, second: u64) {
        self.runs.retain(|_, last| *last >= second);
    }

    fn run_of(&self, second: u64) -> Option<(u64, u64)> {
        let (first, last) = self.runs.range(..=second).next_back()?;
        (second <= *last).then_some((*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_taken_once_and_what_is_taken_goes_back_in_time() {
        let mut made = MadeSeconds::default();
        assert_eq!([100, 100, 100].map(|latest| made.take(latest, None)), [100, 99, 98]);
        assert_eq!([102, 101, 102].map(|latest| made.take(latest, None)), [102, 101, 97]);
        assert_eq!(made.runs, BTreeMap::from([(97, 102)]));
        assert_eq!([90, 96, 97].map(|latest| made.take(latest, None)), [90, 96, 95]);
        assert_eq!(made.runs, BTreeMap::from([(90, 90), (95, 102)]));
    }

    #[test]
    fn before_the_first_second_those_after_it_are_left() {
        let mut made = MadeSeconds::default();
        assert_eq!([1, 1, 1, 0].map(|latest| made.take(latest, None)), [1, 0, 2, 3]);
    }

    #[test]
    fn a_namesake_comes_later() {
        let mut made = MadeSeconds::default();
        let mut take = |latest, namesake| made.take(latest, Some(namesake));
        assert_eq!([take(10, 3), take(10, 8), take(10, 8)], [10, 9, 11]);
        assert_eq!([take(10, 11), take(10, 20), take(10, 20), take(21, 19)], [12, 21, 22, 20]);
    }

    #[test]
    fn runs_grow_together_and_are_forgotten_as_a_whole() {
        let mut made = MadeSeconds::default();
        [5, 7, 6, 6, 10].into_iter().for_each(|second| made.insert(second));
        assert_eq!(made.runs, BTreeMap::from([(5, 7), (10, 10)]));
        made.forget_before(7);
        assert_eq!(made.runs, BTreeMap::from([(5, 7), (10, 10)]));
        made.forget_before(8);
        assert_eq!(made.runs, BTreeMap::from([(10, 10)]));
        assert_eq!(made.take(7, None), 7);
    }
}
