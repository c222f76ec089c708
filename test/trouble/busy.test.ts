// A server that has more to do than it can: its sessions keep it at work, and it is held to a sliver of a
// processor. Strangers are shed first, and told so by the RFC's codes; sessions are served; and when it is over
// strangers come in at once. What counts as busy is set by its keys, so that the sliver is enough for it.
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { systemRng } from "../../src/os/entropy.js";
import { ControlLine } from "../../src/storm/control-line.js";
import { GreEnd } from "../../src/storm/honest/gre-end.js";
import { HonestSession } from "../../src/storm/honest/session.js";
import { decodeFrame, encodeFrame } from "../../src/wire/ppp/frame.js";
import { encodeMagicAndData, LcpCode } from "../../src/wire/ppp/lcp.js";
import { octetsOfUint32, uint32At } from "../../src/wire/ppp/options.js";
import { decodePacket, encodePacket } from "../../src/wire/ppp/packet.js";
import { Protocol } from "../../src/wire/ppp/protocols.js";
import type { PnsCallId } from "../../src/wire/pptp/call-id.js";
import { callRequest, startRequest } from "../../src/wire/pptp/client-requests.js";
import { until } from "../lab/place.js";
import { held } from "../os/namespace.js";
import { needRoot } from "../peers.js";
import { type Account, CALLERS, Scene, SERVER } from "./scene.js";

const HOSTILE = "198.51.100.66";
const PORT = 1723;
const account = (name: string): Account => ({ name, password: `correct-Horse-${name}` });
const address = (text: string) => parseIpv4(text) ?? 0;

const limits = {
  guard: {
    ...{ busyLagMs: 10, busyPercent: 1, busyMs: 200 },
    // The one stranger who asks all the time is not to be held to what is its source's.
    ...{ sourceConnectionsPerSecond: 1_000, sourceCallsPerSecond: 1_000 },
    ...{ sourceHalfOpenMax: 1_000, sourceUnprovenMax: 1_000, sourceCallingMax: 1_000 },
  },
  control: { callDeadlineMs: 600_000, authenticatedDeadlineMs: 600_000 },
};

const [FLOOD_FRAMES, FLOOD_EVERY_MS] = [500, 25];
const [RUNS_MS, STOPPED_MS] = [40, 130];
const NO_RESOURCE = "2/4";
const LET_IN = "1/0";

/** One who comes, says who he is, and what he was told. */
function askedIn(): Promise<string> {
  return new Promise((resolve) => {
    const line = new ControlLine(
      ...([address(SERVER), PORT, address(HOSTILE)] as const),
      (message) => {
        if (message.kind !== "StartControlConnectionReply") return;
        line[Symbol.dispose]();
        resolve(`${message.resultCode}/${message.errorCode}`);
      },
      resolve,
      () => line.send(startRequest("stranger")),
    );
  });
}

/** One who was let in before, and asks for calls. */
class Started implements Disposable {
  readonly told: string[] = [];
  in = false;
  #callId = 1;
  readonly #line = new ControlLine(
    ...([address(SERVER), PORT, address(HOSTILE)] as const),
    (message) => {
      if (message.kind === "StartControlConnectionReply") this.in = message.resultCode === 1;
      if (message.kind !== "OutgoingCallReply") return;
      this.told.push(`${message.resultCode}/${message.errorCode}`);
      // Not what it is here for.
      const callId = message.peersCallId as PnsCallId;
      if (message.resultCode === 1) this.#line.send({ kind: "CallClearRequest", callId });
    },
    (why) => this.told.push(why),
    () => this.#line.send(startRequest("stranger")),
  );

  call(): void {
    this.#line.send(callRequest(this.#callId++, 64));
  }

  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }
}

/** A session that says LCP Echo-Requests, and counts their answers and those to its pings. */
class Asker extends HonestSession {
  answered = 0;
  /** The number of the last one that was answered. */
  upTo = 0;
  #asked = 0;

  /** Its number. */
  ask(): number {
    const number = ++this.#asked;
    const data = encodeMagicAndData({ magicNumber: 0, data: octetsOfUint32(number) });
    const packet = encodePacket(LcpCode.echoRequest, number & 0xff, data);
    this.utter({ octets: encodeFrame(Protocol.lcp, packet), sealed: false });
    return number;
  }

  override take(sequence: number, octets: Uint8Array): void {
    const frame = decodeFrame(octets);
    if (frame.ok && frame.value.protocol === Protocol.lcp) {
      const packet = decodePacket(frame.value.information);
      if (packet.ok && packet.value.code === LcpCode.echoReply) {
        this.answered++;
        this.upTo = uint32At(packet.value.data, 4);
      }
    }
    super.take(sequence, octets);
  }
}

type Sessions = { readonly lost: string[]; pings: number };

