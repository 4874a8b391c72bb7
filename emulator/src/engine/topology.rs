//! A stream's shards over all time: who owns which hash keys, who came from
//! whom. Creating, splitting and merging, without any clock.
//!
//! Open shards cover the hash key space without gap or overlap, always.

use crate::model::hash_key::{HashKey, HashKeyRange};
use crate::model::sequence_number::SequenceNumber;
use crate::model::shard_id::ShardIndex;
use crate::model::timestamp::Timestamp;

use super::log::Log;
use super::sync::Mutex;

/// Most shards a provisioned stream can have (model: UpdateShardCount).
pub(crate) const SHARDS_PER_STREAM_MAX: u32 = 10_000;
/// How many shards an on-demand stream starts with (recorded).
pub(crate) const ON_DEMAND_SHARDS: u32 = 4;

/// Most MiB per second an on-demand stream can be ready for (model text: 10 GiB).
pub(crate) const WARM_THROUGHPUT_MIBPS_MAX: u32 = 10_240;

/// How many shards an on-demand stream has that is ready for so many MiB per second.
pub(crate) fn warm_shards(mib_per_second: u32) -> u32 {
    mib_per_second.max(ON_DEMAND_SHARDS)
}

/// All shards a stream ever had, closed ones included.
#[derive(Debug, Clone)]
pub(crate) struct Topology {
    /// Every shard, at the place of its number.
    shards: Vec<Shard>,
    /// The open shards in the order of their ranges.
    open: Vec<OpenShard>,
}

/// The first hash key of an open shard, kept beside its number so that routing
/// touches nothing else.
#[derive(Debug, Clone, Copy)]
struct OpenShard {
    start: HashKey,
    index: ShardIndex,
}

/// One shard: its records, fixed facts, and how it ended if it did.
///
/// The log is in front, so that what a put touches is in two lines of memory,
/// which processors fetch together.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Shard {
    pub(crate) log: Mutex<Log>,
    pub(crate) index: ShardIndex,
    pub(crate) hash_keys: HashKeyRange,
    pub(crate) parent: Option<ShardIndex>,
    pub(crate) adjacent_parent: Option<ShardIndex>,
    /// The second that the shard's sequence numbers carry.
    pub(crate) created_seconds: u64,
    /// When the shard began to take records.
    pub(crate) opened: Timestamp,
    /// When it stopped, if it did.
    pub(crate) closed: Option<Timestamp>,
    /// The second that its ending number carries: never before its making.
    pub(crate) ended_seconds: u64,
    /// The first of the shards that its hash keys went to; the other one, if
    /// there are two, is the next shard.
    first_child: Option<ShardIndex>,
}

#[cfg(not(feature = "shuttle"))]
const _: () = assert!(size_of::<Mutex<Log>>() <= 128, "what a put touches is in two lines");

/// A clone shares the records that there are and then goes its own way.
impl Clone for Shard {
    fn clone(&self) -> Self {
        Self {
            log: Mutex::new(self.log.lock().fork()),
            index: self.index,
            hash_keys: self.hash_keys,
            parent: self.parent,
            adjacent_parent: self.adjacent_parent,
            created_seconds: self.created_seconds,
            opened: self.opened,
            closed: self.closed,
            ended_seconds: self.ended_seconds,
            first_child: self.first_child,
        }
    }
}

impl Shard {
    pub(crate) fn new(
        index: ShardIndex,
        hash_keys: HashKeyRange,
        parents: [Option<ShardIndex>; 2],
        created_seconds: u64,
        opened: Timestamp,
    ) -> Self {
        let [parent, adjacent_parent] = parents;
        Self {
            log: Mutex::new(Log::new(index, created_seconds)),
            index,
            hash_keys,
            parent,
            adjacent_parent,
            created_seconds,
            opened,
            closed: None,
            ended_seconds: 0,
            first_child: None,
        }
    }

    /// The shard's own number, below all of its records'.
    pub(crate) fn starting_sequence_number(&self) -> SequenceNumber {
        SequenceNumber {
            shard_created_seconds: self.created_seconds,
            index: 0,
            seconds: self.created_seconds,
            shard: self.index,
        }
    }

