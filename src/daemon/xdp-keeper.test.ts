import { describe, expect, test, vi } from "vitest";
import { parseIpv4 } from "../base/ip.js";
import { lease } from "../base/lease.js";
import { Ledger } from "../base/ledger.js";
import { Scope } from "../base/scope.js";
import { xdp } from "../limits.js";
import { Descriptor } from "../os/descriptor.js";
import { osError } from "../os/errors.js";
import { type XdpChoice, XdpKeeper } from "./xdp-keeper.js";

const A = parseIpv4("192.0.2.1")!;
const B = parseIpv4("192.0.2.2")!;
const ETHERNET = 1;
const FRAME_RELAY = 770;

/** Interfaces by name, addresses, and what stands in the kernel's maps and at its interfaces. */
class Bench {
  readonly ledger = new Ledger(() => 0 as never);
  readonly scope = new Scope("XDP", this.ledger);
  readonly interfaces = new Map([["eth0", { index: 2, type: ETHERNET }]]);
  local = [
    { device: "lo", address: parseIpv4("127.0.0.1")! },
    { device: "eth0", address: A },
    { device: "tun0", address: parseIpv4("10.0.0.1")! },
  ];
  readonly addresses = new Set<number>();
  readonly places = new Map<Descriptor, number>();
  readonly refusing = new Map<string, string>();
  readonly attempts: string[] = [];
  readonly lines: string[] = [];
  changed = () => {};
  readonly keeper: XdpKeeper;

  constructor(listening: "all" | readonly number[] = "all") {
    this.keeper = new XdpKeeper(
      {
        listening,
        tun: "tun0",
        scope: this.scope,
        localAddresses: () => this.local,
        watchLink: (_, changed) => {
          this.changed = changed;
          return lease(() => {
            this.changed = () => {};
          });
        },
        log: {
          warn: (_, line) => void this.lines.push(line),
          info: () => {},
        },
        filter: {
          attachXdp: (index, start, mode) => {
            this.attempts.push(`${index} ${start} ${mode}`);
            const errno = this.refusing.get(mode);
            if (errno !== undefined) return osError("bpf BPF_LINK_CREATE", errno);
            const link = new Descriptor(-1);
            this.places.set(link, index);
            return link;
          },
          addAddress: (address) => {
            this.addresses.add(address);
            return 0;
          },
          removeAddress: (address) => (this.addresses.delete(address) ? 0 : -2),
        },
      },
      {
        findInterface: (name) => this.interfaces.get(name) ?? osError("ioctl", "ENODEV"),
        interfaceOfXdp: (link) => this.places.get(link) ?? 0,
      },
    );
  }

  choose(choice: XdpChoice): this {
    this.keeper.choose(choice);
    return this;
  }

  get states(): string[] {
    return this.keeper.states.map(({ interface: name, mode, why }) => `${name} ${mode} ${why}`);
  }

  get links(): number {
    return this.ledger.balance()["XDP link"] ?? 0;
  }
}

describe("XDP filters at interfaces", () => {
  test("auto: where an address is that is listened on; neither loopback nor the sessions' own", () => {
    const on = new Bench().choose("auto");
    expect([on.states, on.links, on.attempts]).toEqual([
      ["eth0 native "],
      1,
      ["2 ethernet native"],
    ]);
    expect(on.addresses).toEqual(new Set([parseIpv4("127.0.0.1"), A]));
    expect(new Bench([B]).choose("auto").states).toEqual([]);
  });

  test("a driver without it: the generic mode; neither: a warning, once", () => {
    const on = new Bench();
    on.refusing.set("native", "ENOTSUP");
    expect(on.choose(["eth0"]).states).toEqual(["eth0 generic native: the driver has none"]);
    on.choose("off").refusing.set("generic", "EBUSY");
    on.choose(["eth0"]);
    const why = "native: the driver has none; generic: another XDP program is there";
    expect([on.states, on.links]).toEqual([[`eth0 none ${why}`], 0]);
    for (let i = 0; i < 5; i++) on.keeper.check();
    expect(on.lines).toHaveLength(1);
  });

  test("frames that it cannot read, and a name that is none, are said", () => {
    const on = new Bench();
    on.interfaces.set("fr0", { index: 9, type: FRAME_RELAY });
    expect(on.choose(["fr0", "gone0"]).states).toEqual([
      "fr0 none frames of link type 770",
      "gone0 none there is no such interface",
    ]);
    expect(on.attempts).toEqual([]);
  });

  test("one that comes, goes and comes again under its name: looked at when the kernel tells", () => {
    vi.useFakeTimers();
    const on = new Bench().choose(["eth0", "eth1"]);
    const later = (index: number | undefined) => {
      if (index === undefined) on.interfaces.delete("eth1");
      else on.interfaces.set("eth1", { index, type: ETHERNET });
      on.changed();
      on.changed();
      vi.runAllTimers();
    };
    later(7);
    expect([on.states[1], on.links]).toEqual(["eth1 native ", 2]);
    later(undefined);
    expect([on.states[1], on.links]).toEqual(["eth1 none there is no such interface", 1]);
    later(8);
    later(9);
    expect([on.states[1], on.links, on.attempts.at(-1)]).toEqual([
      "eth1 native ",
      2,
      "9 ethernet native",
    ]);
    expect(on.attempts).toHaveLength(4);
    vi.useRealTimers();
  });

  test("one from which somebody took it gets it again", () => {
    const on = new Bench().choose("auto");
    on.places.clear();
    on.keeper.check();
    expect([on.states, on.links, on.attempts.length]).toEqual([["eth0 native "], 1, 2]);
  });

  test("auto, its addresses gone: it stays, and judges nothing; off or another list takes it off", () => {
    const on = new Bench().choose("auto");
    on.local = [];
    on.keeper.check();
    expect([on.states, on.links, on.addresses.size]).toEqual([["eth0 native "], 1, 0]);
    on.interfaces.set("eth1", { index: 3, type: ETHERNET });
    expect(on.choose(["eth1"]).states).toEqual(["eth1 native "]);
    expect(on.choose("off").states).toEqual([]);
    expect(on.ledger.size).toBe(0);
  });

  test("bounded: interfaces of auto, and addresses", () => {
    const on = new Bench();
    on.local = Array.from({ length: xdp.addressesMax + 9 }, (_, at) => {
      const device = `eth${String(at).padStart(3, "0")}`;
      on.interfaces.set(device, { index: 10 + at, type: ETHERNET });
      return { device, address: A + at };
    });
    on.choose("auto").keeper.check();
    expect([on.links, on.addresses.size]).toEqual([xdp.interfacesMax, xdp.addressesMax]);
    expect(on.lines).toHaveLength(1);
  });

  test("its end: nothing is held, and nobody looks again", () => {
    vi.useFakeTimers();
    const on = new Bench().choose("auto");
    on.changed();
    on.scope[Symbol.dispose]();
    vi.runAllTimers();
    expect([on.ledger.size, on.ledger.stuck, on.attempts.length]).toEqual([0, 0, 1]);
    vi.useRealTimers();
  });
});
