// T-35 on the wire: `holdfast connect` to servers that say what no server may, and our own server's
// session while forged GRE comes from its address. Nothing is held in the end, here or in the kernel.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { openGreSockets } from "../../src/os/gre-socket.js";
import { sampleOctets } from "../control-peer.js";
import { vectorsOf } from "../fuzz/corpus.js";
import { pingsAnswered, pingWords } from "../lab/ping.js";
import { HostNetns, until } from "../lab/place.js";
import { held, isRoot, joined } from "../os/namespace.js";
import { Connecting, serving } from "./connecting.js";
import type { TestServer } from "./harness.js";
import { kernelDifference, kernelState } from "./kernel-state.js";
import { settled } from "./settled.js";

const SERVER = "198.51.100.1";
const CLIENT = "198.51.100.2";
const started = sampleOctets("StartControlConnectionReply");
const cookie = started.slice().fill(0, 4, 8);
const endless = started.slice().fill(0xff, 0, 2);
const strangersCall = sampleOctets("OutgoingCallReply", { callId: 77, peersCallId: 0 });

/** What each port of the rogue's says as soon as somebody connects; then it hangs up. */
const said: readonly (readonly Uint8Array[])[] = [
  [cookie],
  [endless],
  [started, started, strangersCall],
  [started, new Uint8Array(4_096).fill(0xa5)],
  ...vectorsOf("control")
    .filter(({ id }) => id.startsWith("CTL-LEN-"))
    .slice(0, 2)
    .map(({ send }) => send),
];
const FIRST_PORT = 2_000;
const rogue = `
  const said = ${JSON.stringify(said.map((all) => Buffer.concat(all).toString("hex")))};
  said.forEach((hex, at) => require("node:net").createServer((one) => {
    one.on("error", () => {});
    one.end(Buffer.from(hex, "hex"));
  }).listen(${FIRST_PORT} + at));`;

describe.runIf(isRoot)("hostile servers", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-hostile-")) : "";
  let cable: ReturnType<typeof joined>;
  let server: TestServer;
  let others: ChildProcess | undefined;

  const start = (...words: string[]) =>
    new Connecting(cable.b, scratch, "secret-Pw1", [SERVER, "-u", "ann", "--once", ...words]);

  beforeAll(async () => {
    cable = joined([`${SERVER}/24`], [`${CLIENT}/24`]);
    await settled(cable.a, cable.b);
    others = spawn("ip", ["netns", "exec", cable.a.name, process.execPath, "-e", rogue]);
    server = await serving(cable.a);
    const last = `:${FIRST_PORT + said.length - 1} `;
    await until("the rogue listens", 20, () => cable.a.run("ss", "-Hltn").includes(last));
  });
  afterAll(async () => {
    others?.kill();
    await server?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  it("each ends the call with a verdict, and nothing is left", async () => {
    const place = new HostNetns(cable.b.name);
    const before = await kernelState(place);
    for (const at of said.keys()) {
      await using client = start("--port", String(FIRST_PORT + at));
      expect(await client.exit, `port ${FIRST_PORT + at}`).toBeGreaterThanOrEqual(10);
      expect(client.out).toMatch(/^ended {2}held 0$/m);
      expect(client.err).toMatch(/^Remedy: /m);
      expect(client.out + client.err).not.toContain("fault of ours");
    }
    expect(kernelDifference(before, await kernelState(place))).toEqual([]);
  });

  it("forged GRE from the server's own address, with the call's own ID: the session goes on", async () => {
    await using client = start();
    await client.up();
    const [session] = (await server.sessions()).sessions;
    const { peersCallId } = await server.session(session?.id ?? 0);
    using gre = cable.a.inside(() => held(openGreSockets()));
    for (let times = 0; times < 50; times++) {
      for (const packet of vectorsOf("gre").flatMap(({ send }) => send)) {
        const forged = new Uint8Array(new ArrayBuffer(Math.max(packet.length, 1)));
        forged.set(packet);
        if (forged.length >= 8) new DataView(forged.buffer).setUint16(6, peersCallId);
        gre.send(forged, 0, packet.length, parseIpv4(SERVER)!, parseIpv4(CLIENT)!, true);
      }
    }
    // GRE has no proof of its sender, but what decrypts has: the session finds its place by the next
    // packet (G-10).
    const place = new HostNetns(cable.b.name);
    const { stdout } = await place.exec(pingWords("10.99.0.1").join(" "));
    expect(pingsAnswered(stdout)).toBe(3);
    expect(await client.stop()).toBe(0);
    expect(client.out).toMatch(/^ended {2}held 0$/m);
  });
});
