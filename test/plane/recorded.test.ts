// Sessions recorded between foreign ends, through both engines as either of those ends: the same comes
// out, and the same is refused, as it was sent and with every packet spoilt in turn.
import { describe, expect, test } from "vitest";
import { read32 } from "../../src/wire/ip-octets.js";
import { IpcpOption } from "../../src/wire/ppp/ipcp.js";
import { LcpCode } from "../../src/wire/ppp/lcp.js";
import { decodeOptions } from "../../src/wire/ppp/options.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import type { PlaneCommand } from "../../src/wire/worker-link.js";
import { encryptionOf, packetsOf, value } from "../captures/agreement.js";
import { type CapturedCall, CLIENT, readCall, SERVER, type Side } from "../captures/call.js";
import { Bench, chance, FLOW, TERMS } from "./pair.js";
import { sameOf } from "./same.js";

/** How many of the inner packets each end got can be read again. */
const RECORDED = {
  "pptpd-mppe": [5, 5],
  "pptpd-stateful": [5, 5],
  "pptpd-none": [5, 5],
  "pptpd-chap": [5, 5],
  "pptpd-pap": [5, 5],
  "pptpd-mppe-loss": [59, 55],
  "pptpd-stateful-loss": [39, 7],
} as const;
const PASSWORD = "secret-Pw1";

function callIds(call: CapturedCall): Record<Side, number> {
  const ids = { client: 0, server: 0 };
  for (const { message } of call.messages) {
    if (message.kind === "OutgoingCallRequest") ids.client = message.callId;
    if (message.kind === "OutgoingCallReply") ids.server = message.callId;
  }
  return ids;
}

/** What the data path is told of a call by the time its data comes. */
function commandsOf(name: string, call: CapturedCall, side: Side): PlaneCommand[] {
  const ids = callIds(call);
  const other = side === "client" ? "server" : "client";
  const encrypted = name.startsWith("pptpd-mppe") || name.startsWith("pptpd-stateful");
  const address = framedAddress(call);
  // Not the address that was pinged: what is to the gateway itself is answered, not written to the TUN.
  const gateway = { ...TERMS, gatewayAddress: address + 100 };
  return [
    { kind: "Configure", gateway },
    {
      kind: "Install",
      flow: FLOW,
      localAddress: side === "client" ? CLIENT : SERVER,
      peerAddress: side === "client" ? SERVER : CLIENT,
      callId: ids[side],
      peersCallId: ids[other],
      peersWindow: 64,
      peersProcessingDelay: 0,
      end: side === "client" ? "host" : "gateway",
      encryptionRequired: encrypted,
    },
    { kind: "Link", flow: FLOW, peersMru: 1_500, mru: 1_500, acfc: true, pfc: true },
    ...(encrypted
      ? [{ kind: "Encrypt", flow: FLOW, terms: encryptionOf(call, PASSWORD, side) } as const]
      : []),
    { kind: "Network4", flow: FLOW, network: { address, routes: [] } },
  ];
}

/** Of the client, by the IPCP Configure-Request that the server acknowledged last. */
function framedAddress(call: CapturedCall): number {
  const acks = packetsOf(call, Protocol.ipcp).filter(
    ({ from, code }) => from === "server" && code === LcpCode.configureAck,
  );
  const options = value(decodeOptions(acks.at(-1)!.data, 8));
  const address = options.find(({ type }) => type === IpcpOption.ipAddress);
  if (address === undefined) throw new Error("no IP-Address option");
  return read32(address.data, 0);
}

function ends(name: string, call: CapturedCall, side: Side) {
  const alone = new Bench(undefined, undefined, "typescript");
  const lane = new Bench(undefined, undefined, "wasm");
  for (const bench of [alone, lane]) {
    for (const command of commandsOf(name, call, side)) bench.command(command);
  }
  return { alone, lane };
}

describe.each(Object.entries(RECORDED))("%s", (name, [atServer, atClient]) => {
  const call = readCall(name);

  test.each([
    ["server", "client", atServer],
    ["client", "server", atClient],
  ] as const)("as the %s", (side, from, inner) => {
    const pair = ends(name, call, side);
    const sent = call.datagrams.filter((one) => one.from === from);
    let read = 0;
    for (let at = 0; at < sent.length; at += 7) {
      const batch = sent.slice(at, at + 7).map(({ octets }) => octets);
      for (const bench of [pair.alone, pair.lane]) bench.datagrams(batch);
      read += pair.alone.tun.length;
      sameOf(pair);
      for (const bench of [pair.alone, pair.lane]) bench.pass(5);
    }
    for (const bench of [pair.alone, pair.lane]) bench.pass(5_000);
    read += pair.alone.tun.length;
    sameOf(pair);
    expect(read).toBe(inner);
  });

  test.each(["server", "client"] as const)("as the %s, with octets spoilt", (side) => {
    const sent = call.datagrams.filter(({ from }) => from !== side);
    for (let seed = 1; seed <= 8; seed++) {
      const any = chance(seed);
      const pair = ends(name, call, side);
      for (const { octets } of sent) {
        const spoilt = octets.slice(0, any() < 0.2 ? Math.floor(any() * octets.length) : undefined);
        // Behind the outer addresses mostly: another peer's is refused before all else.
        const at = any() < 0.1 ? 0 : 20;
        for (let n = any() * 4; n > 1; n--) {
          spoilt[at + Math.floor(any() * (spoilt.length - at))] = Math.floor(any() * 256);
        }
        const batch = any() < 0.5 ? [spoilt, octets] : [spoilt];
        for (const bench of [pair.alone, pair.lane]) bench.datagrams(batch);
        sameOf(pair);
        const ms = Math.floor(any() * 60);
        for (const bench of [pair.alone, pair.lane]) bench.pass(ms);
      }
      sameOf(pair);
    }
  });
});