    /// The number above all of a closed shard's records.
    pub(crate) fn ending_sequence_number(&self) -> Option<SequenceNumber> {
        self.closed.map(|_| SequenceNumber {
            shard_created_seconds: self.created_seconds,
            index: SequenceNumber::INDEX_MAX,
            seconds: self.ended_seconds,
            shard: self.index,
        })
    }

    /// Whether the shard took records at a time; the moment of a split belongs to
    /// the parent and to the children (model text). For a time before the stream
    /// was made, the first shards count.
    pub(crate) fn was_open_at(&self, time: Timestamp) -> bool {
        (self.opened <= time || self.parent.is_none()) && self.was_open_after(time)
    }

    /// Whether the shard took records at a time or later.
    pub(crate) fn was_open_after(&self, time: Timestamp) -> bool {
        self.closed.is_none_or(|closed| closed >= time)
    }
}

impl Topology {
    /// `count` shards of equal ranges, made at a second.
    pub(crate) fn uniform(count: u32, created_seconds: u64, now: Timestamp) -> Self {
        let mut topology = Self { shards: Vec::with_capacity(count as usize), open: Vec::new() };
        for hash_keys in HashKeyRange::uniform(count) {
            topology.add(hash_keys, [None, None], created_seconds, now);
        }
        topology.rebuild_routes();
        topology
    }

    /// No shards: what a stream shows while it is being made.
    pub(crate) fn empty() -> Self {
        Self { shards: Vec::new(), open: Vec::new() }
    }

    /// The topology of these shards; `None` unless each has the number of its
    /// place, comes from older ones, and the open ones cover the hash key space
    /// without gap or overlap.
    pub(crate) fn from_shards(shards: Vec<Shard>) -> Option<Self> {
        let in_place = shards.iter().zip(0..).all(|(shard, place)| {
            let mut parents = [shard.parent, shard.adjacent_parent].into_iter().flatten();
            shard.index.number() == place && parents.all(|parent| parent < shard.index)
        });
        if !in_place {
            return None;
        }
        let mut topology = Self { shards, open: Vec::new() };
        for place in 0..topology.shards.len() {
            topology.make_known_to_parents(place);
        }
        topology.rebuild_routes();
        let mut next = Some(0);
        for open in &topology.open {
            let range = topology.shards[open.index.as_usize()].hash_keys;
            if next != Some(range.start.number()) || range.end < range.start {
                return None;
            }
            next = range.end.number().checked_add(1);
        }
        (next.is_none() || topology.shards.is_empty()).then_some(topology)
    }

    /// All shards, oldest first.
    pub(crate) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// A shard by number.
    pub(crate) fn shard(&self, index: ShardIndex) -> Option<&Shard> {
        self.shards.get(index.as_usize())
    }

    /// How many shards take records.
    pub(crate) fn open_count(&self) -> u32 {
        self.open.len() as u32
    }

    /// The open shard that owns a hash key.
    pub(crate) fn route(&self, key: HashKey) -> ShardIndex {
        // First where it is if all ranges are equal, as most are: of what may be
        // more than a cache holds, no more is looked at then.
        let share = (key.number() >> 64) * self.open.len() as u128;
        let (before, from) = self.open.split_at((share >> 64) as usize);
        let begins_before = |open: &OpenShard| open.start <= key;
        let after = match from {
            [own, rest @ ..] if begins_before(own) => {
                let is_own = rest.first().is_none_or(|next| !begins_before(next));
                let further = if is_own { 0 } else { rest.partition_point(begins_before) };
                before.len() + 1 + further
            }
            _ => before.partition_point(begins_before),
        };
        self.open[after - 1].index
    }

    /// An open shard, counting round and round.
    pub(crate) fn nth_open(&self, turn: u64) -> ShardIndex {
        let place = (turn % self.open.len() as u64) as usize;
        self.open[place].index
    }

    /// The shards that a closed shard's hash keys went to.
    pub(crate) fn children(&self, parent: ShardIndex) -> impl Iterator<Item = &Shard> {
        let first = self.shards[parent.as_usize()].first_child.map(ShardIndex::as_usize);
        let from_first = first.map_or(&[][..], |first| &self.shards[first..]);
        from_first.iter().take(2).filter(move |shard| {
            shard.parent == Some(parent) || shard.adjacent_parent == Some(parent)
        })
    }

