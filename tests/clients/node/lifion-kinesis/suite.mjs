// lifion-kinesis against the emulator: producer and consumer, by polling.

import assert from "node:assert/strict";
import test from "node:test";
import dynalite from "dynalite";
import Kinesis from "lifion-kinesis";
import { ENDPOINT, report, until } from "./emulator-under-test.mjs";

const at = { region: "us-east-1", accessKeyId: "test", secretAccessKey: "test" };
const dynamoDb = dynalite({ createTableMs: 0 }).listen(0);
const state = { endpoint: `http://localhost:${dynamoDb.address().port}`, ...at };

async function producesAndConsumes(streamName, options) {
  const kinesis = new Kinesis({
    endpoint: ENDPOINT, ...at, streamName, shardCount: 2, initialPositionInStream: "TRIM_HORIZON",
    noRecordsPollDelay: 250, dynamoDb: { ...state, tableName: streamName }, ...options });
  const found = new Map();
  kinesis.on("data", ({ records, shardId }) => {
    for (const { data } of records) {
      found.set(shardId, [...(found.get(shardId) ?? []), data.n]);
    }
  });
  const total = () => [...found.values()].flat().length;
  await kinesis.startConsumer();
  for (let n = 0; n < 10; n += 1) {
    await kinesis.putRecord({ partitionKey: `key-${n}`, data: { n } });
  }
  await until(() => total() >= 10);
  const records = Array.from({ length: 100 }, (_, n) => ({ partitionKey: `key-${n}`, data: { n: n + 10 } }));
  await kinesis.putRecords({ records });
  await until(() => total() >= 110);
  assert.equal(found.size, 2, "both shards");
  for (const numbers of found.values()) {
    assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), "in order");
  }
  assert.deepEqual([...found.values()].flat().sort((a, b) => a - b), [...Array(110).keys()]);
  kinesis.stopConsumer();
}

test("what is produced is consumed, in order, from both shards", () => producesAndConsumes("polled"));
test("with a stream that is encrypted and tagged", () =>
  producesAndConsumes("settled", { encryption: { type: "KMS", keyId: "alias/aws/kinesis" }, tags: { a: "1" } }));
test("with records that are compressed", () =>
  producesAndConsumes("compressed", { compression: "LZ-UTF8" }));

// Its timers would keep the process alive.
test.after(() => setImmediate(() => process.exit()));
report(["lifion-kinesis", "dynalite"], () =>
  "producer, batches, consumer of two shards by polling, encryption and tags, compression, state in DynamoDB");
