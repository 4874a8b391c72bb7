//! Workers that share a stream by leases, as applications of the Kinesis Client
//! Library (KCL) do: balance, checkpoints, failover, resharding, aggregates.
//!
//! Each story is told with GetRecords and with SubscribeToShard. Nobody waits:
//! in a turn the clock moves and each worker goes once through its loops.

mod table;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use kinesis_bench::aggregation::{Aggregated, Aggregator, HashKeyRange, Limits, UserRecord};
use kinesis_emulator::Emulator;

use crate::support::{Endpoint, create_stream, shard_id, stories};
use table::{Checkpoint, LeaseTable, Position};
use worker::{Deed, FAILOVER_TIME, History, Retrieval, What, Worker};

stories! {
    two_workers_share_the_shards,
    a_killed_workers_shard_is_resumed_within_an_aggregate,
    who_slept_too_long_has_lost_its_lease,
    a_suspended_worker_goes_on_where_it_was,
    children_wait_for_their_parents,
    aggregates_on_the_wrong_shard_are_left_out,
}

const MIDDLE: u128 = 1 << 127;
/// Longer than a subscription's signs of life are apart.
const TURN: Duration = Duration::from_secs(4);
const BOTH: [Retrieval; 2] = [Retrieval::Polling, Retrieval::FanOut];

async fn two_workers_share_the_shards(endpoint: Endpoint) {
    for retrieval in BOTH {
        let mut fleet = Fleet::of(endpoint, retrieval, 4).await;
        let put = async |fleet: &Fleet, round: u128| {
            for shard in 0..4 {
                fleet.put(shard * (MIDDLE / 2), &round.to_string()).await;
            }
        };
        put(&fleet, 0).await;
        fleet.hire("a").await;
        fleet.turns(3).await;
        assert_eq!(fleet.held_by("a"), BTreeSet::from([0, 1, 2, 3].map(shard_id)));
        fleet.hire("b").await;
        for round in 1..=2 {
            put(&fleet, round).await;
            fleet.turns(1).await;
            assert_eq!(fleet.held_by("b").len(), round as usize, "one is stolen at a time");
        }
        put(&fleet, 3).await;
        fleet.until_processed(16).await;
        fleet.turns(4).await;
        assert_eq!((fleet.held_by("a").len(), fleet.held_by("b").len()), (2, 2), "and no more");

        for shard in fleet.held_by("b") {
            let deeds = fleet.deeds(&shard);
            let lost = deeds.iter().position(|deed| deed.what == What::Lost).expect("a's loss");
            assert_eq!(deeds[lost].worker, "a");
            assert!(deeds[lost + 1..].iter().all(|deed| deed.worker == "b"), "{deeds:?}");
        }
        for shard in 0..4 {
            assert_eq!(fleet.data(&shard_id(shard)), ["0", "1", "2", "3"], "each record once");
        }
    }
}

async fn a_killed_workers_shard_is_resumed_within_an_aggregate(endpoint: Endpoint) {
    for retrieval in BOTH {
        let mut fleet = Fleet::of(endpoint, retrieval, 1).await;
        let orders = (0..10).map(|n| UserRecord::new("user", n.to_string()).with_hash_key(7));
        let (_, number) = fleet.put_aggregate(&aggregate(orders)).await;
        fleet.hire("a").await;
        fleet.workers[0].checkpoint_every(4);
        fleet.until_processed(10).await;
        fleet.put(7, "10").await;
        fleet.kill("a");
        fleet.hire("b").await;
        // b sees the lease for the first time in its first turn.
        fleet.turns(1 + FAILOVER_TIME.as_secs().div_euclid(TURN.as_secs()) as usize).await;
        assert_eq!(fleet.held_by("b"), BTreeSet::new(), "it may be alive");
        fleet.until_processed(13).await;

        let eighth = Position { sequence_number: number, sub_sequence_number: 7 };
        let by_b: Vec<_> =
            fleet.deeds(&shard_id(0)).into_iter().filter(|deed| deed.worker == "b").collect();
        assert_eq!(by_b[0].what, What::Began(Checkpoint::Record(eighth)));
        assert_eq!(data(&by_b), ["8", "9", "10"], "from the checkpoint on, none before, none lost");
    }
}

async fn who_slept_too_long_has_lost_its_lease(endpoint: Endpoint) {
    for retrieval in BOTH {
        let mut fleet = Fleet::of(endpoint, retrieval, 1).await;
        fleet.put(0, "0").await;
        fleet.hire("a").await;
        fleet.until_processed(1).await;
        let mut sleeper = fleet.workers.pop().expect("a");
        fleet.put(0, "1").await;
        fleet.hire("b").await;
        fleet.until_processed(2).await;
        let taken_over = fleet.table.get(&shard_id(0));
        sleeper.work().await;
        assert_eq!(fleet.deeds(&shard_id(0)).last().map(|deed| &deed.what), Some(&What::Lost));
        assert_eq!(fleet.table.get(&shard_id(0)), taken_over, "the sleeper has changed nothing");
        assert_eq!(fleet.data(&shard_id(0)), ["0", "1"]);
    }
}

