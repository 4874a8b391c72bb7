// aws-sdk-js v2 against the emulator: every operation that it can call, over HTTP/1.1.

import assert from "node:assert/strict";
import test from "node:test";
import AWS from "aws-sdk";
import { control, ENDPOINT, FIRST, needsControl, needsTls, report, TLS_ENDPOINT, until } from "./emulator-under-test.mjs";

const MIDDLE = (1n << 127n).toString();
const succeeded = new Set();

function client(endpoint = ENDPOINT, more = {}) {
  const kinesis = new AWS.Kinesis({
    endpoint, region: "us-east-1", accessKeyId: "test", secretAccessKey: "test", maxRetries: 0, ...more });
  const call = async (operation, input = {}) => {
    const output = await kinesis[operation](input).promise();
    succeeded.add(operation);
    return output;
  };
  return { kinesis, call };
}

const { kinesis, call } = client();
const known = Object.keys(kinesis.api.operations);
const active = (StreamName) => until(async () => {
  const { StreamDescriptionSummary: found } = await call("describeStreamSummary", { StreamName });
  return found.StreamStatus === "ACTIVE" && found;
});

test("every operation", async () => {
  const StreamName = "everything";
  await call("createStream", { StreamName, ShardCount: 2 });
  await kinesis.waitFor("streamExists", { StreamName }).promise();
  const StreamARN = (await active(StreamName)).StreamARN;
  const { StreamDescription } = await call("describeStream", { StreamName });
  assert(StreamDescription.StreamCreationTimestamp instanceof Date);
  assert((await call("listStreams")).StreamNames.includes(StreamName));
  assert.equal((await call("listShards", { StreamName })).Shards.length, 2);
  assert((await call("describeLimits")).OpenShardCount >= 2);

  await call("increaseStreamRetentionPeriod", { StreamName, RetentionPeriodHours: 48 });
  await call("decreaseStreamRetentionPeriod", { StreamName, RetentionPeriodHours: 36 });
  await call("enableEnhancedMonitoring", { StreamName, ShardLevelMetrics: ["ALL"] });
  await call("disableEnhancedMonitoring", { StreamName, ShardLevelMetrics: ["ALL"] });
  const key = { StreamName, EncryptionType: "KMS", KeyId: "alias/aws/kinesis" };
  await call("startStreamEncryption", key);
  assert.equal((await active(StreamName)).EncryptionType, "KMS");
  await call("stopStreamEncryption", key);
  await call("addTagsToStream", { StreamName, Tags: { a: "1", b: "2" } });
  await call("removeTagsFromStream", { StreamName, TagKeys: ["a"] });
  assert.deepEqual((await call("listTagsForStream", { StreamName })).Tags, [{ Key: "b", Value: "2" }]);
  const Policy = '{"Version": "2012-10-17", "Statement": []}';
  await call("putResourcePolicy", { ResourceARN: StreamARN, Policy });
  assert.equal((await call("getResourcePolicy", { ResourceARN: StreamARN })).Policy, Policy);
  await call("deleteResourcePolicy", { ResourceARN: StreamARN });

  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const placed = await call("putRecord", { StreamName, PartitionKey: "k", ExplicitHashKey: "0", Data: bytes });
  await call("putRecords", { StreamName, Records: [{ PartitionKey: "ü", ExplicitHashKey: "0", Data: "text" }] });
  const { ShardIterator } = await call("getShardIterator", {
    StreamName, ShardId: FIRST, ShardIteratorType: "AT_SEQUENCE_NUMBER",
    StartingSequenceNumber: placed.SequenceNumber });
  const { Records } = await call("getRecords", { ShardIterator });
  assert.deepEqual(Records[0].Data, bytes);
  assert.deepEqual([Records[1].PartitionKey, Records[1].Data.toString()], ["ü", "text"]);
  assert(Records[0].ApproximateArrivalTimestamp instanceof Date);

  const { Consumer } = await call("registerStreamConsumer", { StreamARN, ConsumerName: "reader" });
  const { ConsumerARN } = Consumer;
  await until(async () => (await call("describeStreamConsumer", { ConsumerARN }))
    .ConsumerDescription.ConsumerStatus === "ACTIVE");
  assert.equal((await call("listStreamConsumers", { StreamARN })).Consumers.length, 1);
  await call("deregisterStreamConsumer", { ConsumerARN });

  await call("splitShard", { StreamName, ShardToSplit: FIRST, NewStartingHashKey: (1n << 126n).toString() });
  await active(StreamName);
  await call("mergeShards", {
    StreamName, ShardToMerge: "shardId-000000000002", AdjacentShardToMerge: "shardId-000000000003" });
  await active(StreamName);
  await call("updateShardCount", { StreamName, TargetShardCount: 4, ScalingType: "UNIFORM_SCALING" });
  assert.equal((await active(StreamName)).OpenShardCount, 4);
  await call("updateStreamMode", { StreamARN, StreamModeDetails: { StreamMode: "ON_DEMAND" } });
  await active(StreamName);
  await call("deleteStream", { StreamName });
  await kinesis.waitFor("streamNotExists", { StreamName }).promise();
  assert.deepEqual(known.filter((operation) => !succeeded.has(operation)), []);
});

test("errors carry AWS's codes", async () => {
  await assert.rejects(call("describeStream", { StreamName: "missing" }),
    { code: "ResourceNotFoundException", statusCode: 400, retryable: false });
  await assert.rejects(call("getRecords", { ShardIterator: "AAAA" }), { code: "InvalidArgumentException" });
});

test("a throttle is retried by the client", needsControl, async () => {
  const StreamName = "retried";
  await call("createStream", { StreamName, ShardCount: 1 });
  await active(StreamName);
  await control("POST", "/faults", {
    operation: "PutRecord", stream: StreamName, times: 2, reject: "ProvisionedThroughputExceededException" });
  const patient = client(ENDPOINT, { maxRetries: 3 });
  const { $response } = await patient.call("putRecord", { StreamName, PartitionKey: "k", Data: "x" });
  assert.equal($response.retryCount, 2);
  await call("deleteStream", { StreamName });
});

test("by TLS with the certificate that was written", needsTls, async () => {
  const StreamName = "secure";
  await client(TLS_ENDPOINT).call("createStream", { StreamName, ShardCount: 1 });
  await active(StreamName);
  await call("deleteStream", { StreamName });
});

report(["aws-sdk"], () =>
  `${succeeded.size} of ${known.length} operations, 2 waiters, retries, errors${TLS_ENDPOINT ? ", TLS" : ""}`);
