import { Duplex } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Ipv4 } from "../../base/ip.js";
import { proxy as limits } from "../../limits.js";
import type { DialFailure, Dialled, Way } from "../tunnel.js";
import { addressOf, reach } from "./destination.js";

/** What each address does, and when: it connects, or fails for that reason. */
type Ends = Readonly<Record<number, { after: number; why?: DialFailure["why"] }>>;

class Inside implements Way {
  readonly dialled: [Ipv4, number][] = [];
  readonly streams = new Map<Ipv4, Duplex>();
  readonly #begun = performance.now();

  constructor(
    readonly addresses: readonly Ipv4[],
    readonly ends: Ends,
  ) {}

  dial(address: Ipv4): Promise<Dialled> {
    this.dialled.push([address, performance.now() - this.#begun]);
    const { after, why } = this.ends[address] ?? { after: 30_000, why: "timed-out" };
    const stream = new Duplex({ read() {}, write: (_octets, _encoding, done) => done() });
    if (why === undefined) this.streams.set(address, stream);
    const end: Dialled = why === undefined ? stream : { kind: "DialFailure", why };
    return new Promise((resolve) => setTimeout(() => resolve(end), after));
  }
  bindUdp() {
    return { kind: "Refused", limit: "ports" } as const;
  }
  lookup = () => Promise.resolve(this.addresses);
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function reached(inside: Inside, ms = 60_000) {
  const reaching = reach(inside, "web.test", 80);
  await vi.advanceTimersByTimeAsync(ms);
  return reaching;
}

test("the first address that connects is enough", async () => {
  const inside = new Inside([1, 2], { 1: { after: 20 }, 2: { after: 20 } });
  expect(await reached(inside)).toBe(inside.streams.get(1));
  expect(inside.dialled).toEqual([[1, 0]]);
});

test("one that refuses: the next at once; one that is silent: the next beside it after a while", async () => {
  const refusing = new Inside([1, 2], { 1: { after: 20, why: "refused" }, 2: { after: 20 } });
  expect(await reached(refusing)).toBe(refusing.streams.get(2));
  expect(refusing.dialled).toEqual([
    [1, 0],
    [2, 20],
  ]);
  const silent = new Inside([1, 2, 3], { 3: { after: 20 } });
  expect(await reached(silent)).toBe(silent.streams.get(3));
  expect(silent.dialled.map(([, at]) => at)).toEqual([
    0,
    limits.nextAddressMs,
    2 * limits.nextAddressMs,
  ]);
});

test("two that connect: the later one is ended", async () => {
  const inside = new Inside([1, 2], { 1: { after: 400 }, 2: { after: 10 } });
  expect(await reached(inside)).toBe(inside.streams.get(2));
  expect(inside.streams.get(1)?.destroyed).toBe(true);
  expect(inside.streams.get(2)?.destroyed).toBe(false);
});

test("all fail: the last one's reason; no more than so many are tried", async () => {
  const many = Array.from({ length: 20 }, (_, i) => i + 1);
  const failing = Object.fromEntries(
    many.map((address) => [address, { after: 10, why: "unreachable" as const }]),
  );
  const inside = new Inside(many, failing);
  expect(await reached(inside)).toBe("unreachable");
  expect(inside.dialled.length).toBe(limits.addressesTriedMax);
});

test("IPv6, and no session: said without anybody being asked", async () => {
  const inside = new Inside([1], {});
  expect(await reach(inside, "2001:db8::1", 80)).toBe("ipv6");
  expect(await addressOf(inside, "::1")).toBe("ipv6");
  expect(await reach(undefined, "web.test", 80)).toBe("no-session");
  expect(inside.dialled).toEqual([]);
});