async fn a_suspended_worker_goes_on_where_it_was(endpoint: Endpoint) {
    for retrieval in BOTH {
        let mut fleet = Fleet::of(endpoint, retrieval, 1).await;
        fleet.hire("a").await;
        for (round, pause_minutes) in [0, 1, 6, 11].into_iter().enumerate() {
            // Longer than an iterator and a subscription live.
            fleet.emulator.clock().advance(Duration::from_secs(pause_minutes * 60));
            fleet.put(0, &round.to_string()).await;
            fleet.until_processed(round + 1).await;
        }
        assert_eq!(fleet.data(&shard_id(0)), ["0", "1", "2", "3"]);
        let begun = fleet.deeds(&shard_id(0)).into_iter();
        assert_eq!(begun.filter(|deed| matches!(deed.what, What::Began(_))).count(), 1);
    }
}

async fn children_wait_for_their_parents(endpoint: Endpoint) {
    for retrieval in BOTH {
        let mut fleet = Fleet::of(endpoint, retrieval, 2).await;
        // Three keys by their ways: 0 → 2, 0 → 3 → 4 and 1 → 4.
        let ways = [(0, [0, 2, 2]), (MIDDLE - 1, [0, 3, 4]), (MIDDLE, [1, 1, 4])];
        let put = async |fleet: &Fleet, phase: usize| {
            for (hash_key, way) in ways {
                let shard = fleet.put(hash_key, &phase.to_string()).await;
                assert_eq!(shard, shard_id(way[phase]));
            }
        };
        put(&fleet, 0).await;
        fleet.hire("a").await;
        fleet.hire("b").await;
        fleet.until_processed(3).await;
        let (a, b) = (fleet.held_by("a"), fleet.held_by("b"));
        assert_eq!((a.len(), b.len()), (1, 1));
        let client = fleet.emulator.client();
        let split = client.split_shard().stream_name("s").shard_to_split(shard_id(0));
        split.new_starting_hash_key((MIDDLE / 2).to_string()).send().await.expect("it divides");
        put(&fleet, 1).await;
        let merge = client.merge_shards().stream_name("s").shard_to_merge(shard_id(3));
        merge.adjacent_shard_to_merge(shard_id(1)).send().await.expect("they are neighbours");
        put(&fleet, 2).await;

        // Whoever holds shard 1 is busy with one record, and renews.
        let busy = usize::from(b.contains(&shard_id(1)));
        let mut turns_with_the_child = 0;
        while turns_with_the_child < 5 {
            fleet.emulator.clock().advance(TURN);
            fleet.workers[1 - busy].work().await;
            fleet.workers[busy].renew();
            turns_with_the_child += usize::from(fleet.table.get(&shard_id(4)).is_some());
        }
        assert!(fleet.deeds(&shard_id(4)).is_empty(), "one parent has been read to its end of two");
        fleet.until_processed(9).await;

        let history = fleet.history.lock().unwrap().clone();
        for (parent, child) in
            [(0, 2), (0, 3), (3, 4), (1, 4)].map(|(p, c)| (shard_id(p), shard_id(c)))
        {
            let place = |shard: &str, what: fn(&What) -> bool| {
                history
                    .iter()
                    .position(|deed| deed.shard == shard && what(&deed.what))
                    .expect(shard)
            };
            let ended = place(&parent, |what| *what == What::Ended);
            assert!(
                ended < place(&child, |what| matches!(what, What::Began(_))),
                "{parent} {child}"
            );
        }
        let mut by_key = BTreeMap::<_, Vec<_>>::new();
        for deed in &history {
            if let What::Processed { key, data, .. } = &deed.what {
                by_key.entry(key.clone()).or_default().push(data.clone());
            }
        }
        assert_eq!(by_key.len(), ways.len());
        assert!(by_key.values().all(|data| *data == ["0", "1", "2"]), "{by_key:?}");
        let left: Vec<_> = fleet.table.scan().into_iter().map(|lease| lease.shard).collect();
        assert_eq!(
            left,
            [2, 4].map(shard_id),
            "leases of parents go when all children are under way"
        );
    }
}

