//! A queue as the emulator should have it: what was acknowledged never comes
//! again, what is in flight stays so, and its receipts stay good.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::http::{Answer, Client};
use crate::stream::{data_of, text};
use crate::worker::Counts;

const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/";

/// Longer than all lives together, so that nothing comes twice: the longest there is.
const VISIBILITY_SECONDS: u32 = 43_200;

/// Then the next stream and queue are made.
const RECORDS_MAX: usize = 300;

#[derive(Default)]
pub(crate) struct QueueModel {
    queue: Option<Queue>,
}

struct Queue {
    stream: String,
    /// Its ARN, once its creation was answered.
    arn: Option<String>,
    /// Acknowledged puts that the queue was not told to forget, or did not answer.
    waiting: BTreeSet<String>,
    /// Puts that were not answered.
    doubtful: BTreeSet<String>,
    /// What was received and not acknowledged, by its handle.
    received: BTreeMap<String, String>,
    done: BTreeSet<String>,
}

impl QueueModel {
    pub(crate) fn step(
        &mut self,
        client: &mut Client,
        chance: &mut Chance,
        name: String,
        counts: &mut Counts,
    ) -> io::Result<()> {
        if self.queue.as_ref().is_some_and(|queue| queue.done.len() > RECORDS_MAX) {
            self.delete(client, counts)?;
        }
        let Some(queue) = &mut self.queue else {
            self.queue = Some(Queue::new(name));
            return Ok(());
        };
        let Some(arn) = queue.arn.clone() else { return queue.create(client, counts) };
        match chance.below(4) {
            0 | 1 => queue.put(client, name, counts),
            2 => queue.receive(client, &arn, name, counts),
            _ => queue.acknowledge(client, &arn),
        }
    }

    fn delete(&mut self, client: &mut Client, counts: &mut Counts) -> io::Result<()> {
        let Some(queue) = self.queue.take() else { return Ok(()) };
        let input = json!({"StreamName": queue.stream, "EnforceConsumerDeletion": true});
        if let Some(arn) = &queue.arn {
            client.ask("DeleteQueue", &json!({"QueueARN": arn}))?;
        }
        // It is not looked at again, whether the stream goes or stays.
        if let Answer::Done(_) = client.call("DeleteStream", &input)? {
            counts.control += 1;
        }
        Ok(())
    }

    /// The queue is there, and its next records are none that were acknowledged.
    pub(crate) fn audit(
        &mut self,
        client: &mut Client,
        name: String,
        counts: &mut Counts,
    ) -> io::Result<()> {
        let Some(queue) = &mut self.queue else { return Ok(()) };
        let Some(arn) = queue.arn.clone() else { return Ok(()) };
        let described = client.ask("DescribeQueue", &json!({"QueueARN": arn}))?;
        assert_eq!(described["QueueDescription"]["QueueARN"], json!(arn), "{described}");
        queue.receive(client, &arn, name, counts)
    }
}

impl Queue {
    fn new(stream: String) -> Self {
        Self {
            stream,
            arn: None,
            waiting: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            received: BTreeMap::new(),
            done: BTreeSet::new(),
        }
    }

    /// Makes stream and queue, or what of them an unanswered call has not made.
    fn create(&mut self, client: &mut Client, counts: &mut Counts) -> io::Result<()> {
        let mode = json!({"StreamMode": "ON_DEMAND"});
        let input = json!({"StreamName": self.stream, "StreamModeDetails": mode});
        // Refused if it was made without an answer.
        client.call("CreateStream", &input)?;
        let named = json!({"StreamName": self.stream});
        while client.ask("DescribeStreamSummary", &named)?["StreamDescriptionSummary"]["StreamStatus"]
            != "ACTIVE"
        {}
        let position = json!({"Type": "TRIM_HORIZON"});
        let configuration =
            json!({"StreamARN": format!("{ARN}{}", self.stream), "StartingPosition": position});
        let input = json!({
            "QueueName": self.stream,
            "StreamConfigurationList": [configuration],
            "QueueAttributes": {"VisibilityTimeoutSeconds": VISIBILITY_SECONDS},
        });
        let arn = match client.call("CreateQueue", &input)? {
            Answer::Done(answer) => text(&answer["QueueDescription"]["QueueARN"]),
            Answer::Refused(_) => self.find(client)?,
        };
        let described = json!({"QueueARN": arn});
        while client.ask("DescribeQueue", &described)?["QueueDescription"]["QueueStatus"]
            != "ACTIVE"
        {}
        self.arn = Some(arn);
        counts.control += 2;
        Ok(())
    }

    fn find(&self, client: &mut Client) -> io::Result<String> {
        let listed = client.ask("ListQueues", &json!({}))?;
        let queues = listed["QueueSummaries"].as_array().expect("a list");
        let ours = queues.iter().find(|queue| queue["QueueName"] == json!(self.stream));
        Ok(text(&ours.expect("it was refused because it is there")["QueueARN"]))
    }

    fn put(&mut self, client: &mut Client, data: String, counts: &mut Counts) -> io::Result<()> {
        let encoded = STANDARD.encode(&data);
        let input = json!({"StreamName": self.stream, "PartitionKey": data, "Data": encoded});
        self.doubtful.insert(data.clone());
        client.ask("PutRecord", &input)?;
        self.doubtful.remove(&data);
        self.waiting.insert(data);
        counts.records += 1;
        Ok(())
    }

    /// Puts one more record, so that there is something and nobody waits.
    fn receive(
        &mut self,
        client: &mut Client,
        arn: &str,
        name: String,
        counts: &mut Counts,
    ) -> io::Result<()> {
        self.put(client, name, counts)?;
        let answer = client.ask("ReceiveQueueRecords", &json!({"QueueARN": arn}))?;
        for record in answer["QueueRecords"].as_array().expect("a list") {
            let data = data_of(record);
            assert!(!self.done.contains(&data), "{data} was acknowledged and comes again");
            let in_flight = self.received.values().any(|received| *received == data);
            assert!(!in_flight, "{data} is in flight and comes again");
            let known = self.waiting.contains(&data) || self.doubtful.contains(&data);
            assert!(known, "{data} comes, and nobody put it");
            self.received.insert(text(&record["ReceiptHandle"]), data);
            counts.received += 1;
        }
        Ok(())
    }

    fn acknowledge(&mut self, client: &mut Client, arn: &str) -> io::Result<()> {
        let some: Vec<_> = self.received.keys().take(10).cloned().collect();
        if some.is_empty() {
            return Ok(());
        }
        let data: Vec<_> = some.iter().filter_map(|handle| self.received.remove(handle)).collect();
        let entries: Vec<Value> =
            some.iter().map(|handle| json!({"ReceiptHandle": handle})).collect();
        let answer =
            client.ask("AcknowledgeQueueRecords", &json!({"QueueARN": arn, "Entries": entries}))?;
        let failed = answer["Failed"].as_array().expect("a list");
        assert!(failed.is_empty(), "{arn}: a receipt of a life before is good: {answer}");
        self.waiting.retain(|waiting| !data.contains(waiting));
        self.done.extend(data);
        Ok(())
    }
}
