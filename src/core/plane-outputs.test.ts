import { expect, test } from "vitest";
import { formatIpv6 } from "../base/ip.js";
import { isPlaneOutput, linkLocal, type PlaneContext, planeCommand } from "./plane-outputs.js";

const flow = { slot: 1, generation: 2 };
const context: PlaneContext = {
  flow,
  mru: 1_400,
  mtu: 1_300,
  end: "gateway",
  routes: [{ address: 0x0a000000, length: 8 }],
  prefix: undefined,
};
const host: PlaneContext = { ...context, end: "host", routes: [] };
const ours = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
const peers = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2);

test("what the peer takes is never more than our own MTU", () => {
  const link = { kind: "LinkUp", acfc: true, pfc: false } as const;
  expect(planeCommand({ ...link, peersMru: 65_535 }, context)).toMatchObject({ peersMru: 1_300 });
  expect(planeCommand({ ...link, peersMru: 576 }, context)).toMatchObject({ peersMru: 576 });
  expect(planeCommand({ kind: "LinkDown" }, context)).toBeUndefined();
});

test("Ipv4Up: the gateway checks the peer's address and its routes, a host its own", () => {
  const up = { kind: "Ipv4Up", ours: 1, peers: 2, dns: [], nbns: [] } as const;
  const { routes } = context;
  expect(planeCommand(up, context)).toEqual({
    kind: "Network4",
    flow,
    network: { address: 2, routes },
  });
  expect(planeCommand(up, host)).toMatchObject({ network: { address: 1, routes: [] } });
  expect(planeCommand({ kind: "Ipv4Down" }, context)).toMatchObject({ network: undefined });
});

test("Ipv6Up: link-local addresses of both interface identifiers, the prefix at the gateway", () => {
  const up = { kind: "Ipv6Up", ours, peers } as const;
  const prefix = new Uint8Array(16).fill(1);
  expect(planeCommand(up, { ...context, prefix })).toMatchObject({
    network: { linkLocal: linkLocal(peers), ourLinkLocal: linkLocal(ours), prefix },
  });
  expect(planeCommand(up, { ...host, prefix })).toMatchObject({
    network: { linkLocal: linkLocal(ours), prefix: undefined },
  });
  expect(planeCommand({ kind: "Ipv6Down" }, context)).toMatchObject({ network: undefined });
});

test("link-local: fe80::/64 and the identifier", () => {
  expect(formatIpv6(linkLocal(Uint8Array.of(2, 0, 0, 0xff, 0xfe, 0, 0, 1)))).toBe(
    "fe80::200:ff:fe00:1",
  );
});

test("encryption off, resynchronisation and flushes name their flow", () => {
  const echoReply = Uint8Array.of(10, 1, 0, 4);
  expect(planeCommand({ kind: "EncryptionDown" }, context)).toEqual({
    kind: "Encrypt",
    flow,
    terms: undefined,
  });
  expect(planeCommand({ kind: "ResyncExpected", echoReply }, context)).toEqual({
    kind: "Resync",
    flow,
    echoReply,
  });
  expect(planeCommand({ kind: "FlushNeeded", side: "send" }, context)).toEqual({
    kind: "Flush",
    flow,
    side: "send",
  });
});

test("what the composer must act on itself is none of the data path's", () => {
  expect(isPlaneOutput({ kind: "Noted", reason: "x" })).toBe(false);
  expect(isPlaneOutput({ kind: "AddressesAsked", generation: 1 })).toBe(false);
  expect(isPlaneOutput({ kind: "LinkDown" })).toBe(true);
});
