// aws-sdk-js v3 against the emulator: every operation that it has, over HTTP/2, cleartext and TLS.

import assert from "node:assert/strict";
import test from "node:test";
import { NodeHttp2Handler } from "@smithy/node-http-handler";
import * as sdk from "@aws-sdk/client-kinesis";
import {
  advance, control, ENDPOINT, FIRST, LIMITS_ENDPOINT, needsControl, needsLimits, needsTls, report,
  TLS_ENDPOINT, until,
} from "./emulator-under-test.mjs";

const MIDDLE = (1n << 127n).toString();
const ROLE = "arn:aws:iam::000000000000:role/deliver";
const KNOWN = Object.keys(sdk)
  .filter((name) => /^[A-Z].*Command$/.test(name))
  .map((name) => name.replace(/Command$/, ""));

const succeeded = new Map();
const caught = new Set();

class Client extends sdk.KinesisClient {
  constructor(endpoint, more = {}) {
    super({
      endpoint, region: "us-east-1", maxAttempts: 1,
      credentials: { accessKeyId: "test", secretAccessKey: "test" }, ...more,
    });
    this.where = endpoint;
    succeeded.set(endpoint, succeeded.get(endpoint) ?? new Set());
  }

  async call(operation, input = {}) {
    const output = await this.send(new sdk[`${operation}Command`](input));
    succeeded.get(this.where).add(operation);
    return output;
  }

  active(StreamName) {
    return until(async () => {
      const { StreamDescriptionSummary: found } =
        await this.call("DescribeStreamSummary", { StreamName });
      return found.StreamStatus === "ACTIVE" && found;
    });
  }

  async make(StreamName, ShardCount = 1) {
    await this.call("CreateStream", { StreamName, ShardCount });
    return (await this.active(StreamName)).StreamARN;
  }

  put(StreamName, data, more = {}) {
    return this.call("PutRecord", {
      StreamName, PartitionKey: "k", ExplicitHashKey: "0", Data: Buffer.from(data), ...more });
  }

  async read(StreamName, ShardId = FIRST, start = { ShardIteratorType: "TRIM_HORIZON" }) {
    const { ShardIterator } =
      await this.call("GetShardIterator", { StreamName, ShardId, ...start });
    return this.call("GetRecords", { ShardIterator });
  }

  async consumer(StreamARN, ConsumerName) {
    const { Consumer } = await this.call("RegisterStreamConsumer", { StreamARN, ConsumerName });
    await until(async () => {
      const { ConsumerDescription: found } =
        await this.call("DescribeStreamConsumer", { ConsumerARN: Consumer.ConsumerARN });
      return found.ConsumerStatus === "ACTIVE";
    });
    return Consumer.ConsumerARN;
  }

  async subscribe(ConsumerARN, StartingPosition = { Type: "TRIM_HORIZON" }, ShardId = FIRST) {
    const { EventStream } =
      await this.call("SubscribeToShard", { ConsumerARN, ShardId, StartingPosition });
    return EventStream[Symbol.asyncIterator]();
  }

  delete(StreamName) {
    return this.call("DeleteStream", { StreamName, EnforceConsumerDeletion: true });
  }
}

const texts = (records) => records.map((record) => Buffer.from(record.Data).toString());

async function nextWithRecords(events) {
  for (;;) {
    const { value, done } = await events.next();
    assert(!done, "the subscription has ended");
    if (value.SubscribeToShardEvent.Records.length > 0) return value.SubscribeToShardEvent;
  }
}

async function refused(kind, call) {
  await assert.rejects(call, (error) => error instanceof sdk[kind] && error.name === kind);
  caught.add(kind);
}

