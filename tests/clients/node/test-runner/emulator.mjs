import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { KinesisClient } from "@aws-sdk/client-kinesis";

/** Starts an emulator; gives its address, a client, what moves its clock, and what ends it. */
export async function startKinesis() {
  const program = process.env.KINESIS_EMULATOR ?? "kinesis-emulator";
  const emulator = spawn(program, ["--port", "0", "--state-delay", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: emulator.stdout })[Symbol.asyncIterator]();
  // "kinesis-emulator is ready at http://127.0.0.1:40213"; no line at all if it cannot start.
  const url = (await lines.next()).value.split(" ").at(-1);
  const client = new KinesisClient({
    endpoint: url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const advance = (duration) =>
    fetch(`${url}/_emulator/clock`, { method: "POST", body: JSON.stringify({ advance: duration }) });
  const stop = () => {
    client.destroy();
    emulator.kill();
  };
  return { url, client, advance, stop };
}
