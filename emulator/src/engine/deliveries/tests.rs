//! What a queue hands out, and what it takes back.

use super::*;
use crate::model::constraint::Constrained;
use crate::model::status::{EncryptionType, StreamMode};

const START: Timestamp = Timestamp::from_seconds(1_700_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A stream of two shards with this many records in turn, a millisecond apart.
fn stream(records: u64) -> StreamState {
    let mut stream = StreamState::creating(StreamMode::OnDemand, DAY);
    stream.topology = Topology::uniform(2, START.as_seconds(), START);
    for number in 0..records {
        let shard = &stream.topology.shards()[stream.topology.nth_open(number).as_usize()];
        let now = START.plus(Duration::from_millis(number));
        shard.log.lock().append(now, None, b"x", EncryptionType::None);
    }
    stream
}

fn asked(records_max: usize) -> Asked {
    let visibility = Duration::from_secs(30);
    Asked { side: Side::Normal, records_max, visibility, in_flight_max: None }
}

fn receipt(delivered: &Delivered) -> Receipt {
    Receipt {
        queue: QueueId::from_bits([0; 16]),
        side: delivered.known.side,
        place: delivered.place,
        delivery: delivered.known.handed_out,
    }
}

#[test]
fn what_was_acknowledged_at_once_leaves_nothing_behind() {
    let (stream, mut queue) = (stream(1000), Deliveries::default());
    let now = START.plus(Duration::from_secs(5));
    for _ in 0..100 {
        let delivered = queue.receive(&stream, asked(10), now, None);
        assert_eq!((delivered.len(), queue.records.len()), (10, 10));
        for delivered in &delivered {
            queue.acknowledge(&stream, &receipt(delivered), now).expect("it is in flight");
        }
    }
    assert!(queue.receive(&stream, asked(10), now, None).is_empty());
    let left = [queue.records.len(), queue.hidden.len(), queue.acknowledged.len()];
    assert_eq!((left, queue.next.len()), ([0; 3], 2), "an index per shard");
}

#[test]
fn what_took_several_deliveries_is_remembered_for_as_long_as_the_stream_keeps_it() {
    let (stream, mut queue) = (stream(3), Deliveries::default());
    let mut now = START;
    for _ in 0..2 {
        now = now.plus(Duration::from_secs(30));
        let delivered = queue.receive(&stream, asked(10), now, None);
        assert_eq!(delivered.len(), 3);
        if delivered[0].known.handed_out == 2 {
            for delivered in &delivered {
                queue.acknowledge(&stream, &receipt(delivered), now).expect("it is in flight");
            }
        }
    }
    assert_eq!((queue.records.len(), queue.acknowledged.len()), (0, 3));
    queue.receive(&stream, asked(10), now.plus(DAY), None);
    assert_eq!(queue.acknowledged.len(), 0);
}

#[test]
fn records_come_in_the_order_of_their_arrival_whatever_their_shard() {
    let (stream, mut queue) = (stream(20), Deliveries::default());
    let arrivals = |delivered: Vec<Delivered>| {
        let arrival = |delivered: &Delivered| delivered.known.arrival.since(START).as_millis();
        delivered.iter().map(arrival).collect::<Vec<_>>()
    };
    let first = queue.receive(&stream, asked(3), START.plus(DAY / 2), None);
    assert_eq!(arrivals(first), [0, 1, 2]);
    let late = START.plus(DAY / 2 + Duration::from_secs(30));
    assert_eq!(arrivals(queue.receive(&stream, asked(5), late, None)), [0, 1, 2, 3, 4]);
}

#[test]
fn deliveries_that_contradict_the_shards_are_not_restored() {
    let stream = stream(4);
    let restored = |next: u64, index: u64| {
        let shard = ShardIndex::new(0);
        let delivery = Delivery {
            arrival: Timestamp::EPOCH,
            first_received: START,
            hidden_until: None,
            side: Side::Normal,
            receives: 1,
            handed_out: 1,
        };
        let records = [(Place { shard, index }, delivery)];
        Deliveries::restored([(shard, next)].into(), records, [], None, &stream.topology)
    };
    assert_eq!(restored(2, 1).expect("it fits").records.len(), 1);
    assert!(restored(2, 2).is_none(), "it was never handed out");
    assert!(restored(4, 1).is_none(), "the shard has two records");
    assert!(restored(0, 1).is_none(), "records begin at one");
}

#[test]
fn a_number_of_receives_that_changes_counts_for_what_is_visible() {
    let (stream, mut queue) = (stream(2), Deliveries::default());
    let visible = Asked { visibility: Duration::ZERO, ..asked(1) };
    queue.receive(&stream, visible, START, None);
    queue.set_aside_after(Some(MaxReceiveCount::from_checked(1)), START);
    let dead = Asked { side: Side::DeadLetter, ..asked(10) };
    assert_eq!(queue.receive(&stream, dead, START, None).len(), 1);
    assert_eq!(queue.receive(&stream, asked(10), START, None).len(), 1);
}
