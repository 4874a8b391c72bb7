import AWS from "aws-sdk";

const kinesis = new AWS.Kinesis({
  endpoint: process.env.ENDPOINT, // it reads no AWS_ENDPOINT_URL
  region: "us-east-1",
  accessKeyId: "test",
  secretAccessKey: "test",
});
const StreamName = "recipe";

await kinesis.createStream({ StreamName, ShardCount: 1 }).promise();
await kinesis.waitFor("streamExists", { StreamName }).promise();
const { ShardId } = await kinesis.putRecord({ StreamName, PartitionKey: "42", Data: "paid" }).promise();
const { ShardIterator } = await kinesis.getShardIterator({
  StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" }).promise();
const { Records } = await kinesis.getRecords({ ShardIterator }).promise();
console.assert(Records[0].Data.toString() === "paid");
await kinesis.deleteStream({ StreamName }).promise();
