// A whole packet through an engine, either way, memory in place of the kernel: packets are put in and
// taken out by the harness of the plane's tests, whose copying is in the figures.
import { Bench, installClient, installServer, LEASED, OUTSIDE, udp } from "../test/plane/pair.js";
import type { Case } from "./micro.js";

/** What a session with an MRU of 1400 takes once MPPE has its four octets. */
const OCTETS = 1_396;
const AT_ONCE = 512;
const encryptions = [
  ["no MPPE", undefined],
  ["MPPE-128 stateless", { bits: 128, stateful: false }],
  ["MPPE-128 stateful", { bits: 128, stateful: true }],
] as const;

export const engines = ["typescript", "wasm"] as const;
export type EngineKind = (typeof engines)[number];
type Encryption = (typeof encryptions)[number][1];
/** As many as the kernel is asked for at once. */
const BATCH = 64;

export const bench = (kind: EngineKind) => new Bench(undefined, undefined, kind);

export function* batchesOf<Item>(all: readonly Item[]): IterableIterator<Item[]> {
  for (let at = 0; at < all.length; at += BATCH) yield all.slice(at, at + BATCH);
}

function outbound(kind: EngineKind, name: string, encryption: Encryption): Case {
  const prepare = () => {
    const packets = Array.from({ length: AT_ONCE }, (_, tag) => udp(OUTSIDE, LEASED, tag, OCTETS));
    const batches = [...batchesOf(packets)];
    const server = bench(kind);
    installServer(server, { encryption });
    return () => {
      for (const batch of batches) server.packets(batch);
      if (server.gre.length !== AT_ONCE) throw new Error(`${server.gre.length} went out`);
    };
  };
  const title = `TUN to GRE, ${OCTETS} octets, ${name}`;
  return { group: `engine: ${kind}`, name: title, atOnce: AT_ONCE, prepare };
}

function inbound(kind: EngineKind, name: string, encryption: Encryption): Case {
  const prepare = () => {
    const [server, client] = [bench(kind), bench(kind)];
    installServer(server, { encryption });
    installClient(client, { encryption });
    for (let tag = 0; tag < AT_ONCE; tag++) client.packet(udp(LEASED, OUTSIDE, tag, OCTETS));
    const batches = [...batchesOf(client.gre.splice(0))];
    return () => {
      for (const batch of batches) server.datagrams(batch);
      if (server.tun.length !== AT_ONCE) throw new Error(`${server.tun.length} came through`);
    };
  };
  const title = `GRE to TUN, ${OCTETS} octets, ${name}`;
  return { group: `engine: ${kind}`, name: title, atOnce: AT_ONCE, prepare };
}

export function engineCases(): Case[] {
  return engines.flatMap((kind) =>
    encryptions.flatMap(([name, encryption]) => [
      outbound(kind, name, encryption),
      inbound(kind, name, encryption),
    ]),
  );
}
