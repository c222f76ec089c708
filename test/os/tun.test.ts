import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { openTun, openTunDevice, type Tun } from "../../src/os/tun.js";
import { held, isRoot, Namespace } from "./namespace.js";

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
