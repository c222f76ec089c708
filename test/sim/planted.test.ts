// The simulation put to the test: each fault of test/faults/sim, planted by itself, breaks the invariant
// that is there for it, and a build without any breaks none.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { needPeer } from "../peers.js";
import { PlantedBuilds } from "./planted.js";

/** What the simulation says of each. */
const found: Readonly<Record<string, RegExp>> = {
  "address-kept": /addresses leased and held: \d+ and \d+|[1-9]\d* addresses are out/,
  "call-id-kept": /Call IDs out and held: \d+ and \d+|[1-9]\d* Call IDs are out/,
  "connection-kept": /a connection whose socket is gone/,
  "deadline-kept": /a deadline in the core: kept/,
  "end-recorded-twice":
    /session-stop of simulated-\d+ after its end|session-stop of \S+ after its end/,
  "end-unrecorded": /has no end|\d+ of \d+ kept/,
  "flow-slot-kept": /flow slots out and held: \d+ and \d+|[1-9]\d* flow slots are out/,
  "hook-of-the-end-left-out": /hooks: \d+ sessions up without their end|session \S+: .* became/,
  "key-kept": /the key of flow slot \d+ was not wiped/,
  "leases-kept": /flow slots and sessions: \d+ and \d+|the ledger holds/,
  "others-session-ended": /\S+ ended as malformed, whose octets nobody spoilt/,
  "plaintext-taken": /plaintext was taken, encryption is required/,
  "route-kept": /\d+ routes of \d+ sessions/,
  "socket-kept": /\d+ sockets of \d+ connections/,
  "timer-kept": /timers are pending after the end|timers are pending, at most/,
};

/** Two runs whose callers are encrypted, over a network that loses, repeats and forges. */
const RUN = ["2", "60", "2"];
const TOGETHER = 2;

describe.runIf(needPeer(["patch"], ["patch"]))("a build with a fault", () => {
  const builds = new PlantedBuilds();
  afterAll(() => builds[Symbol.dispose]());

  test("each patch has what is said of it", () => {
    const directory = fileURLToPath(new URL("../faults/sim", import.meta.url));
    expect(readdirSync(directory).sort()).toEqual(
      Object.keys(found).map((name) => `${name}.patch`),
    );
  });

  test("without one: nothing is found", async () => {
    const { code, text } = await builds.simulate(undefined, RUN);
    expect(code, text).toBe(0);
    expect(text).toMatch(/^digest [0-9a-f]{16}$/m);
  }, 120_000);

  const names = Object.keys(found);
  const groups = names.flatMap((_, at) =>
    at % TOGETHER === 0 ? [names.slice(at, at + TOGETHER)] : [],
  );
  test.each(groups.map((group) => [group.join(", "), group] as const))(
    "%s: found by its invariant",
    async (_, group) => {
      const ended = await Promise.all(group.map((fault) => builds.simulate(fault, RUN)));
      for (const [at, fault] of group.entries()) {
        const { code, text } = ended[at]!;
        expect(text, fault).toMatch(found[fault]!);
        expect(code, fault).toBe(1);
      }
    },
    120_000,
  );
});