    /// Closes a shard and opens two in its place, the second from `upper_start` on.
    pub(crate) fn split(&mut self, parent: ShardIndex, upper_start: HashKey, now: Timestamp) {
        self.split_unrouted(parent, upper_start, now);
        self.rebuild_routes();
    }

    /// Returns the two shards, which no key is routed to yet.
    fn split_unrouted(
        &mut self,
        parent: ShardIndex,
        upper_start: HashKey,
        now: Timestamp,
    ) -> [ShardIndex; 2] {
        let range = self.shards[parent.as_usize()].hash_keys;
        assert!(
            range.start < upper_start && upper_start <= range.end,
            "a split key lies inside the range that it divides"
        );
        let created_seconds = self.close(&[parent], now);
        let lower_end = HashKey::new(upper_start.number() - 1);
        [
            HashKeyRange { start: range.start, end: lower_end },
            HashKeyRange { start: upper_start, end: range.end },
        ]
        .map(|hash_keys| self.add(hash_keys, [Some(parent), None], created_seconds, now))
    }

    /// Splits an open shard evenly, if there is such a shard and it can be.
    pub(crate) fn halve(&mut self, parent: ShardIndex, now: Timestamp) {
        let open = self.shard(parent).filter(|shard| shard.closed.is_none());
        if let Some(HashKeyRange { start, end }) = open.map(|shard| shard.hash_keys)
            && start < end
        {
            let middle = start.number() + (end.number() - start.number()) / 2 + 1;
            self.split(parent, HashKey::new(middle), now);
        }
    }

    /// Closes two neighbours and opens one in their place.
    pub(crate) fn merge(&mut self, lower: ShardIndex, upper: ShardIndex, now: Timestamp) {
        self.merge_unrouted(lower, upper, now);
        self.rebuild_routes();
    }

    /// Returns the one shard, which no key is routed to yet.
    fn merge_unrouted(
        &mut self,
        lower: ShardIndex,
        upper: ShardIndex,
        now: Timestamp,
    ) -> ShardIndex {
        let (first, second) =
            (self.shards[lower.as_usize()].hash_keys, self.shards[upper.as_usize()].hash_keys);
        assert!(are_neighbours(first, second), "only neighbours are merged");
        let created_seconds = self.close(&[lower, upper], now);
        let hash_keys = HashKeyRange { start: first.start, end: second.end };
        self.add(hash_keys, [Some(lower), Some(upper)], created_seconds, now)
    }

    /// Splits and merges until the open shards are `count` of equal ranges.
    ///
    /// In the order of the space a shard is cut where a bound lies inside it, and a
    /// piece is merged with those before it up to the bound before (read off a user's
    /// screenshot of a stream scaled from 4 shards to 3). A bound that differs from an
    /// existing one by rounding alone is taken to be it. It is one pass, so a shard
    /// costs the same however many there are.
    pub(crate) fn rescale(&mut self, count: u32, now: Timestamp) {
        if count == self.open_count() {
            return;
        }
        let existing: Vec<_> = self.open.iter().map(|open| open.start.number()).collect();
        let bounds: Vec<_> = HashKeyRange::uniform(count)
            .map(|range| snap(range.start.number(), &existing, u128::from(count)))
            .collect();
        let open = std::mem::take(&mut self.open);
        let mut untouched = open.into_iter().map(|open| open.index).peekable();
        // The upper part of a shard that a bound has cut.
        let mut cut_off = None;
        for next_bound in bounds.into_iter().skip(1).map(Some).chain([None]) {
            let mut merged = None;
            loop {
                let piece = cut_off.take().or_else(|| untouched.next());
                let piece = piece.expect("the open shards cover the whole space");
                let end = self.shards[piece.as_usize()].hash_keys.end.number();
                let (piece, ends_here) = match next_bound {
                    Some(bound) if bound <= end => {
                        let [lower, upper] = self.split_unrouted(piece, HashKey::new(bound), now);
                        cut_off = Some(upper);
                        (lower, true)
                    }
                    Some(bound) => (piece, bound == end + 1),
                    None => (piece, untouched.peek().is_none()),
                };
                let before = merged.replace(piece);
                if let Some(before) = before {
                    merged = Some(self.merge_unrouted(before, piece, now));
                }
                if ends_here {
                    break;
                }
            }
        }
        self.rebuild_routes();
    }

