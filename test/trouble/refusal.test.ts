// A stream of junk GRE from strangers at a running server while a session carries pings: refused by the
// kernel, the data worker hardly wakes, and everything is counted.
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { FILTER_REASONS, type FilterReason } from "../../src/os/gre-filter-ebpf.js";
import { type GreSocket, openGreSockets } from "../../src/os/gre-socket.js";
import { until } from "../lab/place.js";
import { held } from "../os/namespace.js";
import { needRoot } from "../peers.js";
import { octets, vectors } from "../vectors/vectors.js";
import type { Caller } from "./caller.js";
import { CALLERS, Scene, SERVER } from "./scene.js";

const STRANGER = "198.51.100.77";
const JUNK = 100_000;
const CHUNK = 500;

const vector = (id: string) => octets(vectors.negative.find((one) => one.id === id)?.send[0]);
const good = octets(vectors.gre_ppp_frames[0]?.gre_hex);

function ofCall(callId: number): Uint8Array {
  const copy = good.slice();
  new DataView(copy.buffer).setUint16(6, callId);
  return copy;
}

/** Enhanced GRE with a payload that has no sequence number. */
function unsequenced(): Uint8Array {
  const copy = good.slice(0, 20);
  copy.set([0x20, 0x01, 0x88, 0x0b, 0, 4]);
  return copy;
}

const MALFORMED: Readonly<Partial<Record<FilterReason, Uint8Array>>> = {
  "gre-truncated": vector("GRE-TRUNC-5"),
  "gre-no-key": vector("GRE-NOKEY"),
  "gre-flags": vector("GRE-R"),
  "gre-payload-over": vector("GRE-PAYLEN-65535"),
  "gre-payload-unsequenced": unsequenced(),
};
const OTHER_TUNNELS = { "gre-version": vector("GRE-V0"), "gre-protocol": vector("GRE-PROTO-IP") };

/** Types of control messages. */
const [SCCRQ, OCRQ, OCRP, CCR, CDN] = [1, 7, 8, 12, 13];

/** Whole ones, as they come. */
async function* messagesOf(socket: Socket): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0);
  for await (const octets of socket) {
    held = Buffer.concat([held, octets]);
    while (held.length >= 2 && held.length >= held.readUInt16BE(0)) {
      const length = held.readUInt16BE(0);
      yield held.subarray(0, length);
      held = held.subarray(length);
    }
  }
}

const anna = { name: "anna", password: "correct-Horse-7" };
const bert = { name: "bert", password: "correct-Horse-8" };

/** Of a process: processor time in ticks of 10 ms, and how often it woke. */
function work(pid: number): { ticks: number; wakeUps: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const wakeUps = Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
  return { ticks: Number(fields[11]) + Number(fields[12]), wakeUps };
}

