// Two ends over a network that loses, doubles and reorders, from seeds: whatever happens, nothing
// goes in the clear, both ends agree or end, and an end is an end.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import type { AuthenticationMethod } from "../../src/core/access/ports.js";
import { type End, Pair } from "./pair.js";

const IPCP_FRAME = /^send 80(21|57) /;

/** No IPCP before, and no address beside, an encryption that is required. */
function neverInTheClear(end: End): void {
  let encrypted = false;
  for (const word of end.order) {
    if (word === "EncryptionUp") encrypted = true;
    if (word === "Ipv4Up" || word === "Ipv6Up") expect(encrypted).toBe(true);
    if (IPCP_FRAME.test(word)) expect(encrypted).toBe(true);
    if (word === "EncryptionDown") encrypted = false;
  }
}

function ordered(end: End): void {
  const depth = { Link: 0, Encryption: 0, Ipv4: 0, Ipv6: 0 };
  for (const { kind } of end.outputs) {
    const name = kind.replace(/(Up|Down)$/, "") as keyof typeof depth;
    if (!(name in depth)) continue;
    depth[name] += kind.endsWith("Up") ? 1 : -1;
    expect(depth[name] === 0 || depth[name] === 1).toBe(true);
  }
  if (end.ended !== undefined) expect(depth).toEqual({ Link: 0, Encryption: 0, Ipv4: 0, Ipv6: 0 });
}

const network = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  loss: fc.constantFrom(0, 0.05, 0.2, 0.4),
  duplication: fc.constantFrom(0, 0.1, 0.5),
  reordering: fc.constantFrom(0, 0.1, 0.5),
});

describe("encryption required", () => {
  test("at any loss: never in the clear, ups and downs paired, silent after the end", () => {
    fc.assert(
      fc.property(network, fc.integer({ min: 0, max: 8_000 }), (conditions, wait) => {
        const pair = new Pair({ ...conditions, server: { ipv6: true }, client: { ipv6: true } });
        pair.start().run(wait).run(120_000);
        pair.act(({ server, now }) => server.session.terminate("administrator", now)).run(60_000);
        for (const end of [pair.server, pair.client]) {
          neverInTheClear(end);
          ordered(end);
          expect(end.all("Ended").length).toBeLessThanOrEqual(1);
          expect(end.outputsAfterEnd).toBe(0);
        }
        expect(pair.server.ended).toBeDefined();
        expect(pair.server.session.pollTimeout()).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test("at up to 5 % loss it always comes up, with the same keys at both ends", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.constantFrom(0, 0.05),
        fc.constantFrom(0, 0.1),
        (seed, loss, disorder) => {
          const pair = new Pair({ seed, loss, duplication: disorder, reordering: disorder });
          pair.start().run(60_000);
          expect([pair.server.ended, pair.client.ended]).toEqual([undefined, undefined]);
          expect([pair.server.ipv4, pair.client.ipv4]).toEqual([true, true]);
          const server = pair.server.last("EncryptionUp")!.keys;
          const client = pair.client.last("EncryptionUp")!.keys;
          expect(toHex(server.sendStart)).toBe(toHex(client.receiveStart));
          expect(toHex(server.receiveStart)).toBe(toHex(client.sendStart));
          expect(pair.server.session.snapshot().phase).toBe("network");
        },
      ),
      // "Always" is a matter of chance at any loss: these seeds, every time.
      { numRuns: 300, seed: 20_261_122 },
    );
  });

  test("ended at any moment by either end: both end, nothing is left to time", () => {
    fc.assert(
      fc.property(
        network,
        fc.integer({ min: 0, max: 5_000 }),
        fc.boolean(),
        fc.boolean(),
        (conditions, wait, byServer, atOnce) => {
          const pair = new Pair({ ...conditions, client: { echoIntervalMs: 30_000 } });
          pair.start().run(wait);
          pair.act(({ server, client, now }) => {
            const { session } = byServer ? server : client;
            if (atOnce) session.abort("shutdown");
            else session.terminate("shutdown", now);
          });
          const ending = byServer ? pair.server : pair.client;
          pair.run(10_000);
          expect(ending.ended).toBeDefined();
          expect(ending.session.pollTimeout()).toBeUndefined();
          expect(ending.outputsAfterEnd).toBe(0);
          ordered(ending);
        },
      ),
      { numRuns: 300 },
    );
  });
});

test("the same seed gives the same run, frame by frame", () => {
  const run = () => {
    const pair = new Pair({ seed: 4711, loss: 0.3, duplication: 0.3, reordering: 0.3 });
    pair.start().run(60_000);
    return [pair.server, pair.client].map((end) =>
      end.sent.map(({ information }) => toHex(information)).join(),
    );
  };
  expect(run()).toEqual(run());
});

test.each(["pap", "chap-md5", "ms-chap-v1", "ms-chap-v2"] as AuthenticationMethod[])(
  "%s at 20 %% loss: authenticated once, or ended",
  (method) => {
    for (let seed = 1; seed <= 60; seed++) {
      const policy = {
        authentication: [method],
        encryption: { require: false, bits: [], stateful: false },
      };
      const pair = new Pair({ seed, loss: 0.2, server: policy, client: policy });
      pair.start().run(90_000);
      for (const end of [pair.server, pair.client]) {
        ordered(end);
        if (end.ended === undefined) expect(end.all("Authenticated").length).toBeGreaterThan(0);
      }
      expect(pair.server.all("AuthenticationRefused")).toEqual([]);
    }
  },
);
