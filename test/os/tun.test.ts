import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import {
  IOVEC_BASE,
  IOVEC_LENGTH,
  IOVEC_OCTETS,
  TUN_CHECKSUM,
  TUN_TSO4,
  TUN_TSO6,
  TUN_USO4,
  TUN_USO6,
  VNET_OCTETS,
} from "../../src/base/kernel-layout.js";
import { PacketMemory } from "../../src/os/packet-memory.js";
import { openTun, openTunDevice, type Tun } from "../../src/os/tun.js";
import { held, isRoot, Namespace } from "./namespace.js";

const ALL = TUN_CHECKSUM | TUN_TSO4 | TUN_TSO6 | TUN_USO4 | TUN_USO6;

const RECEIVE = `
  let octets = 0;
  const server = require("net").createServer((socket) => {
    socket.on("data", (chunk) => { octets += chunk.length; });
    socket.on("end", () => { process.stdout.write(String(octets)); server.close(); });
  });
  server.listen(4242, () => process.stdout.write("ready"));
`;
const SEND = `require("net").connect(4242, "192.0.2.2").end(Buffer.alloc(4000000));`;

function opened(namespace: Namespace, name: string, fromFd?: number): Tun {
  return held(namespace.inside(() => openTun({ name, fromFd })));
}

/** Turns an ICMP Echo-Request into its answer; false for anything else (the kernel sends IPv6 too). */
function answer(packet: Uint8Array, octets: number): boolean {
  if (octets < 28 || packet[0] !== 0x45 || packet[20] !== 8) return false;
  const view = new DataView(packet.buffer);
  const [source, destination] = [view.getUint32(12), view.getUint32(16)];
  view.setUint32(12, destination);
  view.setUint32(16, source);
  // Type 8 becomes 0, so the sum grows by 0x0800.
  view.setUint8(20, 0);
  const sum = view.getUint16(22) + 0x0800;
  view.setUint16(22, (sum & 0xffff) + (sum >> 16));
  return true;
}

/** 192.0.2.2 asks 192.0.2.1. */
function echoRequest(identifier: number): Uint8Array {
  const packet = new Uint8Array(28);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1, 8]);
  view.setUint16(24, identifier);
  const sum = (from: number, to: number) => {
    let total = 0;
    for (let at = from; at < to; at += 2) total += view.getUint16(at);
    return ~((total & 0xffff) + (total >>> 16)) & 0xffff;
  };
  view.setUint16(10, sum(0, 20));
  view.setUint16(22, sum(20, 28));
  return packet;
}

