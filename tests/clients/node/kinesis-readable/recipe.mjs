import AWS from "aws-sdk";
import KinesisReadable from "kinesis-readable";

const kinesis = new AWS.Kinesis({
  endpoint: process.env.ENDPOINT,
  region: "us-east-1",
  accessKeyId: "test",
  secretAccessKey: "test",
});
const StreamName = "recipe";

await kinesis.createStream({ StreamName, ShardCount: 1 }).promise();
await kinesis.waitFor("streamExists", { StreamName }).promise();
await kinesis.putRecord({ StreamName, PartitionKey: "42", Data: "paid" }).promise();
const readable = KinesisReadable(kinesis, StreamName, { readInterval: 20 });
for await (const records of readable) {
  console.assert(records[0].Data.toString() === "paid");
  readable.close();
}
await kinesis.deleteStream({ StreamName }).promise();
