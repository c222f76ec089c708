// What rtnetlink says, as octets, and the kernel's own words about an interface in a namespace.
import { describe, expect, test } from "vitest";
import { isOsError } from "../../src/os/errors.js";
import { namedInterfaces, watchLink } from "../../src/os/link-watch.js";
import { until } from "../lab/place.js";
import { isRoot, Namespace } from "./namespace.js";

function attribute(type: number, octets: Buffer): Buffer {
  const made = Buffer.alloc((4 + octets.length + 3) & ~3);
  made.writeUInt16LE(4 + octets.length, 0);
  made.writeUInt16LE(type, 2);
  octets.copy(made, 4);
  return made;
}

function message(type: number, fixed: number, ...attributes: Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.alloc(16 + fixed), ...attributes]);
  body.writeUInt32LE(body.length, 0);
  body.writeUInt16LE(type, 4);
  return body;
}

const named = (name: string) => attribute(3, Buffer.from(`${name}\0`));
const link = (name: string) => message(16, 16, attribute(4, Buffer.alloc(4)), named(name));

describe("netlink messages", () => {
  test("of links and addresses, several in one read: their names", () => {
    const octets = Buffer.concat([link("hf0"), message(21, 8, named("eth0")), link("lo")]);
    expect(namedInterfaces(octets)).toEqual(["hf0", "eth0", "lo"]);
  });

  test("of anything else, or without a name: none", () => {
    expect(namedInterfaces(message(24, 16, named("hf0")))).toEqual([]);
    expect(namedInterfaces(message(16, 16))).toEqual([]);
  });

  test("every truncation, and every length of a message and of an attribute: no more than was there", () => {
    const whole = link("hf0");
    for (let end = 0; end < whole.length; end++) {
      expect(namedInterfaces(whole.subarray(0, end))).toEqual([]);
    }
    for (const [at, most] of [
      [0, 80],
      [32, 80],
      [40, 80],
    ] as const) {
      for (let length = 0; length <= most; length++) {
        const changed = Buffer.from(whole);
        changed.writeUInt16LE(length, at);
        for (const name of namedInterfaces(changed)) expect("hf0").toContain(name);
      }
    }
  });
});

describe.runIf(isRoot)("an interface that somebody changes", () => {
  test("down, up, an address more and less, deleted: told each time; another one's changes are not", async () => {
    using namespace = new Namespace();
    using _inside = namespace.entered();
    namespace.ip("link", "add", "one0", "type", "veth", "peer", "name", "two0");
    let told = 0;
    const watch = watchLink("one0", () => {
      told++;
    });
    if (isOsError(watch)) throw new Error(watch.call);
    using _watch = watch;
    namespace.ip("link", "set", "lo", "up");
    namespace.ip("address", "add", "192.0.2.9/32", "dev", "lo");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(told).toBe(0);
    const changes = [
      ["link", "set", "one0", "up"],
      ["address", "add", "192.0.2.1/32", "dev", "one0"],
      ["address", "delete", "192.0.2.1/32", "dev", "one0"],
      ["link", "set", "one0", "down"],
      ["link", "delete", "one0"],
    ];
    for (const change of changes) {
      const before = told;
      namespace.ip(...change);
      await until(`told of ip ${change.join(" ")}`, 5, () => told > before);
    }
  });
});
