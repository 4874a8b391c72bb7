import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CreateStreamCommand, GetRecordsCommand, GetShardIteratorCommand, PutRecordCommand,
} from "@aws-sdk/client-kinesis";
import { startKinesis } from "./emulator.mjs";

const StreamName = "orders";
let kinesis;
before(async () => {
  kinesis = await startKinesis();
  await kinesis.client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
});
after(() => kinesis.stop());

/** The code under test. */
const publish = (client, order) =>
  client.send(new PutRecordCommand({ StreamName, PartitionKey: order, Data: Buffer.from("paid") }));

async function read(client) {
  const { ShardIterator } = await client.send(new GetShardIteratorCommand({
    StreamName, ShardId: "shardId-000000000000", ShardIteratorType: "TRIM_HORIZON" }));
  const { Records } = await client.send(new GetRecordsCommand({ ShardIterator }));
  return Records.map(({ Data }) => Buffer.from(Data).toString());
}

test("an order is published, and kept for a day", async () => {
  await publish(kinesis.client, "42");
  assert.deepEqual(await read(kinesis.client), ["paid"]);
  await kinesis.advance("25h");
  assert.deepEqual(await read(kinesis.client), []);
});
