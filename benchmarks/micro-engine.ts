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

function outbound(name: string, encryption: (typeof encryptions)[number][1]): Case {
  const prepare = () => {
    const packets = Array.from({ length: AT_ONCE }, (_, tag) => udp(OUTSIDE, LEASED, tag, OCTETS));
    const server = new Bench();
    installServer(server, { encryption });
    return () => {
      for (const packet of packets) server.packet(packet);
      if (server.gre.length !== AT_ONCE) throw new Error(`${server.gre.length} went out`);
    };
  };
  return {
    group: "engine (typescript)",
    name: `TUN to GRE, ${OCTETS} octets, ${name}`,
    atOnce: AT_ONCE,
    prepare,
  };
}

function inbound(name: string, encryption: (typeof encryptions)[number][1]): Case {
  const prepare = () => {
    const [server, client] = [new Bench(), new Bench()];
    installServer(server, { encryption });
    installClient(client, { encryption });
    for (let tag = 0; tag < AT_ONCE; tag++) client.packet(udp(LEASED, OUTSIDE, tag, OCTETS));
    const datagrams = client.gre.splice(0);
    return () => {
      for (const datagram of datagrams) server.datagram(datagram);
      if (server.tun.length !== AT_ONCE) throw new Error(`${server.tun.length} came through`);
    };
  };
  return {
    group: "engine (typescript)",
    name: `GRE to TUN, ${OCTETS} octets, ${name}`,
    atOnce: AT_ONCE,
    prepare,
  };
}

export function engineCases(): Case[] {
  return encryptions.flatMap(([name, encryption]) => [
    outbound(name, encryption),
    inbound(name, encryption),
  ]);
}
