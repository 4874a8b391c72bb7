// Aggregates made by one side are taken apart by the other. The cases are the vectors that were
// recorded with the Python package, so three implementations are held against one another.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import test from "node:test";
import { RecordAggregator, deaggregateSync } from "aws-kinesis-agg";
import { report } from "./emulator-under-test.mjs";

const { aggregates, damaged } = JSON.parse(readFileSync(process.env.VECTORS, "utf8"));

/** Our example answers each line of JSON with one. */
function rust(mode, lines) {
  const input = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const output = execFileSync(process.env.AGGREGATION, [mode], { input, encoding: "utf8" });
  return output.trim().split("\n").map((line) => JSON.parse(line));
}

function theirsMakes(records) {
  const aggregator = new RecordAggregator();
  for (const { partition_key, explicit_hash_key, data } of records) {
    aggregator.addUserRecord({
      partitionKey: partition_key,
      explicitHashKey: explicit_hash_key ?? undefined,
      data: Buffer.from(data, "hex"),
    });
  }
  return aggregator.build().data.toString("hex");
}

/** User records; null for a plain record or for what it calls an error. */
function theirsReads(data) {
  const record = { partitionKey: "outer", sequenceNumber: "49", data: Buffer.from(data, "hex").toString("base64") };
  let read, failed;
  deaggregateSync(record, true, (error, records) => {
    failed ??= error;
    read = records;
  });
  if (failed || read.some(({ subSequenceNumber }) => subSequenceNumber === undefined)) return null;
  assert.deepEqual(read.map(({ subSequenceNumber }) => subSequenceNumber), [...read.keys()]);
  return read.map(({ partitionKey, explicitPartitionKey, data }) => ({
    partition_key: partitionKey,
    explicit_hash_key: explicitPartitionKey ?? null,
    data: Buffer.from(data, "base64").toString("hex"),
  }));
}

/** As the Python package, it gives user records without a hash key the first one of the table. */
function asTheirsReads(records) {
  const first = records.find(({ explicit_hash_key }) => explicit_hash_key)?.explicit_hash_key ?? null;
  return records.map((user) => ({ ...user, explicit_hash_key: user.explicit_hash_key ?? first }));
}

test("what theirs makes, ours takes apart", () => {
  const made = aggregates.map(({ records }) => theirsMakes(records));
  rust("split", made).forEach((read, place) => {
    assert.deepEqual(read, aggregates[place].records, aggregates[place].name);
  });
});

test("what ours makes, theirs takes apart, and both make the same bytes", () => {
  rust("make", aggregates.map(({ records }) => records)).forEach((made, place) => {
    const { name, records } = aggregates[place];
    // One user record goes alone, as it is.
    if (records.length === 1) return assert.equal(theirsReads(made), null, name);
    assert.equal(made, theirsMakes(records), name);
    assert.deepEqual(theirsReads(made), asTheirsReads(records), name);
  });
});

test("both agree on what is no aggregate", () => {
  const ours = rust("split", damaged.map(({ data }) => data));
  damaged.forEach(({ name, data, is_aggregate }, place) => {
    assert.equal(ours[place] !== null, is_aggregate, `${name}: ours`);
    // An empty aggregate is nothing to it. The KCL hands it out as a plain record, as ours does.
    const theirs = theirsReads(data) ?? [];
    assert.equal(theirs.length > 0, is_aggregate, `${name}: theirs`);
  });
});

report(["aws-kinesis-agg"], () =>
  `${aggregates.length} aggregates both ways, byte for byte; ${damaged.length} damaged ones`);