    /// Ends shards at the same moment and returns the second at which their
    /// children are made: one after the end (recorded).
    fn close(&mut self, parents: &[ShardIndex], now: Timestamp) -> u64 {
        let made = parents.iter().map(|parent| self.shards[parent.as_usize()].created_seconds);
        let ended_seconds = made.fold(now.as_seconds(), u64::max);
        for parent in parents {
            let shard = &mut self.shards[parent.as_usize()];
            assert!(shard.closed.is_none(), "a shard is closed once");
            shard.closed = Some(now);
            shard.ended_seconds = ended_seconds;
        }
        ended_seconds + 1
    }

    fn add(
        &mut self,
        hash_keys: HashKeyRange,
        parents: [Option<ShardIndex>; 2],
        created_seconds: u64,
        now: Timestamp,
    ) -> ShardIndex {
        let place = self.shards.len();
        let index = ShardIndex::new(place as u32);
        self.shards.push(Shard::new(index, hash_keys, parents, created_seconds, now));
        self.make_known_to_parents(place);
        index
    }

    fn make_known_to_parents(&mut self, place: usize) {
        let Shard { index, parent, adjacent_parent, .. } = self.shards[place];
        for parent in [parent, adjacent_parent].into_iter().flatten() {
            self.shards[parent.as_usize()].first_child.get_or_insert(index);
        }
    }

    fn rebuild_routes(&mut self) {
        self.open = self
            .shards
            .iter()
            .filter(|shard| shard.closed.is_none())
            .map(|shard| OpenShard { start: shard.hash_keys.start, index: shard.index })
            .collect();
        self.open.sort_unstable_by_key(|open| open.start);
    }
}

/// The existing bound that is at most `tolerance` away, or the bound itself.
fn snap(bound: u128, existing: &[u128], tolerance: u128) -> u128 {
    let after = existing.partition_point(|known| *known < bound);
    let neighbours = existing[after.saturating_sub(1)..].iter().take(2);
    neighbours.copied().find(|known| known.abs_diff(bound) <= tolerance).unwrap_or(bound)
}