async function driveEverything(client) {
  const StreamName = "everything";
  const StreamARN = await client.make(StreamName, 2);
  const { StreamDescription } = await client.call("DescribeStream", { StreamName });
  assert.equal(StreamDescription.Shards[1].HashKeyRange.StartingHashKey, MIDDLE);
  assert(StreamDescription.StreamCreationTimestamp instanceof Date);
  assert((await client.call("ListStreams")).StreamNames.includes(StreamName));
  assert.equal((await client.call("ListShards", { StreamName })).Shards.length, 2);
  assert((await client.call("DescribeLimits")).OpenShardCount >= 2);

  await client.call("IncreaseStreamRetentionPeriod", { StreamName, RetentionPeriodHours: 48 });
  await client.call("DecreaseStreamRetentionPeriod", { StreamName, RetentionPeriodHours: 36 });
  assert.equal((await client.active(StreamName)).RetentionPeriodHours, 36);
  const metrics = { StreamName, ShardLevelMetrics: ["ALL"] };
  const enabled = await client.call("EnableEnhancedMonitoring", metrics);
  assert.deepEqual(enabled.CurrentShardLevelMetrics, []);
  assert.equal(enabled.DesiredShardLevelMetrics.length, 7);
  await client.call("DisableEnhancedMonitoring", metrics);
  const key = { StreamName, EncryptionType: "KMS", KeyId: "alias/aws/kinesis" };
  await client.call("StartStreamEncryption", key);
  assert.equal((await client.active(StreamName)).EncryptionType, "KMS");
  await client.call("StopStreamEncryption", key);
  await client.active(StreamName);
  await client.call("UpdateMaxRecordSize", { StreamARN, MaxRecordSizeInKiB: 2048 });
  assert.equal((await client.active(StreamName)).MaxRecordSizeInKiB, 2048);

  await client.call("AddTagsToStream", { StreamName, Tags: { a: "1", b: "2" } });
  await client.call("TagResource", { ResourceARN: StreamARN, Tags: { c: "3" } });
  await client.call("RemoveTagsFromStream", { StreamName, TagKeys: ["a"] });
  await client.call("UntagResource", { ResourceARN: StreamARN, TagKeys: ["b"] });
  const left = [{ Key: "c", Value: "3" }];
  assert.deepEqual((await client.call("ListTagsForStream", { StreamName })).Tags, left);
  const tags = await client.call("ListTagsForResource", { ResourceARN: StreamARN });
  assert.deepEqual(tags.Tags, left);
  const Policy = '{"Version": "2012-10-17", "Statement": []}';
  await client.call("PutResourcePolicy", { ResourceARN: StreamARN, Policy });
  const policy = await client.call("GetResourcePolicy", { ResourceARN: StreamARN });
  assert.equal(policy.Policy, Policy);
  await client.call("DeleteResourcePolicy", { ResourceARN: StreamARN });

  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const placed = await client.put(StreamName, bytes);
  const batch = await client.call("PutRecords", { StreamName, Records: [
    { PartitionKey: "schlüssel", ExplicitHashKey: "0", Data: Buffer.from("batch") },
    { PartitionKey: "k", ExplicitHashKey: MIDDLE, Data: Buffer.from("") }] });
  assert.equal(batch.FailedRecordCount, 0);
  const { Records } = await client.read(StreamName, placed.ShardId, {
    ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: placed.SequenceNumber });
  assert.deepEqual(Buffer.from(Records[0].Data), bytes);
  assert.equal(Records[1].PartitionKey, "schlüssel");
  assert(Records[0].ApproximateArrivalTimestamp instanceof Date);
  const at = await client.read(StreamName, FIRST, {
    ShardIteratorType: "AT_TIMESTAMP", Timestamp: Records[0].ApproximateArrivalTimestamp });
  assert.equal(at.Records.length, 2);

  const ConsumerARN = await client.consumer(StreamARN, "reader");
  const listed = await client.call("ListStreamConsumers", { StreamARN });
  assert.deepEqual(listed.Consumers.map((one) => one.ConsumerName), ["reader"]);
  const events = await client.subscribe(ConsumerARN);
  assert.equal((await nextWithRecords(events)).Records.length, 2);
  await client.put(StreamName, "pushed");
  assert.deepEqual(texts((await nextWithRecords(events)).Records), ["pushed"]);
  await events.return();
  await client.call("DeregisterStreamConsumer", { ConsumerARN });

  await client.call("SplitShard", {
    StreamName, ShardToSplit: FIRST, NewStartingHashKey: (1n << 126n).toString() });
  await client.active(StreamName);
  const children = (await client.read(StreamName)).ChildShards.map((child) => child.ShardId);
  assert.deepEqual(children, ["shardId-000000000002", "shardId-000000000003"]);
  await client.call("MergeShards", {
    StreamName, ShardToMerge: children[0], AdjacentShardToMerge: children[1] });
  await client.active(StreamName);
  const scaled = await client.call("UpdateShardCount", {
    StreamName, TargetShardCount: 4, ScalingType: "UNIFORM_SCALING" });
  assert.equal(scaled.TargetShardCount, 4);
  assert.equal((await client.active(StreamName)).OpenShardCount, 4);

  await client.call("UpdateStreamMode", { StreamARN, StreamModeDetails: { StreamMode: "ON_DEMAND" } });
  await client.active(StreamName);
  await client.call("UpdateStreamRecordDistributionStrategy", {
    StreamARN, RecordDistributionStrategy: "AUTO" });
  assert.equal((await client.active(StreamName)).RecordDistributionStrategy, "AUTO");
  const settings = await client.call("DescribeAccountSettings");
  assert.equal(settings.MinimumThroughputBillingCommitment.Status, "DISABLED");
  await client.call("UpdateAccountSettings", {
    MinimumThroughputBillingCommitment: { Status: "ENABLED" } });
  const warm = await client.call("UpdateStreamWarmThroughput", { StreamName, WarmThroughputMiBps: 6 });
  assert.equal(warm.WarmThroughput.TargetMiBps, 6);
  await client.active(StreamName);
  const { ChannelDescription: { ChannelARN } } = await client.call("CreateChannel", {
    ChannelName: "archive", ServiceExecutionRoleARN: ROLE,
    StreamConfigurationList: [{ StreamARN, RecordConfiguration: { RecordFormatType: "JSON" } }],
    S3DestinationConfiguration: { StorageConfiguration: {
      BucketARN: "arn:aws:s3:::archive", ExpectedBucketOwner: "000000000000",
      CompressionType: "GZIP" } } });
  const ready = () =>
    sdk.waitUntilChannelActive({ client, maxWaitTime: 30, minDelay: 1 }, { ChannelARN });
  await ready();
  await client.call("UpdateChannel", {
    ChannelARN, S3DestinationConfiguration: { DataFreshnessInSeconds: 600 } });
  await ready();
  const { ChannelDescription } = await client.call("DescribeChannel", { ChannelARN });
  assert.equal(ChannelDescription.S3DestinationConfiguration.DataFreshnessInSeconds, 600);
  const { ChannelSummaries } = await client.call("ListChannels");
  assert.deepEqual(ChannelSummaries.map((one) => one.ChannelName), ["archive"]);
  await client.call("DeleteChannel", { ChannelARN });
  await until(async () => !(await client.call("ListChannels")).ChannelSummaries.length);

  await client.delete(StreamName);
  await sdk.waitUntilStreamNotExists({ client, maxWaitTime: 30, minDelay: 1 }, { StreamName });

  assert.deepEqual(KNOWN.filter((name) => !succeeded.get(client.where).has(name)), []);
}

