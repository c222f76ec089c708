// A third party's segments and pieces of datagrams against this kernel, which every server of TCP and raw sockets stands on: a
// guess within the window is asked about and costs nothing (RFC 5961); the one RST that names the next octet does end the
// connection, so that the others were aimed where they should be; pieces are joined, or waited for within bounds.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { Chance } from "../../src/base/chance.js";
import { SLOT_OCTETS } from "../../src/base/kernel-layout.js";
import { openGreSockets } from "../../src/os/gre-socket.js";
import { ReceiveSlots } from "../../src/os/packet-memory.js";
import type { HostilePacket, PacketScenario } from "../../src/storm/scenario.js";
import { scenarioOf } from "../../src/storm/scenarios.js";
import { HeadedWay } from "../../src/storm/stream/headed-way.js";
import { PacketStream } from "../../src/storm/stream/packet-stream.js";
import { ACK, FIN, PSH, RST, SYN } from "../../src/wire/tcp.js";
import { held, isRoot, Namespace } from "./namespace.js";

const LOOPBACK = 0x7f00_0001;
const HOST = "127.0.0.1";

/** A counter of the kernel's, of the namespace that this thread is in. */
function counted(place: Namespace, file: "snmp" | "netstat", name: string): number {
  const lines = place.run("cat", `/proc/net/${file}`).split("\n");
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const column = lines[at]!.split(" ").indexOf(name);
    if (column > 0) return Number(lines[at + 1]!.split(" ")[column]);
  }
  return Number.NaN;
}

async function pair() {
  const listener = createServer().listen(0, HOST);
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const accepted = once(listener, "connection");
  const caller = connect({ host: HOST, port });
  await once(caller, "connect");
  const [served] = (await accepted) as [Socket];
  const failures: string[] = [];
  for (const end of [served, caller]) {
    end.on("error", (failure: NodeJS.ErrnoException) => failures.push(failure.code ?? "?"));
  }
  return { listener, port, caller, served, failures };
}

/** A SYN that misses makes the kernel say where it is; then these flags, so far behind the octet that comes next. */
function guesses(flags: number, beyond: number, octets: Uint8Array): PacketScenario {
  const packet = (chance: Chance, number: number): HostilePacket => {
    const guess = { sequence: chance.word(), acknowledgment: chance.word() };
    const probe = number % 2 === 0;
    const segment = probe
      ? { ...guess, flags: SYN, beyond: undefined }
      : { ...guess, flags, beyond };
    return { octets: probe ? new Uint8Array(0) : octets, live: true, segment };
  };
  const name = { name: "a-guess", threats: ["G-25"], about: "one kind of guess" };
  return { kind: "packets", ...name, headed: true, packet };
}

function streamOf(scenario: PacketScenario, port: number, perSecond: number): PacketStream {
  const terms = {
    scenario,
    chance: new Chance(9),
    server: LOOPBACK,
    sources: [LOOPBACK],
    perSecond,
  };
  return held(PacketStream.open(terms, HeadedWay.open({ server: LOOPBACK, port })));
}

describe.runIf(isRoot)("a third party", () => {
  test.each([
    ["RST", RST, 4_096, ""],
    ["SYN", SYN, 4_096, ""],
    ["FIN", FIN | ACK, 4_096, ""],
    ["data", PSH | ACK, 4_096, "nobody said this"],
    ["data that comes next, acknowledging what was not sent", PSH | ACK, 0, "nobody said this"],
  ])(
    "%s within the window: the connection carries on, and nothing of it is read",
    async (_, flags, beyond, text) => {
      using place = new Namespace();
      using _inside = place.entered();
      const { listener, port, caller, served, failures } = await pair();
      let read = "";
      served.on("data", (octets) => {
        read += octets;
      });
      const stream = streamOf(guesses(flags, beyond, Buffer.from(text)), port, 400);
      stream.live = [{ local: LOOPBACK, port: caller.localPort!, callId: 0 }];
      const running = stream.run();
      await expect.poll(() => stream.sent.segments?.inWindow ?? 0).toBeGreaterThan(100);
      stream[Symbol.dispose]();
      expect(await running).toBeUndefined();
      expect(stream.sent.segments?.answered).toBeGreaterThan(0);
      expect(counted(place, "netstat", "TCPChallengeACK")).toBeGreaterThan(0);
      caller.write("what its peer says");
      await expect.poll(() => read).toBe("what its peer says");
      expect(failures).toEqual([]);
      caller.destroy();
      listener.close();
    },
  );

  test("an RST that names the octet that comes next ends it: what the storm leaves out", async () => {
    using place = new Namespace();
    using _inside = place.entered();
    const { listener, port, caller, served, failures } = await pair();
    served.resume();
    const stream = streamOf(guesses(RST, 0, new Uint8Array(0)), port, 400);
    stream.live = [{ local: LOOPBACK, port: caller.localPort!, callId: 0 }];
    const running = stream.run();
    await expect.poll(() => failures).toContain("ECONNRESET");
    stream[Symbol.dispose]();
    await running;
    caller.destroy();
    listener.close();
  });

  test("pieces: those that make a whole are joined, the others wait in the kernel or are dropped", async () => {
    using place = new Namespace();
    using _inside = place.entered();
    using socket = held(openGreSockets());
    const slots = new ReceiveSlots();
    const fragments = scenarioOf("fragments");
    if (fragments?.kind !== "packets") throw new Error("none");
    const stream = streamOf(fragments, 1_723, 2_000);
    const running = stream.run();
    const whole: number[] = [];
    await expect
      .poll(() => {
        const count = socket.readBatch(slots);
        for (let i = 0; i < count; i++) {
          const at = i * SLOT_OCTETS;
          whole.push(slots.lengths[i]!);
          // Version 1, Payload Length of 84, a sequence number.
          expect([...slots.octets.subarray(at + 20, at + 26)]).toEqual([
            0x30, 1, 0x88, 0x0b, 0, 84,
          ]);
        }
        return whole.length;
      })
      .toBeGreaterThan(20);
    stream[Symbol.dispose]();
    await running;
    expect([...new Set(whole)]).toEqual([116]);
    expect(counted(place, "snmp", "ReasmOKs")).toBeGreaterThan(20);
    expect(counted(place, "snmp", "ReasmFails")).toBeGreaterThan(0);
    expect(place.run("cat", "/proc/net/sockstat")).toMatch(
      /^FRAG: inuse [1-9]\d* memory [1-9]\d*$/m,
    );
  });
});