async function session(gre: GreEnd, credentials: Account, callId: number, seen: Sessions) {
  let up = false;
  const dial = {
    ...{ server: address(SERVER), port: PORT, local: address(CALLERS) },
    ...{ credentials, callId, echoEveryMs: 200, withinMs: 30_000 },
  };
  const one = new Asker(dial, gre, systemRng(), {
    up: () => {
      up = true;
    },
    over: (_, why) => void seen.lost.push(`${credentials.name}: ${why}`),
    echo: (ms) => {
      if (ms !== undefined) seen.pings++;
    },
  });
  await until(`${credentials.name} is up`, 30, () => up || seen.lost.length > 0);
  expect(seen.lost).toEqual([]);
  return one;
}

/** Far more than are answered, until its end. */
class Flood implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor(flooder: Asker) {
    this.#timer = setInterval(() => {
      for (let i = 0; i < FLOOD_FRAMES; i++) flooder.ask();
    }, FLOOD_EVERY_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/**
 * A process that runs for a moment and is stopped for longer than its watch sleeps: each time it looks it is
 * late. Whoever is late to stop it or to let it run only changes the moment.
 */
class Sliver implements Disposable {
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly pid: number) {
    this.#stop();
  }

  #stop(): void {
    process.kill(this.pid, "SIGSTOP");
    this.#timer = setTimeout(() => this.#run(), STOPPED_MS);
  }

  #run(): void {
    process.kill(this.pid, "SIGCONT");
    this.#timer = setTimeout(() => this.#stop(), RUNS_MS);
  }

  [Symbol.dispose](): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    process.kill(this.pid, "SIGCONT");
  }
}

describe.runIf(needRoot())("a server that is busy", () => {
  test("turns strangers away with No-Resource, serves sessions, and lets strangers in once it is over", async () => {
    // One who logs in is counted as a stranger until then: his address is not held to its rates.
    await using scene = await Scene.started({ config: { limits } });
    scene.callers.ip("addr", "add", `${HOSTILE}/24`, "dev", "veth0");
    const caller = await scene.caller(await scene.addUser(account("anna")));
    using gre = held(GreEnd.open(address(SERVER)));
    const seen: Sessions = { lost: [], pings: 0 };
    const others: Sessions = { lost: [], pings: 0 };
    const asker = await session(gre, await scene.addUser(account("bert")), 4_001, seen);
    const flooder = await session(gre, await scene.addUser(account("cleo")), 4_002, others);
    const newcomer = await scene.addUser(account("dora"));
    using started = new Started();
    await until("a stranger is let in, and waits", 30, () => started.in);
    const before = await scene.held();
    const busy = () => scene.lines("busy: new strangers are turned away").length;
    const calm = () => scene.lines("no longer busy: strangers are let in").length;

    const pinging = caller.pinging();
    using flood = new Flood(flooder);
    using sliver = new Sliver(scene.pid);
    await until("it is busy", 60, async () => {
      await askedIn();
      return busy() > 0;
    });
    const from = { asker: asker.answered, pings: seen.pings, caller: pinging.answered };
    const told: string[] = [];
    await until("strangers are turned away, and sessions served", 60, async () => {
      asker.ask();
      started.call();
      told.push(await askedIn());
      return (
        told.filter((codes) => codes === NO_RESOURCE).length >= 5 &&
        started.told.includes(NO_RESOURCE) &&
        asker.answered - from.asker >= 5 &&
        seen.pings - from.pings >= 5 &&
        pinging.answered - from.caller >= 5
      );
    });
    expect(new Set([...told, ...started.told, NO_RESOURCE, LET_IN])).toEqual(
      new Set([NO_RESOURCE, LET_IN]),
    );
    await until("the status says so", 30, async () => {
      const [, { warnings }] = [await askedIn(), await scene.status()];
      return warnings.includes("busy: new strangers are turned away");
    });
    const { counters } = await scene.status();
    expect(counters["shed SCCRQ, server busy"]).toBeGreaterThanOrEqual(5);
    expect(counters["shed call, server busy"]).toBeGreaterThanOrEqual(1);
    expect(counters["stranger waits, server busy"]).toBeGreaterThanOrEqual(1);
    // What made it busy is what sessions said.
    expect(counters["echo-suppressed"]).toBeGreaterThan(1_000);

    for (const one of [sliver, flood]) one[Symbol.dispose]();
    // What is asked now is behind all of the flood, on every way from here to the main process.
    const last = asker.ask();
    await until("all of it is read", 60, () => {
      if (asker.upTo < last) asker.ask();
      return asker.upTo >= last;
    });
    await until("it is no longer busy", 30, () => calm() === busy());
    expect(await askedIn()).toBe(LET_IN);
    const { counters: after } = await scene.status();
    expect(after["connections-max"]).toBeUndefined();
    await (await scene.caller(newcomer)).end();
    expect([seen.lost, others.lost, caller.over]).toEqual([[], [], false]);
    await scene.expectHeld(before);
    await pinging.stop();
    for (const one of [asker, flooder]) one.hangUp();
    await caller.end();
    expect(await scene.stop()).toBe(0);
  });
});