test("every operation by cleartext HTTP/2, with prior knowledge", async () => {
  const client = new Client(ENDPOINT);
  assert(client.config.requestHandler instanceof NodeHttp2Handler);
  await driveEverything(client);
  client.destroy();
});

test("every operation by HTTP/2 in TLS, with the certificate that was written", needsTls, async () => {
  await control("POST", "/reset");
  const client = new Client(TLS_ENDPOINT);
  await driveEverything(client);
  client.destroy();
});

test("paginators find everything once", async () => {
  const client = new Client(ENDPOINT);
  const StreamARN = await client.make("pages-1");
  for (const name of ["pages-2", "pages-3"]) await client.make(name);
  const names = [];
  for await (const page of sdk.paginateListStreams({ client, pageSize: 2 }, {})) {
    names.push(...page.StreamNames.filter((name) => name.startsWith("pages-")));
  }
  assert.deepEqual(names, ["pages-1", "pages-2", "pages-3"]);
  for (const name of ["a", "b", "c"]) await client.consumer(StreamARN, name);
  const consumers = [];
  for await (const page of sdk.paginateListStreamConsumers({ client, pageSize: 2 }, { StreamARN })) {
    consumers.push(...page.Consumers.map((one) => one.ConsumerName));
  }
  assert.deepEqual(consumers.sort(), ["a", "b", "c"]);
  const before = { Limit: 2, ExclusiveStartStreamName: "pages-" };
  const first = await client.call("ListStreams", before);
  assert.deepEqual([first.StreamNames, first.HasMoreStreams], [["pages-1", "pages-2"], true]);
  const second = await client.call("ListStreams", { Limit: 1, NextToken: first.NextToken });
  assert.deepEqual(second.StreamNames, ["pages-3"]);
  for (const name of names) await client.delete(name);
  client.destroy();
});

test("waiters wait for states that last", needsLimits, async () => {
  const client = new Client(LIMITS_ENDPOINT);
  const StreamName = "waited";
  const wait = { client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 };
  await client.call("CreateStream", { StreamName, ShardCount: 1 });
  await sdk.waitUntilStreamExists(wait, { StreamName });
  await client.put(StreamName, Buffer.alloc((1 << 20) - 1));
  await refused("ProvisionedThroughputExceededException", () =>
    client.put(StreamName, Buffer.alloc((1 << 20) - 1)));
  await client.delete(StreamName);
  await sdk.waitUntilStreamNotExists(wait, { StreamName });
  client.destroy();
});

test("exceptions are typed", async () => {
  const client = new Client(ENDPOINT);
  await refused("ResourceNotFoundException", () => client.call("DescribeStream", { StreamName: "missing" }));
  await client.make("typed");
  await refused("ResourceInUseException", () =>
    client.call("CreateStream", { StreamName: "typed", ShardCount: 1 }));
  await refused("InvalidArgumentException", () => client.call("GetRecords", { ShardIterator: "AAAA" }));
  await refused("LimitExceededException", () =>
    client.call("CreateStream", { StreamName: "large", ShardCount: 10_001 }));
  await refused("ValidationException", () => client.call("CreateStream", { StreamName: "" }));
  await client.delete("typed");
  client.destroy();
});

