//! One of those who use the emulator, over all its lives: what it calls, what it
//! was answered, and what it must therefore find.

use std::fmt;
use std::io;
use std::iter::Sum;
use std::net::SocketAddr;
use std::sync::mpsc::Sender;

use crate::chance::Chance;
use crate::http::Client;
use crate::queue::QueueModel;
use crate::stream::StreamModel;

/// Streams that a worker has at a time.
const STREAMS: usize = 3;

/// Reading everything again and again takes as long as there is to read.
const RECORDS_MAX: usize = 400;

pub(crate) struct Worker {
    id: u64,
    chance: Chance,
    streams: Vec<StreamModel>,
    queue: QueueModel,
    /// Names and data are never used again.
    drawn: u64,
    pub(crate) counts: Counts,
}

/// What was called and found, over all lives.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) audits: u64,
    pub(crate) records: u64,
    pub(crate) control: u64,
    pub(crate) received: u64,
    /// Calls that were not answered: done, and not done.
    pub(crate) unanswered: [u64; 2],
    pub(crate) looked_at: u64,
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, one| Self {
            audits: sum.audits + one.audits,
            records: sum.records + one.records,
            control: sum.control + one.control,
            received: sum.received + one.received,
            unanswered: [0, 1].map(|place| sum.unanswered[place] + one.unanswered[place]),
            looked_at: sum.looked_at + one.looked_at,
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [done, not_done] = self.unanswered;
        write!(
            f,
            "{} records and {} control calls were acknowledged, {} records received from queues; \
             of the calls that were not answered {done} were done and {not_done} not; {} audits \
             looked at {} records: nothing is missing",
            self.records, self.control, self.received, self.audits, self.looked_at
        )
    }
}

impl Worker {
    pub(crate) fn new(id: u64, seed: u64) -> Self {
        Self {
            id,
            chance: Chance::new(seed),
            streams: Vec::new(),
            queue: QueueModel::default(),
            drawn: 0,
            counts: Counts::default(),
        }
    }

    /// Looks at what the life before has left, then calls until there is no answer.
    pub(crate) fn live(&mut self, address: SocketAddr, answered: &Sender<()>) {
        let ended = self.audit(address).and_then(|()| {
            let mut client = Client::connect(address)?;
            loop {
                self.step(&mut client)?;
                if answered.send(()).is_err() {
                    return Ok(());
                }
            }
        });
        // It was killed, or the run is over.
        let (Ok(()) | Err(_)) = ended;
    }

    /// Looks at everything that this worker knows of.
    pub(crate) fn audit(&mut self, address: SocketAddr) -> io::Result<()> {
        let mut client = Client::connect(address)?;
        let mut place = 0;
        while let Some(stream) = self.streams.get_mut(place) {
            if stream.audit(&mut client, &mut self.counts)? {
                place += 1;
            } else {
                self.streams.remove(place);
            }
        }
        let name = self.draw_name();
        self.queue.audit(&mut client, name, &mut self.counts)?;
        self.counts.audits += 1;
        Ok(())
    }

    fn draw_name(&mut self) -> String {
        self.drawn += 1;
        format!("w{}-{}", self.id, self.drawn)
    }

    fn step(&mut self, client: &mut Client) -> io::Result<()> {
        if self.id == 0 {
            let name = self.draw_name();
            return self.queue.step(client, &mut self.chance, name, &mut self.counts);
        }
        if self.streams.len() < STREAMS {
            let name = self.draw_name();
            self.streams.push(StreamModel::new(name, 1 << self.chance.below(3)));
            let stream = self.streams.last_mut().expect("it was pushed");
            return stream.create(client, &mut self.counts);
        }
        let place = self.chance.below(self.streams.len() as u64) as usize;
        let name = self.draw_name();
        let stream = &mut self.streams[place];
        let chance = &mut self.chance;
        if stream.records() > RECORDS_MAX {
            stream.delete(client, &mut self.counts)?;
            self.streams.remove(place);
            return Ok(());
        }
        match chance.below(10) {
            0..6 => stream.put_record(client, chance, &name, &mut self.counts),
            6..8 => stream.put_records(client, chance, &name, &mut self.counts),
            _ => stream.change(client, chance, &name, &mut self.counts),
        }
    }
}