/// Whether the second range begins where the first ends.
pub(crate) fn are_neighbours(first: HashKeyRange, second: HashKeyRange) -> bool {
    first.end.number().checked_add(1) == Some(second.start.number())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn stream(shards: u32) -> Topology {
        Topology::uniform(shards, NOW.as_seconds(), NOW)
    }

    fn assert_covers_the_space(topology: &Topology) {
        let mut ranges: Vec<_> =
            topology.shards.iter().filter(|s| s.closed.is_none()).map(|s| s.hash_keys).collect();
        ranges.sort_by_key(|range| range.start);
        assert_eq!(ranges[0].start, HashKey::MIN);
        assert_eq!(ranges[ranges.len() - 1].end, HashKey::MAX);
        assert!(ranges.windows(2).all(|pair| are_neighbours(pair[0], pair[1])));
        assert_eq!(topology.open.len(), ranges.len());
    }

    proptest! {
        #[test]
        fn a_key_is_routed_to_the_open_shard_whose_range_contains_it(
            shards in 1u32..=10_000,
            keys in prop::collection::vec(any::<u128>(), 1..50),
        ) {
            let topology = stream(shards);
            for key in keys.into_iter().map(HashKey::new).chain([HashKey::MIN, HashKey::MAX]) {
                prop_assert!(topology.shards[topology.route(key).as_usize()].hash_keys.contains(key));
            }
        }

        #[test]
        fn any_splits_and_merges_leave_the_space_covered(steps in prop::collection::vec((any::<bool>(), any::<u128>()), 0..40)) {
            let mut topology = stream(3);
            for (split, key) in steps {
                let key = HashKey::new(key);
                let index = topology.route(key);
                let range = topology.shards[index.as_usize()].hash_keys;
                if split && key > range.start {
                    topology.split(index, key, NOW);
                } else if let Some(next) = range.end.number().checked_add(1) {
                    let upper = topology.route(HashKey::new(next));
                    topology.merge(index, upper, NOW);
                }
                assert_covers_the_space(&topology);
            }
        }
    }

    /// Every cut and every merge by itself, routing anew each time.
    fn rescale_step_by_step(topology: &mut Topology, count: u32) {
        let existing: Vec<_> = topology.open.iter().map(|open| open.start.number()).collect();
        let bounds: Vec<_> = HashKeyRange::uniform(count)
            .map(|range| snap(range.start.number(), &existing, u128::from(count)))
            .collect();
        for (place, bound) in bounds.iter().enumerate() {
            let end = bounds.get(place + 1).map_or(u128::MAX, |next| next - 1);
            let cut_at_end = |topology: &mut Topology, first: u128| {
                let shard = topology.route(HashKey::new(first));
                if topology.shards[shard.as_usize()].hash_keys.end.number() > end {
                    topology.split(shard, HashKey::new(end + 1), NOW);
                }
            };
            cut_at_end(topology, *bound);
            while let lower = topology.route(HashKey::new(*bound))
                && let last = topology.shards[lower.as_usize()].hash_keys.end.number()
                && last < end
            {
                cut_at_end(topology, last + 1);
                let upper = topology.route(HashKey::new(last + 1));
                topology.merge(lower, upper, NOW);
            }
        }
    }

    proptest! {
        #[test]
        fn rescaling_makes_the_shards_that_single_steps_would_make(
            counts in prop::collection::vec(1u32..60, 2..5),
        ) {
            let (mut at_once, mut in_steps) = (stream(counts[0]), stream(counts[0]));
            for count in &counts[1..] {
                at_once.rescale(*count, NOW);
                if *count != in_steps.open_count() {
                    rescale_step_by_step(&mut in_steps, *count);
                }
            }
            let facts = |topology: &Topology| -> Vec<_> {
                let shards = topology.shards.iter();
                shards.map(|s| (s.hash_keys, s.parent, s.adjacent_parent, s.closed, s.created_seconds)).collect()
            };
            prop_assert_eq!(facts(&at_once), facts(&in_steps));
            for parent in &at_once.shards {
                let children: Vec<_> = at_once.children(parent.index).map(|s| s.index).collect();
                let looked_for = at_once.shards.iter().filter(|shard| {
                    [shard.parent, shard.adjacent_parent].contains(&Some(parent.index))
                });
                prop_assert_eq!(children, looked_for.map(|s| s.index).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn rescaling_leaves_equal_shards_that_all_have_parents() {
        for (from, to) in
            [(1, 2), (2, 4), (4, 2), (2, 1), (2, 3), (3, 6), (4, 3), (5, 7), (7, 4), (100, 199)]
        {
            let mut topology = stream(from);
            topology.rescale(to, NOW);
            assert_covers_the_space(&topology);
            let open: Vec<_> = topology.shards.iter().filter(|s| s.closed.is_none()).collect();
            assert_eq!(open.len(), to as usize, "{from} to {to}");
            let lengths =
                open.iter().map(|s| s.hash_keys.end.number() - s.hash_keys.start.number());
            let (shortest, longest) = (lengths.clone().min().unwrap(), lengths.max().unwrap());
            assert!(longest - shortest <= 2 * u128::from(to), "{from} to {to}");
            assert!(open.iter().all(|s| s.parent.is_some()), "{from} to {to}");
        }
    }

    #[test]
    fn a_split_orders_parent_and_children_by_their_numbers() {
        let mut topology = stream(1);
        let parent = ShardIndex::new(0);
        topology.split(parent, HashKey::new(2), NOW);
        let [ended, lower, upper] = topology.shards() else { panic!("one parent, two children") };
        let end = ended.ending_sequence_number().expect("it is closed");
        assert!(ended.starting_sequence_number() < end);
        assert!(end < lower.starting_sequence_number());
        assert_eq!(lower.created_seconds, end.seconds + 1);
        assert_eq!(lower.created_seconds, upper.created_seconds);
        assert_eq!(lower.hash_keys.end, HashKey::new(1));
        assert_eq!(topology.children(parent).count(), 2);
    }

    #[test]
    fn a_merge_keeps_the_roles_of_its_parents() {
        let mut topology = stream(2);
        let (lower, upper) = (ShardIndex::new(0), ShardIndex::new(1));
        topology.merge(lower, upper, NOW);
        let child = &topology.shards()[2];
        assert_eq!((child.parent, child.adjacent_parent), (Some(lower), Some(upper)));
        assert_eq!(child.hash_keys, HashKeyRange::ALL);
        assert_eq!(topology.children(upper).count(), 1);
    }
}