test("an iterator expires after five minutes", needsControl, async () => {
  const client = new Client(ENDPOINT);
  await client.make("expired");
  const { ShardIterator } = await client.call("GetShardIterator", {
    StreamName: "expired", ShardId: FIRST, ShardIteratorType: "LATEST" });
  await advance("301s");
  await refused("ExpiredIteratorException", () => client.call("GetRecords", { ShardIterator }));
  await client.delete("expired");
  client.destroy();
});

test("a throttle is retried by the client", needsControl, async () => {
  const client = new Client(ENDPOINT, { maxAttempts: 3 });
  await client.make("retried");
  await control("POST", "/faults", {
    operation: "PutRecord", stream: "retried", times: 2,
    reject: "ProvisionedThroughputExceededException" });
  const { $metadata } = await client.put("retried", "x");
  assert.equal($metadata.attempts, 3);
  assert.deepEqual(texts((await client.read("retried")).Records), ["x"]);
  await client.delete("retried");
  client.destroy();
});

test("a subscription resumes where it was left", async () => {
  const client = new Client(ENDPOINT);
  const ConsumerARN = await client.consumer(await client.make("resumed"), "reader");
  await client.put("resumed", "0");
  let events = await client.subscribe(ConsumerARN);
  const { ContinuationSequenceNumber } = await nextWithRecords(events);
  await events.return();
  await client.put("resumed", "1");
  // A reader that resumes sooner than five seconds is told to wait.
  events = await until(() => client
    .subscribe(ConsumerARN, { Type: "AFTER_SEQUENCE_NUMBER", SequenceNumber: ContinuationSequenceNumber })
    .catch((error) => assert(error instanceof sdk.ResourceInUseException)));
  assert.deepEqual(texts((await nextWithRecords(events)).Records), ["1"]);
  await events.return();
  await client.delete("resumed");
  client.destroy();
});

test("a subscription ends: with the shard, after five minutes, with its consumer", needsControl, async () => {
  const client = new Client(ENDPOINT);
  const StreamARN = await client.make("ended");
  await client.put("ended", "x");
  const [five, gone] = [await client.consumer(StreamARN, "five"), await client.consumer(StreamARN, "gone")];
  let events = await client.subscribe(gone);
  await nextWithRecords(events);
  await client.call("DeregisterStreamConsumer", { ConsumerARN: gone });
  await assert.rejects(async () => { for (;;) if ((await events.next()).done) return; },
    (error) => error.name === "ResourceNotFoundException");
  events = await client.subscribe(five);
  await nextWithRecords(events);
  await advance("301s");
  for (let next; !(next = await events.next()).done;) {
    assert.deepEqual(next.value.SubscribeToShardEvent.Records, []);
  }
  await client.call("SplitShard", { StreamName: "ended", ShardToSplit: FIRST, NewStartingHashKey: MIDDLE });
  await client.active("ended");
  events = await client.subscribe(five);
  let last;
  for (let next; !(next = await events.next()).done;) last = next.value.SubscribeToShardEvent;
  assert.deepEqual(last.ChildShards.map((child) => child.ShardId),
    ["shardId-000000000001", "shardId-000000000002"]);
  await client.delete("ended");
  client.destroy();
});

test("many calls and subscriptions share a connection", async () => {
  const requestHandler = new NodeHttp2Handler({ disableConcurrentStreams: false });
  const client = new Client(ENDPOINT, { requestHandler });
  const StreamARN = await client.make("shared");
  const readers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => client.consumer(StreamARN, `reader-${n}`)));
  const subscriptions = await Promise.all(
    readers.map((reader) => client.subscribe(reader, { Type: "TRIM_HORIZON" })));
  await Promise.all(Array.from({ length: 500 }, (_, n) => client.put("shared", `${n}`)));
  const all = await Promise.all(subscriptions.map(async (events) => {
    const found = [];
    while (found.length < 500) found.push(...texts((await nextWithRecords(events)).Records));
    await events.return();
    return found;
  }));
  for (const found of all) assert.deepEqual(found, all[0], "each reader has every record, in one order");
  assert.equal(new Set(all[0]).size, 500);
  await client.delete("shared");
  client.destroy();
});

report(["@aws-sdk/client-kinesis"], () => {
  const driven = succeeded.get(ENDPOINT).size;
  return `${driven} of ${KNOWN.length} operations by HTTP/2 cleartext${TLS_ENDPOINT ? " and by TLS" : ""}, ` +
    `2 paginators, 3 waiters, ${caught.size} typed exceptions, retries, SubscribeToShard with resumption, ` +
    `20 subscriptions on one connection`;
});
