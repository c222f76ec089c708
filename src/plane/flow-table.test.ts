import { beforeEach, describe, expect, test } from "vitest";
import { instant } from "../base/instant.js";
import { parseIpv4 } from "../base/ip.js";
import { Flow, type Install } from "./flow.js";
import { FlowTable, owns4 } from "./flow-table.js";
import { PlaneMemory } from "./memory.js";
import { ReorderBudget } from "./reorder-buffer.js";

const ip = (text: string) => parseIpv4(text)!;
const LOCAL = ip("198.51.100.1");
const PEER = ip("198.51.100.2");
const prefix = (text: string, length: number) => ({ address: ip(text), length });

let memory: PlaneMemory;
beforeEach(() => {
  memory = new PlaneMemory(8);
});

function install(
  slot: number,
  { local = LOCAL, peer = PEER, callId = 7, generation = 1 } = {},
): Install {
  return {
    kind: "Install",
    flow: { slot, generation },
    localAddress: local,
    peerAddress: peer,
    callId,
    peersCallId: 0,
    peersWindow: 64,
    peersProcessingDelay: 0,
    end: "gateway",
    encryptionRequired: false,
  };
}

function flow(slot: number, terms: Parameters<typeof install>[1] = {}): Flow {
  const command = install(slot, terms);
  return new Flow(command, "off", new ReorderBudget(), memory.record(slot), instant(0));
}

function tableOf(...flows: Flow[]): FlowTable {
  const table = new FlowTable(memory);
  for (const entry of flows) {
    const { ref, localAddress: local, peerAddress: peer, callId } = entry;
    expect(table.refusal(install(ref.slot, { local, peer, callId }))).toBeUndefined();
    table.add(entry);
  }
  return table;
}

describe("by (our address, peer's address, our Call ID)", () => {
  test("one Call ID with three address pairs is three flows", () => {
    const other = ip("198.51.100.3");
    const flows = [flow(0), flow(1, { local: other }), flow(2, { peer: other })];
    const table = tableOf(...flows);
    expect(table.byCall(LOCAL, PEER, 7)).toBe(flows[0]);
    expect(table.byCall(other, PEER, 7)).toBe(flows[1]);
    expect(table.byCall(LOCAL, other, 7)).toBe(flows[2]);
    expect(table.byCall(other, other, 7)).toBeUndefined();
    expect(table.byCall(LOCAL, PEER, 8)).toBeUndefined();
    for (const gone of [1, 0, 2]) {
      table.remove(flows[gone]!);
      expect(table.byCall(flows[gone]!.localAddress, flows[gone]!.peerAddress, 7)).toBeUndefined();
    }
    expect(table.size).toBe(0);
  });

  test("refused: a taken slot, a taken Call ID, numbers out of range", () => {
    const table = tableOf(flow(0));
    expect(table.refusal(install(0, { callId: 8 }))).toBe("slot in use");
    expect(table.refusal(install(1))).toBe("Call ID in use");
    expect(table.refusal(install(8, { callId: 9 }))).toBe("no such slot");
    expect(table.refusal(install(-1, { callId: 9 }))).toBe("no such slot");
    expect(table.refusal(install(1, { callId: 65_536 }))).toBe("no such Call ID");
    expect(table.refusal(install(1, { callId: 65_535 }))).toBeUndefined();
    expect(table.size).toBe(1);
  });

  test("a stale generation names nothing", () => {
    const table = tableOf(flow(3, { generation: 5 }));
    expect(table.bySlot({ slot: 3, generation: 4 })).toBeUndefined();
    expect(table.bySlot({ slot: 3, generation: 5 })).toBeDefined();
    expect(table.bySlot({ slot: 4, generation: 5 })).toBeUndefined();
  });
});

