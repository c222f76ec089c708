// The kernel's blocks: what they drop and what they let through, packet by packet.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Prefix4, parseIpv4 } from "../../src/base/ip.js";
import { hostPrefix } from "../../src/base/range4.js";
import { guard } from "../../src/limits.js";
import { openGreSockets } from "../../src/os/gre-socket.js";
import { NftBlocks } from "../../src/os/nft-blocks.js";
import { held, isRoot, joined } from "./namespace.js";

const runtimeDirectory = mkdtempSync(join(tmpdir(), "hf-blocks-"));
afterAll(() => rmSync(runtimeDirectory, { recursive: true }));
const SERVER = parseIpv4("198.51.100.1")!;
const CALLER = parseIpv4("198.51.100.2")!;

function gre(callId: number, flags = 0x3001, protocol = 0x880b): Uint8Array {
  const packet = new Uint8Array(16);
  const view = new DataView(packet.buffer);
  for (const [at, word] of [flags, protocol, 4, callId].entries()) view.setUint16(2 * at, word);
  return packet;
}

describe.runIf(isRoot)("a blocked source", () => {
  const sources = [hostPrefix(CALLER), { address: (CALLER & ~0xff) >>> 0, length: 24 }];
  const how = "no new TCP to the port, no enhanced GRE but of live calls; everything else passes";
  test.each(sources)(`/$length: ${how}`, async (source) => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.2/24"]);
    const servers = net.a.inside(() => [listening(1_723), listening(1_724)]);
    using _callers = net.b.entered();
    const onServer = async <T>(body: () => Promise<T>): Promise<T> => {
      using _server = net.a.entered();
      return await body();
    };
    const options = { instance: "main", instanceId: "11111111-aaaa", runtimeDirectory };
    const blocks = new NftBlocks(options, 1_723);
    const before = connect(1_723, "198.51.100.1");
    await once(before, "connect");
    const live = { source: CALLER, localAddress: SERVER, callId: 4711, forMs: 60_000 };
    const block = {
      kind: "block",
      blocked: { source, forMs: 60_000 },
      live: [live],
    } as const;
    expect(await onServer(() => blocks.begin())).toBeUndefined();
    // A second time: the element is there, and gets the new time.
    for (let i = 0; i < 2; i++) {
      expect(await onServer(() => blocks.change([block]))).toBeUndefined();
    }
    using sender = held(openGreSockets());
    const ours = [gre(4711), gre(4712), gre(4713)];
    const others = [gre(4712, 0x2000), gre(4712, 0x3001, 0x6558)];
    for (const packet of [...ours, ...others]) {
      expect(sender.send(packet, 0, packet.length, CALLER, SERVER, false)).toBe(packet.length);
    }
    const other = connect(1_724, "198.51.100.1");
    await once(other, "connect");
    before.write("still there");
    await expect.poll(() => servers[0]?.heard).toBe("still there");
    const refused = connect(1_723, "198.51.100.1");
    // It is only made now, in the namespace that this thread is in then.
    await new Promise(setImmediate);
    // Its SYN; a second later once more.
    await expect
      .poll(async () => {
        const [connections = 0, packets] = (await onServer(() => blocks.dropped())) ?? [];
        return [connections >= 1, packets];
      })
      .toEqual([true, 2]);
    expect(refused.connecting).toBe(true);
    const unblock = { kind: "unblock", source } as const;
    expect(await onServer(() => blocks.change([unblock]))).toBeUndefined();
    // Its next SYN gets through.
    await once(refused, "connect");
    for (const one of [before, other, refused]) one.destroy();
    for (const { server } of servers) server.close();
    expect(await onServer(() => blocks.end())).toBeUndefined();
    expect(net.a.run("nft", "list", "tables")).toBe("");
  });

  test("the sets have the room that is configured, and the kernel takes no more", async () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.2/24"]);
    using _inside = net.a.entered();
    const options = { instance: "main", instanceId: "11111111-aaaa", runtimeDirectory };
    const few = { blocksMax: 16, blockedNetworksMax: 2, blockedLiveMax: 4 };
    const blocks = new NftBlocks(options, 1_723, few);
    expect(await blocks.begin()).toBeUndefined();
    const put = (count: number) =>
      blocks.change(
        Array.from({ length: count }, (_, i) => {
          const blocked = { source: hostPrefix(CALLER + 1 + i), forMs: 60_000 };
          return { kind: "block", blocked, live: [] } as const;
        }),
      );
    expect(await put(few.blocksMax)).toBeUndefined();
    expect(await put(4 * few.blocksMax)).toMatchObject({ call: expect.any(String) });
    const sets = net.a.run("nft", "list", "table", "inet", blocks.name);
    expect(sets.match(/size \d+/g)).toEqual(["size 32", "size 8", "size 4"]);
    expect(await blocks.end()).toBeUndefined();
  });

  test("thousands in one run, and each ends by itself", async () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.2/24"]);
    using _inside = net.a.entered();
    const options = { instance: "main", instanceId: "11111111-aaaa", runtimeDirectory };
    const blocks = new NftBlocks(options, 1_723);
    expect(await blocks.begin()).toBeUndefined();
    const changes = Array.from({ length: 8_000 }, (_, i) => {
      const blocked = { source: hostPrefix(CALLER + 1 + i), forMs: i < 10 ? 1_000 : 60_000 };
      return { kind: "block", blocked, live: [] } as const;
    });
    expect(await blocks.change(changes)).toBeUndefined();
    const count = () =>
      net.a.run("nft", "list", "set", "inet", blocks.name, "blocked").match(/timeout \d/g)?.length;
    await expect.poll(count).toBe(7_990);
    // As many as there may be, and others in the place of some of them, in one change each.
    const from = (first: number, many: number) =>
      Array.from({ length: many }, (_, i) => hostPrefix(CALLER + first + i));
    const put = (sources: Prefix4[]) =>
      blocks.change(
        sources.map((source) => ({ kind: "block", blocked: { source, forMs: 60_000 }, live: [] })),
      );
    expect(await put(from(1, guard.blocksMax))).toBeUndefined();
    const gone = from(1, 1_000).map((source) => ({ kind: "unblock", source }) as const);
    const come = from(10_000, 1_000).map(
      (source) => ({ kind: "block", blocked: { source, forMs: 60_000 }, live: [] }) as const,
    );
    expect(await blocks.change([...gone, ...come])).toBeUndefined();
    expect(count()).toBe(guard.blocksMax);
    expect(await blocks.left()).toBe(true);
    expect(await blocks.end()).toBeUndefined();
    expect(await blocks.left()).toBe(false);
  });
});

function listening(port: number) {
  const one = { heard: "", server: createServer() };
  one.server.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("data", (octets) => {
      one.heard += octets.toString();
    });
  });
  // Without a host it is bound at once, and so in the namespace this thread is in.
  one.server.listen(port);
  return one;
}