async fn aggregates_on_the_wrong_shard_are_left_out(endpoint: Endpoint) {
    for retrieval in BOTH {
        let mut fleet = Fleet::of(endpoint, retrieval, 1).await;
        let low = |data| UserRecord::new("low", data).with_hash_key(0);
        let high = |data| UserRecord::new("high", data).with_hash_key(u128::MAX);
        fleet.put_aggregate(&aggregate([low("0"), high("1")])).await;
        let client = fleet.emulator.client();
        let split = client.split_shard().stream_name("s").shard_to_split(shard_id(0));
        split.new_starting_hash_key(MIDDLE.to_string()).send().await.expect("it divides");
        // The producer does not know yet, is told by the answer, and puts them again.
        let late = aggregate([low("2"), high("3")]);
        let (landed_on, _) = fleet.put_aggregate(&late).await;
        assert_eq!(landed_on, shard_id(1));
        let lower_half = HashKeyRange { first: 0, last: MIDDLE - 1 };
        assert_eq!(late.outside(lower_half).collect::<Vec<_>>(), [1]);
        for user in [low("2"), high("3")] {
            fleet.put_aggregate(&aggregate([user])).await;
        }
        fleet.hire("a").await;
        fleet.until_processed(4).await;
        for (shard, expected) in [(0, &["0", "1"][..]), (1, &["2"]), (2, &["3"])] {
            assert_eq!(fleet.data(&shard_id(shard)), expected, "shard {shard}");
        }
        let parts = fleet.deeds(&shard_id(0)).into_iter().filter_map(|deed| match deed.what {
            What::Processed { key, position, .. } => Some((key, position.sub_sequence_number)),
            _ => None,
        });
        assert_eq!(parts.collect::<Vec<_>>(), [("low".to_owned(), 0), ("high".to_owned(), 1)]);
    }
}

/// An emulator whose time the story moves, and the workers of one application.
struct Fleet {
    emulator: Emulator,
    client: Client,
    retrieval: Retrieval,
    table: LeaseTable,
    history: History,
    workers: Vec<Worker>,
}

impl Fleet {
    async fn of(endpoint: Endpoint, retrieval: Retrieval, shards: i32) -> Self {
        let emulator = endpoint.start_at_rest();
        let client = emulator.client();
        create_stream(&client, "s", shards).await;
        let (table, history, workers) = Default::default();
        Self { emulator, client, retrieval, table, history, workers }
    }

    async fn hire(&mut self, name: &str) {
        let of_the_emulator = (self.emulator.client(), self.emulator.clock().clone());
        let shared = (self.table.clone(), self.history.clone());
        self.workers.push(Worker::start(name, self.retrieval, of_the_emulator, shared).await);
    }

    fn kill(&mut self, name: &str) {
        self.workers.retain(|worker| worker.name != name);
    }

    async fn turns(&mut self, turns: usize) {
        for _ in 0..turns {
            self.emulator.clock().advance(TURN);
            for worker in &mut self.workers {
                worker.work().await;
            }
        }
    }

    /// As many turns as it takes until user records have been handed out so many
    /// times. A socket may bring an event a turn late.
    async fn until_processed(&mut self, records: usize) {
        let processed = |fleet: &Self| data(&fleet.history.lock().unwrap()).len();
        let mut turns = 0;
        while processed(self) < records {
            assert!(turns < 50, "{} of {records}", processed(self));
            self.turns(1).await;
            turns += 1;
        }
    }

    /// Puts a plain record and tells the shard; its partition key is its hash key.
    async fn put(&self, hash_key: u128, data: &str) -> String {
        let call = self.client.put_record().stream_name("s").partition_key(hash_key.to_string());
        let call = call.explicit_hash_key(hash_key.to_string()).data(Blob::new(data));
        call.send().await.expect("it fits").shard_id
    }

    /// Puts an aggregate and tells the shard and the sequence number.
    async fn put_aggregate(&self, aggregate: &Aggregated) -> (String, String) {
        let call = self.client.put_record().stream_name("s");
        let call = call.partition_key(&aggregate.partition_key).data(Blob::new(&*aggregate.data));
        let hash_key = aggregate.explicit_hash_key.map(|key| key.to_string());
        let placed = call.set_explicit_hash_key(hash_key).send().await.expect("it fits");
        (placed.shard_id, placed.sequence_number)
    }

    fn held_by(&self, worker: &str) -> BTreeSet<String> {
        let leases = self.table.scan().into_iter();
        leases.filter(|it| it.owner.as_deref() == Some(worker)).map(|it| it.shard).collect()
    }

    fn deeds(&self, shard: &str) -> Vec<Deed> {
        self.history.lock().unwrap().iter().filter(|deed| deed.shard == shard).cloned().collect()
    }

    fn data(&self, shard: &str) -> Vec<String> {
        data(&self.deeds(shard))
    }
}

fn data(deeds: &[Deed]) -> Vec<String> {
    let data = |deed: &Deed| match &deed.what {
        What::Processed { data, .. } => Some(data.clone()),
        _ => None,
    };
    deeds.iter().filter_map(data).collect()
}

/// One stream record of all of them.
fn aggregate(user_records: impl IntoIterator<Item = UserRecord>) -> Aggregated {
    let mut aggregator = Aggregator::new(Limits::default());
    for user_record in user_records {
        assert_eq!(aggregator.add(user_record), Ok(None), "they fit together");
    }
    aggregator.flush().expect("one at least")
}