describe("by inner destination", () => {
  test("found out once, the lane knows it, until the network changes", () => {
    const [a, b] = [flow(0), flow(1, { callId: 1 })];
    const table = tableOf(a, b);
    const { destinations } = table;
    const [own, behind] = [ip("10.0.0.1"), ip("192.168.7.8")];
    table.openNetwork4(a, own, []);
    expect(destinations.find(own)).toBe(0);
    table.toward4(own);
    expect(destinations.find(own)).toBe(1);
    destinations.open(behind);
    table.openNetwork4(b, ip("10.0.0.2"), [prefix("192.168.7.0", 24)]);
    expect([destinations.find(own), destinations.find(behind)]).toEqual([0, 0]);
    table.toward4(behind);
    table.toward4(own);
    expect([destinations.find(own), destinations.find(behind)]).toEqual([1, 2]);
    table.closeNetwork4(a);
    expect([destinations.find(own), destinations.find(behind)]).toEqual([0, 2]);
    table.closeNetwork4(b);
    expect(destinations.find(behind)).toBe(0);
  });

  test("the framed address before any route, the longest route before the rest", () => {
    const [a, b, c] = [flow(0), flow(1, { callId: 1 }), flow(2, { callId: 2 })];
    const table = tableOf(a, b, c);
    table.openNetwork4(a, ip("10.0.0.1"), [prefix("192.168.0.0", 16), prefix("0.0.0.0", 0)]);
    table.openNetwork4(b, ip("10.0.0.2"), [prefix("192.168.7.0", 24)]);
    table.openNetwork4(c, ip("192.168.7.9"), []);
    expect(table.toward4(ip("192.168.7.9"))).toBe(c);
    expect(table.toward4(ip("192.168.7.8"))).toBe(b);
    expect(table.toward4(ip("192.168.8.8"))).toBe(a);
    expect(table.toward4(ip("255.1.2.3"))).toBe(a);
    table.remove(b);
    expect(table.toward4(ip("192.168.7.8"))).toBe(a);
    table.remove(a);
    expect(table.toward4(ip("192.168.7.8"))).toBeUndefined();
    expect(table.toward4(ip("192.168.7.9"))).toBe(c);
  });

  test("a flow that closes leaves an address that another took over since", () => {
    const [a, b] = [flow(0), flow(1, { callId: 1 })];
    const table = tableOf(a, b);
    table.openNetwork4(a, ip("10.0.0.1"), []);
    table.openNetwork4(b, ip("10.0.0.1"), []);
    table.closeNetwork4(a);
    expect(table.toward4(ip("10.0.0.1"))).toBe(b);
  });

  test("opened anew, the old address and routes are gone", () => {
    const a = flow(0);
    const table = tableOf(a);
    table.openNetwork4(a, ip("10.0.0.1"), [prefix("192.168.7.0", 24)]);
    table.openNetwork4(a, ip("10.0.0.2"), []);
    expect(table.toward4(ip("10.0.0.1"))).toBeUndefined();
    expect(table.toward4(ip("192.168.7.1"))).toBeUndefined();
    expect(table.toward4(ip("10.0.0.2"))).toBe(a);
  });

  test("IPv6 by /64, link-local by interface identifier", () => {
    const [a, b] = [flow(0), flow(1, { callId: 1 })];
    const table = tableOf(a, b);
    const leased = (n: number) =>
      Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, n, 0, 0, 0, 0, 0, 0, 0, 0);
    const local = (n: number) =>
      Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n);
    const ours = local(1);
    table.openNetwork6(a, { linkLocal: local(2), ourLinkLocal: ours, prefix: leased(1) });
    table.openNetwork6(b, { linkLocal: local(3), ourLinkLocal: ours, prefix: undefined });
    const host = leased(1);
    host[15] = 99;
    expect(table.toward6(host, 0)).toBe(a);
    expect(table.toward6(leased(2), 0)).toBeUndefined();
    expect(table.towardLinkLocal6(local(3), 0)).toBe(b);
    table.remove(a);
    expect(table.toward6(host, 0)).toBeUndefined();
    expect(table.towardLinkLocal6(local(2), 0)).toBeUndefined();
  });
});

test("owns4: the address and what is behind it, nothing before the network opened", () => {
  const a = flow(0);
  const table = tableOf(a);
  expect(owns4(a, ip("10.0.0.1"))).toBe(false);
  table.openNetwork4(a, ip("10.0.0.1"), [prefix("192.168.7.0", 24)]);
  expect(owns4(a, ip("10.0.0.1"))).toBe(true);
  expect(owns4(a, ip("192.168.7.255"))).toBe(true);
  expect(owns4(a, ip("192.168.8.0"))).toBe(false);
});