describe.runIf(isRoot)("TUN", () => {
  test("a packet read, turned round and written arrives", async () => {
    using namespace = new Namespace();
    using tun = opened(namespace, "hf0");
    namespace.ip("addr", "add", "192.0.2.1", "peer", "192.0.2.2", "dev", "hf0");
    namespace.ip("link", "set", "hf0", "up");
    const buffer = new Uint8Array(2048);
    const written: number[] = [];
    using watch = held(
      tun.watch(() => {
        const octets = tun.read(buffer);
        if (answer(buffer, octets)) written.push(tun.write(buffer, 0, octets));
      }),
    );
    expect(watch).toBeDefined();
    const ping = namespace.inside(() =>
      spawn("ping", ["-c", "2", "-i", "0.2", "-W", "5", "192.0.2.2"]),
    );
    const code = await new Promise((done) => ping.on("exit", done));
    expect(code).toBe(0);
    expect(written).toEqual([84, 84]);
  });

  test("offloads: what the kernel takes, no more than was asked for, and none again", () => {
    using namespace = new Namespace();
    using tun = opened(namespace, "hf0");
    expect(tun.hasHeader).toBe(true);
    const granted = tun.setOffload(ALL);
    expect(granted & (TUN_CHECKSUM | TUN_TSO4)).toBe(TUN_CHECKSUM | TUN_TSO4);
    expect(tun.setOffload(TUN_CHECKSUM)).toBe(TUN_CHECKSUM);
    expect(tun.setOffload(0)).toBe(0);
  });

  for (const [what, wanted, atLeast, atMost] of [
    ["with offloads: many packets a read and a write", ALL, 10_000, 65_546],
    ["without: single ones", 0, 1_000, 1_400 + VNET_OCTETS],
  ] as const) {
    test(`TCP relayed whole from one TUN to another, ${what}`, async () => {
      using a = new Namespace();
      using b = new Namespace();
      using from = opened(a, "hf0");
      using to = opened(b, "hf0");
      const memory = new PacketMemory(new Uint8Array(131_072));
      // The header first, so that the packet after it is aligned.
      const packet = memory.table(16 + 6, 1, 1).at(0)!;
      const vector = memory.table(0, IOVEC_OCTETS, 1).at(0)!;
      memory.setAddress(IOVEC_BASE, 16 + 6);
      let largest = 0;
      const relay = (source: Tun, target: Tun) => () => {
        const octets = source.readWhole(packet, 65_546);
        if (octets < 0) return;
        largest = Math.max(largest, octets);
        memory.view.setUint32(IOVEC_LENGTH, octets, true);
        expect(target.writeWhole(vector, 1)).toBe(octets);
      };
      for (const [namespace, tun, own, other] of [
        [a, from, "192.0.2.1", "192.0.2.2"],
        [b, to, "192.0.2.2", "192.0.2.1"],
      ] as const) {
        namespace.ip("addr", "add", own, "peer", other, "dev", "hf0");
        namespace.ip("link", "set", "hf0", "mtu", "1400", "up");
        tun.setOffload(wanted);
      }
      using _there = held(from.watch(relay(from, to)));
      using _back = held(to.watch(relay(to, from)));
      const receiver = b.inside(() => spawn(process.execPath, ["-e", RECEIVE]));
      await once(receiver.stdout, "data");
      a.inside(() => spawn(process.execPath, ["-e", SEND]));
      const [octets] = await once(receiver.stdout, "data");
      expect(String(octets)).toBe("4000000");
      expect(largest).toBeGreaterThan(atLeast);
      expect(largest).toBeLessThanOrEqual(atMost);
    });
  }

  test("a name that is taken: EBUSY; one that is none: EINVAL", () => {
    using namespace = new Namespace();
    using tun = opened(namespace, "hf0");
    expect(tun.name).toBe("hf0");
    const second = namespace.inside(() => openTun({ name: "hf0" }));
    expect(second).toMatchObject({ kind: "OsError", errno: "EBUSY" });
    for (const name of ["", "a/b", "sixteen-letters-", "a b", ".."]) {
      expect(openTun({ name })).toMatchObject({ kind: "OsError", errno: "EINVAL" });
    }
  });

  test("deleted under us: EBADFD, and the same device carries the next one", () => {
    using namespace = new Namespace();
    using device = held(namespace.inside(openTunDevice));
    using first = opened(namespace, "hf0", device.fd);
    namespace.ip("link", "del", "hf0");
    expect(first.read(new Uint8Array(100))).toBe(-77);
    using second = opened(namespace, "hf0", device.fd);
    namespace.ip("link", "set", "hf0", "up");
    expect(second.write(new Uint8Array(20).fill(0x45), 0, 20)).toBe(20);
  });

  test("several queues: what goes out by one comes back by it, and it lives as long as any", () => {
    using namespace = new Namespace();
    const queues = (["first", "further", "further"] as const).map((queue) =>
      held(namespace.inside(() => openTun({ name: "hf0", queue }))),
    );
    namespace.ip("addr", "add", "192.0.2.1", "peer", "192.0.2.2", "dev", "hf0");
    namespace.ip("link", "set", "hf0", "up");
    expect(namespace.inside(() => openTun({ name: "hf0", queue: "first" }))).toMatchObject({
      errno: "EBUSY",
    });
    expect(queues.map(({ hasHeader }) => hasHeader)).toEqual([true, true, true]);
    const buffer = new Uint8Array(2048);
    /** Of all that waits there: the kernel says IPv6 things of its own, at its own times. */
    const answered = (queue: Tun) => {
      let found = false;
      while (queue.read(buffer) > 0) found ||= buffer[0] === 0x45 && buffer[20] === 0;
      return found;
    };
    for (const [index, queue] of queues.entries()) {
      const request = echoRequest(0xa000 + index);
      const ask = () => {
        expect(queue.write(request, 0, request.length)).toBe(request.length);
        return queues.map(answered);
      };
      // The first answer is on its way before the kernel has noted the queue.
      expect(ask().filter(Boolean)).toHaveLength(1);
      expect(ask()).toEqual(queues.map((_, at) => at === index));
    }
    for (const queue of queues) {
      expect(namespace.ip("link", "show", "hf0")).toContain("hf0");
      queue[Symbol.dispose]();
    }
    expect(() => namespace.ip("link", "show", "hf0")).toThrow();
  });

  test("gone from the kernel when the last descriptor is closed", () => {
    using namespace = new Namespace();
    const tun = opened(namespace, "hf0");
    expect(namespace.ip("link", "show", "hf0")).toContain("hf0");
    tun[Symbol.dispose]();
    tun[Symbol.dispose]();
    expect(() => namespace.ip("link", "show", "hf0")).toThrow();
    expect(tun.write(new Uint8Array(20), 0, 20)).toBe(-9);
  });
});
