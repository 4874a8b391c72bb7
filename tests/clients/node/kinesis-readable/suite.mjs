// kinesis-readable against the emulator: a shard as a stream, from each place it can start at.

import assert from "node:assert/strict";
import test from "node:test";
import AWS from "aws-sdk";
import KinesisReadable from "kinesis-readable";
import { ENDPOINT, report } from "./emulator-under-test.mjs";

const kinesis = new AWS.Kinesis({
  endpoint: ENDPOINT, region: "us-east-1", accessKeyId: "test", secretAccessKey: "test" });
const StreamName = "readable";
const sequenceNumbers = [];

/** Reads so many records, and what checkpoints were said. */
async function read(count, options) {
  const readable = KinesisReadable(kinesis, StreamName, { readInterval: 20, ...options });
  const found = [], checkpoints = [];
  readable.on("checkpoint", (sequenceNumber) => checkpoints.push(sequenceNumber));
  for await (const records of readable) {
    found.push(...records.map((record) => record.Data.toString()));
    if (found.length >= count) readable.close();
  }
  return { found, checkpoints };
}

test.before(async () => {
  await kinesis.createStream({ StreamName, ShardCount: 2 }).promise();
  await kinesis.waitFor("streamExists", { StreamName }).promise();
  for (let n = 0; n < 20; n += 1) {
    const put = { StreamName, PartitionKey: "k", ExplicitHashKey: "0", Data: `${n}` };
    sequenceNumbers.push((await kinesis.putRecord(put).promise()).SequenceNumber);
  }
  await kinesis.putRecord({
    StreamName, PartitionKey: "k", ExplicitHashKey: (1n << 127n).toString(), Data: "other" }).promise();
});

const numbers = (from) => Array.from({ length: 20 - from }, (_, n) => `${n + from}`);

test("from the beginning, in batches", async () => {
  const { found, checkpoints } = await read(20, { limit: 5 });
  assert.deepEqual(found, numbers(0));
  assert.deepEqual(checkpoints, [4, 9, 14, 19].map((n) => sequenceNumbers[n]));
});

test("from a checkpoint and after it", async () => {
  assert.deepEqual((await read(10, { startAt: sequenceNumbers[10] })).found, numbers(10));
  assert.deepEqual((await read(9, { startAfter: sequenceNumbers[10] })).found, numbers(11));
});

test("from a time, from another shard", async () => {
  const timestamp = new Date(Date.now() - 3_600_000);
  assert.deepEqual((await read(20, { timestamp })).found, numbers(0));
  assert.deepEqual((await read(1, { shardId: "shardId-000000000001" })).found, ["other"]);
});

report(["kinesis-readable", "aws-sdk"], () =>
  "a shard from its beginning, a sequence number and a time; batches, checkpoints, two shards");
