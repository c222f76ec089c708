import { connect, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseIpv4 } from "../base/ip.js";
import { holdsConnection, treeUsage } from "../os/process-usage.js";
import { runStorm, type StormOptions } from "./storm.js";
import { aim } from "./target.js";

let listener: Server;
let port = 0;
const loopback = parseIpv4("127.0.0.1") ?? 0;
/** Of documentation: nobody has it. */
const elsewhere = parseIpv4("192.0.2.1") ?? 0;

beforeAll(async () => {
  listener = createServer((socket) => {
    socket.on("error", () => {}).resume();
  });
  await new Promise<void>((listening) => listener.listen(0, "127.0.0.1", listening));
  port = (listener.address() as { port: number }).port;
});
afterAll(() => void listener.close());

const target = { server: loopback, port: 1723, operated: false, adminPid: undefined };

test("loopback is taken, and says where from", async () => {
  expect(await aim({ ...target, port })).toEqual({ ok: true, local: loopback });
});

test("another address without an admin socket is refused, and nothing is sent", async () => {
  const refused = await aim({ ...target, server: elsewhere });
  expect(refused).toMatchObject({ ok: false, why: "refused" });
  expect(refused).toHaveProperty("remedy", expect.stringContaining("--i-operate-this-server"));
});

test("a connection is told to end in the process that has it, and in no other", async () => {
  const socket = connect(port, "127.0.0.1");
  await new Promise((connected) => socket.once("connect", connected));
  const peersPort = socket.localPort ?? 0;
  const ends = { address: "127.0.0.1", port, peersAddress: "127.0.0.1", peersPort };
  // Once it is taken, too.
  await expect.poll(() => holdsConnection(process.pid, ends)).toBe(true);
  expect(holdsConnection(process.ppid, ends)).toBe(false);
  expect(holdsConnection(process.pid, { ...ends, peersPort: 1 })).toBe(false);
  socket.destroy();
});

test("a process is seen with its memory, processor and descriptors; one that is gone is not", () => {
  const usage = treeUsage(process.pid);
  expect(usage?.residentOctets).toBeGreaterThan(10_000_000);
  expect(usage?.processorMs).toBeGreaterThan(0);
  expect(usage?.descriptors).toBeGreaterThan(3);
  expect(treeUsage(0x7fff_fff0)).toBeUndefined();
});

test("an unknown scenario, and a source that is not this host's, are refused", async () => {
  const options: StormOptions = {
    ...{ version: "1", server: loopback, port, operated: false, scenarios: ["ack-storm"] },
    ...{ seconds: 1, perSecond: 1, seed: 1, sessions: 1, ramp: 4, credentials: undefined },
    ...{ pid: undefined, admin: undefined, from: [], sessionsFrom: [], say: () => {} },
  };
  for (const foreign of [{ from: [elsewhere] }, { sessionsFrom: [loopback, elsewhere] }]) {
    const refused = await runStorm({ ...options, ...foreign });
    expect(refused).toMatchObject({ ok: false, why: "refused" });
  }
  const named = await runStorm({ ...options, scenarios: ["calm"] });
  expect(named).toMatchObject({
    ok: false,
    why: "usage",
    message: expect.stringMatching(/no scenario calm/),
  });
});
