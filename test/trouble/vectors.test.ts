// Every negative vector of the control, GRE and PPP layers, sent over real TCP and raw GRE at the
// running server while a session of another caller works: the answer, the count, and nothing kept.
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { type GreSocket, openGreSockets } from "../../src/os/gre-socket.js";
import { greHeaderOctets, writeGre } from "../../src/wire/gre.js";
import { decodeControlMessage } from "../../src/wire/pptp/index.js";
import { until } from "../lab/place.js";
import { held } from "../os/namespace.js";
import { needRoot } from "../peers.js";
import { octets, vectors } from "../vectors/vectors.js";
import type { Caller, Pinging } from "./caller.js";
import { CALLERS, Scene, SERVER } from "./scene.js";

const startRequest = octets(vectors.control_messages.find(({ type }) => type === 1)?.hex);
const callRequest = octets(vectors.control_messages.find(({ type }) => type === 7)?.hex);

/** A peer's TCP connection, octets as they are. */
class Peer implements Disposable {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  closed: string | undefined;

  constructor() {
    this.#socket = connect({ host: SERVER, port: 1723, noDelay: true });
    this.#socket.on("data", (more: Buffer) => {
      this.#received = Buffer.concat([this.#received, more]);
    });
    this.#socket.on("end", () => {
      this.closed ??= "fin";
    });
    this.#socket.on("error", ({ message }) => {
      this.closed ??= message;
    });
  }

  send(message: Uint8Array): void {
    this.#socket.write(message);
  }

  /** Sends chunks apart: each is a segment of its own. */
  async sendEach(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      this.send(chunk);
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  /** The messages so far, those it takes for granted checked by our own decoder. */
  get messages(): { kind: string; resultCode?: number; errorCode?: number; callId?: number }[] {
    const found = [];
    for (let at = 0; at + 2 <= this.#received.length; ) {
      const length = this.#received.readUInt16BE(at);
      const read = decodeControlMessage(this.#received.subarray(at, at + length));
      if (!read.ok) throw new Error(`malformed ${read.field}`);
      found.push(read.value);
      at += length;
    }
    return found;
  }

  async heard(kind: string): Promise<{ callId?: number; peersCallId?: number }> {
    await until(kind, 5, () => this.messages.some((one) => one.kind === kind));
    return this.messages.find((one) => one.kind === kind) ?? {};
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

type Expected = {
  /** In order, after the Start-Control-Connection-Reply where there is one. */
  readonly sent: readonly object[];
  readonly closed: boolean;
  readonly counted: readonly string[];
};

const SCCRP = { kind: "StartControlConnectionReply", resultCode: 1 };
const quietly = (...counted: string[]): Expected => ({ sent: [], closed: true, counted });
const ignored = (...counted: string[]): Expected => ({ sent: [SCCRP], closed: false, counted });

const CONTROL: Readonly<Record<string, Expected>> = {
  "CTL-LEN-0": quietly("malformed Length"),
  "CTL-LEN-2": quietly("malformed Length"),
  "CTL-LEN-7": quietly("malformed Length"),
  "CTL-LEN-8": quietly("malformed Length"),
  "CTL-LEN-9": quietly("malformed Length"),
  "CTL-LEN-12-SCCRQ": quietly("malformed Length"),
  "CTL-LEN-155": quietly("malformed Length"),
  "CTL-LEN-157": quietly("malformed Length"),
  "CTL-LEN-221": quietly("malformed Length"),
  "CTL-COOKIE-0": quietly("malformed Magic Cookie"),
  "CTL-COOKIE-LE": quietly("malformed Magic Cookie"),
  "CTL-MSGTYPE-0": quietly("malformed PPTP Message Type"),
  "CTL-TYPE-0": quietly("malformed Control Message Type"),
  "CTL-TYPE-16": quietly("malformed Control Message Type"),
  "CTL-TYPE-255": quietly("malformed Control Message Type"),
  "CTL-TYPE-65535": quietly("malformed Control Message Type"),
  "CTL-TYPE0-LEN0": quietly("malformed Control Message Type"),
  "CTL-RES0": ignored("odd SCCRQ Reserved0"),
  "CTL-SCCRQ-TWICE": {
    sent: [SCCRP, { kind: "StopControlConnectionReply" }],
    closed: true,
    counted: ["SCCRQ in established"],
  },
  "CTL-PRESTART-9": quietly("ICRQ in idle"),
  "CTL-PRESTART-11": quietly("ICCN in idle"),
  "CTL-PRESTART-15": quietly("SLI in idle"),
  "CTL-OCRQ-SHORT": { sent: [SCCRP], closed: true, counted: ["malformed Length"] },
  "CTL-OCRQ-PHLEN-65535": {
    sent: [SCCRP, { kind: "OutgoingCallReply", resultCode: 2, errorCode: 3, callId: 0 }],
    closed: false,
    counted: ["malformed OCRQ Phone Number Length", "refused OCRQ bad-value"],
  },
  "CTL-ICCN-NOCALL": ignored("ICCN of no call"),
  "CTL-CCR-NOCALL": ignored("CCR of no call"),
  "CTL-CDN-NOCALL": ignored("CDN of no call"),
  "CTL-WEN-NOCALL": ignored("WEN of no call"),
  "CTL-SLI-NOCALL": ignored("SLI of no call"),
  "CTL-ICRQ": {
    sent: [SCCRP, { kind: "IncomingCallReply", resultCode: 3, errorCode: 0 }],
    closed: false,
    counted: ["refused ICRQ not-authorised"],
  },
  "CTL-ECHOREP-UNSOLICITED": ignored("EchoRP unasked"),
  "CTL-TWO-IN-ONE": { sent: [SCCRP, { kind: "EchoReply" }], closed: false, counted: [] },
  "CTL-BYTE-BY-BYTE": { sent: [SCCRP], closed: false, counted: [] },
};

/** Counted once each; none: taken as far as it goes. */
const GRE: Readonly<Record<string, string | undefined>> = {
  "GRE-TRUNC-0": "gre-truncated",
  "GRE-TRUNC-1": "gre-truncated",
  "GRE-TRUNC-3": "gre-truncated",
  "GRE-TRUNC-4": "gre-truncated",
  "GRE-TRUNC-5": "gre-truncated",
  "GRE-TRUNC-6": "gre-truncated",
  "GRE-TRUNC-7": "gre-truncated",
  "GRE-S-NOSEQ": "gre-truncated",
  "GRE-SA-SHORT": "gre-truncated",
  "GRE-PAYLEN-65535": "gre-payload-over",
  "GRE-PAYLEN-UNDER": undefined,
  "GRE-PAYLEN-0-S": "empty-payload",
  "GRE-V0": "gre-version",
  "GRE-R": "gre-flags",
  "GRE-NOKEY": "gre-no-key",
  "GRE-SSR": "gre-flags",
  "GRE-RECUR": "gre-flags",
  "GRE-PROTO-IP": "gre-protocol",
  "GRE-UNKNOWN-CALLID": "unknown-call",
  "GRE-SEQ-REWIND-1": "late",
};

/** Of a call whose LCP is not open yet: what is counted; empty where it is answered as usual. */
const PPP: Readonly<Record<string, string>> = {
  "LCP-HDR-3": "malformed-packet",
  "LCP-LEN-0": "malformed-packet",
  "LCP-LEN-3": "malformed-packet",
  "LCP-OPT-LEN-0": "malformed-options",
  "LCP-OPT-DUP-MRU": "",
  "LCP-MRU-0": "",
  "LCP-MRU-65535": "",
  "LCP-AUTH-EMPTY": "",
  "LCP-CODE-0": "unknown-code",
  "LCP-CODE-255": "unknown-code",
  "LCP-ECHO-SHORT": "before-lcp-opened",
  "LCP-100-CONFREQ-OPTS": "",
  "PPP-PAP-PWLEN-OVER": "before-lcp-opened",
  "PPP-CHAP-VSIZE-48": "before-lcp-opened",
  "PPP-CHAP-NAME-1024": "before-lcp-opened",
  "PPP-CHAP-UNSOLICITED": "before-lcp-opened",
  "PPP-EAP-MD5-NAME-LONG": "before-lcp-opened",
  "PPP-EAP-PREAUTH": "before-lcp-opened",
  "PPP-EAPTLS-LEN-65536": "before-lcp-opened",
  "PPP-CCP-BEFORE-AUTH": "before-lcp-opened",
  "PPP-CCP-RESETREQ": "before-lcp-opened",
  "PPP-CBCP": "before-lcp-opened",
  "PPP-MPPE-D0": "data mppe-not-open",
  "PPP-MPPE-2OCT": "data mppe-not-open",
  "PPP-MULTILINK": "before-lcp-opened",
  "PPP-PLAIN-IP-WITH-MPPE": "data plaintext-refused",
};

const of = (layer: string) => vectors.negative.filter((vector) => vector.layer === layer);

describe.runIf(needRoot())("every negative vector at the running server", () => {
  let scene: Scene;
  let caller: Caller;
  let pinging: Pinging;
  let before: Record<string, number>;
  let gre: GreSocket;

  beforeAll(async () => {
    scene = await Scene.started();
    caller = await scene.caller(scene.firstAccount());
    before = await scene.held();
    pinging = caller.pinging();
    gre = held(openGreSockets());
  });

  afterAll(async () => {
    gre?.[Symbol.dispose]();
    await scene?.[Symbol.asyncDispose]();
  });

  const counts = async () => (await scene.status()).counters;

  /** What was counted since, by reason; the data path tells its own once a second. */
  async function counted(
    since: Readonly<Record<string, number>>,
    reasons: readonly string[],
  ): Promise<void> {
    let now: Readonly<Record<string, number>> = {};
    await until(`counted: ${reasons.join(", ")}`, 20, async () => {
      now = await counts();
      return reasons.every((reason) => (now[reason] ?? 0) > (since[reason] ?? 0));
    });
    for (const reason of reasons) {
      const times = reasons.filter((other) => other === reason).length;
      expect([reason, (now[reason] ?? 0) - (since[reason] ?? 0)]).toEqual([reason, times]);
    }
  }

  /** A call of this process on a connection of its own, log-in not begun. */
  async function called(): Promise<{ peer: Peer; callId: number }> {
    const peer = new Peer();
    peer.send(startRequest);
    await peer.heard("StartControlConnectionReply");
    peer.send(callRequest);
    const { callId = 0 } = await peer.heard("OutgoingCallReply");
    return { peer, callId };
  }

  function sendGre(packet: Uint8Array): void {
    const from = parseIpv4(CALLERS) ?? 0;
    const to = parseIpv4(SERVER) ?? 0;
    const sent = gre.send(packet, 0, packet.length, from, to, false);
    expect(sent).toBe(packet.length);
  }

  /** The vector's packet with our call's ID where its own example has one. */
  function ofCall(packet: Uint8Array, callId: number): Uint8Array {
    const copy = Uint8Array.from(packet);
    if (copy.length >= 8 && copy[6] === 0x56 && copy[7] === 0x78) {
      new DataView(copy.buffer).setUint16(6, callId);
    }
    return copy;
  }

  test("each vector has its outcome here", () => {
    expect(of("control").map(({ id }) => id)).toEqual(Object.keys(CONTROL));
    expect(of("gre").map(({ id }) => id)).toEqual(Object.keys(GRE));
    expect(of("ppp").map(({ id }) => id)).toEqual(Object.keys(PPP));
  });

  test.each(of("control"))("$id", async ({ id, send }) => {
    const { sent, closed, counted: reasons } = CONTROL[id] ?? quietly();
    const since = await counts();
    {
      using peer = new Peer();
      await peer.sendEach(send.map(octets));
      await until("the answer", 20, () => peer.messages.length >= sent.length);
      if (closed) await until("the close", 20, () => peer.closed !== undefined);
      await counted(since, reasons);
      expect(peer.messages).toMatchObject(sent);
      expect(peer.closed !== undefined).toBe(closed);
    }
    await scene.expectHeld(before);
  });

  test.each(of("gre"))("$id", async ({ id, send }) => {
    const { peer, callId } = await called();
    const since = await counts();
    for (const hex of send) sendGre(ofCall(octets(hex), callId));
    const reason = GRE[id];
    await counted(since, reason === undefined ? [] : [`data ${reason}`]);
    peer[Symbol.dispose]();
    await scene.expectHeld(before);
  });

  test.each(of("ppp"))("$id", async ({ id, send }) => {
    const { peer, callId } = await called();
    const since = await counts();
    const frame = octets(send[0]);
    const header = greHeaderOctets(true, false);
    const packet = new Uint8Array(header + frame.length);
    packet.set(frame, header);
    writeGre(packet, 0, callId, frame.length, 0, undefined);
    sendGre(packet);
    const reason = PPP[id] ?? "";
    await counted(since, reason === "" ? [] : [reason]);
    // One frame, however wrong, does not end a call.
    expect(peer.closed).toBeUndefined();
    peer[Symbol.dispose]();
    await scene.expectHeld(before);
  });

  test("the session of the other caller has noticed nothing of it", async () => {
    const { sent, received, gapMs } = await pinging.stop();
    expect(sent).toBeGreaterThan(20);
    expect(received).toBeGreaterThanOrEqual(sent - 1);
    expect(gapMs).toBeLessThanOrEqual(400);
    const counters = await counts();
    expect(counters).not.toHaveProperty("invariant-broken");
    expect(scene.log()).not.toMatch(/"level":"error"/);
    await caller.end();
    expect(await scene.accounting()).toHaveLength(1);
    expect(await scene.stop()).toBe(0);
  });
});
