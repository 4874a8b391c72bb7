// The emulator that a suite runs against, as tests/clients/run hands it over.

import { readFileSync } from "node:fs";
import { after } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

export const { ENDPOINT, TLS_ENDPOINT, LIMITS_ENDPOINT, CONTROL } = process.env;
export const FIRST = "shardId-000000000000";

const unless = (present, why) => ({ skip: present ? false : why });
export const needsControl = unless(CONTROL, "another emulator has no such control API");
export const needsLimits = unless(LIMITS_ENDPOINT, "another emulator is not started with limits");
export const needsTls = unless(TLS_ENDPOINT, "another emulator's certificate is not known");

/** Asks the control API; gives its answer. */
export async function control(method, path, body) {
  const answer = await fetch(CONTROL + path, { method, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** Moves the emulator's clock, by a duration such as "301s". */
export const advance = (duration) => control("POST", "/clock", { advance: duration });

/** Asks again until what `fact` gives is true, and gives it. */
export async function until(fact, withinSeconds = 60) {
  const deadline = Date.now() + withinSeconds * 1000;
  for (;;) {
    const found = await fact();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${withinSeconds} s: ${fact}`);
    await wait(20);
  }
}

/** Says at the end which packages were run, and what `exercised` tells. */
export function report(packages, exercised) {
  after(() => {
    const versions = packages.map((name) => {
      const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
      return `${name} ${version}`;
    });
    console.log(`client: ${versions.join(", ")}`);
    console.log(`exercised: ${exercised()}`);
  });
}
