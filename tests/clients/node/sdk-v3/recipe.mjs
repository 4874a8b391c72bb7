import * as kinesis from "@aws-sdk/client-kinesis";

// Without endpoint, the variable AWS_ENDPOINT_URL_KINESIS says where.
const client = new kinesis.KinesisClient({
  endpoint: process.env.ENDPOINT,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});
const StreamName = "recipe";

await client.send(new kinesis.CreateStreamCommand({ StreamName, ShardCount: 1 }));
await kinesis.waitUntilStreamExists({ client, maxWaitTime: 30 }, { StreamName });
const { ShardId } = await client.send(new kinesis.PutRecordCommand({
  StreamName, PartitionKey: "42", Data: Buffer.from("paid") }));
const { ShardIterator } = await client.send(new kinesis.GetShardIteratorCommand({
  StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" }));
const { Records } = await client.send(new kinesis.GetRecordsCommand({ ShardIterator }));
console.assert(Buffer.from(Records[0].Data).toString() === "paid");
await client.send(new kinesis.DeleteStreamCommand({ StreamName }));
client.destroy();