for (const filter of ["auto", "classic"] as const) {
  describe.runIf(needRoot())(`filter: ${filter}`, () => {
    let scene: Scene;
    let first: Caller;
    let gre: GreSocket;

    beforeAll(async () => {
      scene = await Scene.started({ config: { filter } });
      scene.callers.ip("addr", "add", `${STRANGER}/32`, "dev", "lo");
      first = await scene.caller(await scene.addUser(anna));
      gre = held(openGreSockets());
    });

    afterAll(async () => {
      gre?.[Symbol.dispose]();
      await scene?.[Symbol.asyncDispose]();
    });

    const refusal = async () => (await scene.status()).earlyRefusal;
    /** NaN, which no assertion takes, where nothing counts them. */
    const refusals = async () => (await refusal()).refused ?? Number.NaN;
    const counter = async (reason: string) => (await scene.status()).counters[reason] ?? 0;

    /** `times` of them in turns, in pieces that leave this process time for the rest. */
    async function send(packets: readonly Uint8Array[], times: number, from: string) {
      const [source = 0, to = 0] = [parseIpv4(from), parseIpv4(SERVER)];
      for (let i = 0; i < times; i++) {
        const packet = packets[i % packets.length]!;
        const sent = gre.send(packet, 0, packet.length, source, to, true);
        // The cable's queue is full now and then.
        if (sent !== packet.length) i--;
        if (i % CHUNK === 0) await setImmediate();
      }
    }

    test("the form is as asked for, and status says so", async () => {
      const ebpf = filter === "auto";
      expect(await refusal()).toMatchObject({
        form: ebpf ? "eBPF" : "classic",
        why: "",
        calls: ebpf ? 1 : 0,
        byReason: true,
      });
      const { out } = await scene.cli(["status"]).then(({ stdout }) => ({ out: stdout }));
      expect(out).toMatch(
        ebpf
          ? /^early refusal +eBPF, 1 live call; \d+ refused, by reason among the counters$/m
          : /^early refusal +classic, by form; \d+ refused, by reason among the counters$/m,
      );
      expect(scene.lines("GRE is refused early by its form alone")).toEqual([]);
    });

    test(`${JUNK} malformed ones from a stranger: the worker sleeps, each is counted`, async () => {
      const pinging = first.pinging();
      const [worker] = (await scene.status()).workers;
      const pid = worker?.pid ?? 0;
      const before = work(pid);
      const refused = await refusals();
      const counts = (await scene.status()).counters;
      const lines = () => scene.log().split("\n").length;
      const said = lines();
      await send(Object.values(MALFORMED), JUNK, STRANGER);
      await until("all are counted", 20, async () => (await refusals()) >= refused + JUNK);
      const after = work(pid);
      expect(await refusals()).toBe(refused + JUNK);
      // What its pings, its own timers and the main process's questions wake it for.
      expect(after.wakeUps - before.wakeUps).toBeLessThan(JUNK / 100);
      expect(after.ticks - before.ticks).toBeLessThan(JUNK / 1_000);
      const now = (await scene.status()).counters;
      for (const reason of Object.keys(MALFORMED)) {
        const name = `data ${reason}`;
        const each = JUNK / Object.keys(MALFORMED).length;
        expect([name, (now[name] ?? 0) - (counts[name] ?? 0)]).toEqual([name, each]);
      }
      // That an incident begins, and no line for a packet.
      expect(lines() - said).toBeLessThanOrEqual(2);
      const { sent, received } = await pinging.stop();
      expect(received).toBeGreaterThanOrEqual(sent - 1);
    });

    test("of no live call: refused with eBPF, else by the worker; counted either way", async () => {
      const { callId } = await scene.session((await scene.sessions()).sessions[0]?.id ?? 0);
      const refused = await refusals();
      const counted = await counter("data unknown-call");
      const [worker] = (await scene.status()).workers;
      const before = work(worker?.pid ?? 0);
      // The session's own Call ID too: it is the peer's address that does not fit.
      await send([ofCall(callId), ofCall(callId ^ 1)], JUNK / 5, STRANGER);
      const all = counted + JUNK / 5;
      await until("counted", 20, async () => (await counter("data unknown-call")) >= all);
      expect(await counter("data unknown-call")).toBe(all);
      const { wakeUps } = work(worker?.pid ?? 0);
      if (filter === "auto") expect(wakeUps - before.wakeUps).toBeLessThan(JUNK / 500);
      expect((await refusals()) - refused).toBe(filter === "auto" ? JUNK / 5 : 0);
      await first.ping();
    });

    test("other tunnels' GRE is not answered and not called refused as ours", async () => {
      const refused = await refusals();
      await send(Object.values(OTHER_TUNNELS), 100, STRANGER);
      await send([vector("GRE-R")], 1, STRANGER);
      await until("counted", 20, async () => (await refusals()) > refused);
      expect(await refusals()).toBe(refused + 1);
    });

    if (filter === "auto") {
      test("a call's key is in when its OCRP comes, and out when its CDN does", async () => {
        const known = (await refusal()).calls;
        const socket = connect({ host: SERVER, port: 1_723, noDelay: true });
        const messages = messagesOf(socket);
        const says = (type: number, callId: number) => {
          const message = octets(vectors.control_messages.find((one) => one.type === type)?.hex);
          const copy = message.slice();
          if (type !== SCCRQ) new DataView(copy.buffer).setUint16(12, callId);
          socket.write(copy);
        };
        const [from = 0, to = 0] = [parseIpv4(CALLERS), parseIpv4(SERVER)];
        const sends = (callId: number) => {
          const packet = ofCall(callId);
          while (gre.send(packet, 0, packet.length, from, to, true) !== packet.length);
        };
        const strange = () => counter("data unknown-call");
        says(SCCRQ, 0);
        await messages.next();
        const before = await strange();
        // As many as a connection may say in one burst.
        for (let call = 1; call <= 15; call++) {
          says(OCRQ, call);
          const reply = (await messages.next()).value as Buffer;
          const callId = reply.readUInt16BE(12);
          sends(callId);
          expect([reply.readUInt16BE(8), reply[16]]).toEqual([OCRP, 1]);
          says(CCR, call);
          const notice = (await messages.next()).value as Buffer;
          sends(callId);
          expect([notice.readUInt16BE(8), notice.readUInt16BE(12)]).toEqual([CDN, callId]);
        }
        await until("the last one is counted", 20, async () => (await strange()) >= before + 15);
        expect(await strange()).toBe(before + 15);
        expect((await refusal()).calls).toBe(known);
        socket.destroy();
      });
    }

    test("a log-in right after it; the key is out with the hang-up, and with a lost worker", async () => {
      const second = await scene.caller(await scene.addUser(bert));
      await second.ping();
      const session = (await scene.sessions()).sessions.find(({ user }) => user === bert.name);
      const { callId } = await scene.session(session?.id ?? 0);
      const known = filter === "auto" ? 2 : 0;
      expect((await refusal()).calls).toBe(known);
      await second.end();
      await until("hung up", 20, async () => (await scene.sessions()).sessions.length === 1);
      expect((await refusal()).calls).toBe(Math.max(0, known - 1));
      const counted = await counter("data unknown-call");
      await send([ofCall(callId)], 10, CALLERS);
      await until("strangers'", 20, async () => (await counter("data unknown-call")) > counted);
      const [worker] = (await scene.status()).workers;
      process.kill(worker?.pid ?? 0, "SIGKILL");
      await first.ended();
      await until("a new one", 20, async () => {
        const [now] = (await scene.status()).workers;
        return now?.engine !== "" && now?.restarts === 1;
      });
      expect((await refusal()).calls).toBe(0);
      const third = await scene.caller(anna);
      await third.ping();
      expect((await refusal()).calls).toBe(filter === "auto" ? 1 : 0);
      await third.end();
      expect(await scene.stop()).toBe(0);
    });
  });
}

test("every reason of the filter is sent by one of these", () => {
  const sent = [...Object.keys(MALFORMED), ...Object.keys(OTHER_TUNNELS), "unknown-call"];
  expect(sent.sort()).toEqual([...FILTER_REASONS].sort());
});
