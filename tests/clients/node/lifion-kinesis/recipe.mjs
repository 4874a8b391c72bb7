import { once } from "node:events";
import dynalite from "dynalite";
import Kinesis from "lifion-kinesis";

const dynamoDb = dynalite({ createTableMs: 0 }).listen(0);
const at = { region: "us-east-1", accessKeyId: "test", secretAccessKey: "test" };
const kinesis = new Kinesis({
  endpoint: process.env.ENDPOINT,
  ...at,
  streamName: "recipe",
  initialPositionInStream: "TRIM_HORIZON",
  dynamoDb: { endpoint: `http://localhost:${dynamoDb.address().port}`, tableName: "recipe", ...at },
});

await kinesis.startConsumer();
await kinesis.putRecord({ partitionKey: "42", data: { order: "paid" } });
const [{ records }] = await once(kinesis, "data");
console.assert(records[0].data.order === "paid");
process.exit(); // it has no end of its own
