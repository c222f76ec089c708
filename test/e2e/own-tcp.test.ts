// Our own TCP through a session of ours against the kernel's TCP behind it: 50 ms there and back, one packet
// in 200 lost each way. `npm run bench:client` has the figure.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostNetns, quote, until } from "../lab/place.js";
import { isRoot, joined } from "../os/namespace.js";
import { compileProgram } from "./compile.js";
import { serving } from "./connecting.js";
import type { TestServer } from "./harness.js";
import { settled } from "./settled.js";
import type { Transferred } from "./transferring-client.js";

const node = quote(process.execPath);
const peer = `${node} ${quote(join(import.meta.dirname, "../lab/guest/transfer.mjs"))}`;
const octets = 4_000_000;

describe.runIf(isRoot)("our own TCP against the kernel's", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-own-tcp-")) : "";
  let cable: ReturnType<typeof joined>;
  let server: TestServer;
  let near: HostNetns;
  let far: HostNetns;
  let program: string;

  beforeAll(async () => {
    program = compileProgram("transferring-client", scratch);
    cable = joined(["198.51.100.1/24"], ["198.51.100.2/24"]);
    await settled(cable.a, cable.b);
    far = new HostNetns(cable.a.name);
    near = new HostNetns(cable.b.name);
    server = await serving(cable.a);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  it.each(["send", "fetch"])("%s: what comes out is what went in", async (verb) => {
    const before = await server.held();
    const listening = far.exec(`${peer} listen 7777`);
    await until("it listens", 20, async () => {
      return (await far.exec("ss -Hltn sport = :7777")).stdout !== "";
    });
    const words = ["198.51.100.1", "ann", "secret-Pw1", verb, "10.99.0.1", 7777, octets, 25, 0.005];
    const here = await near.exec(`${node} ${quote(program)} ${words.join(" ")}`);
    const there = await listening;
    expect(here.stderr).toBe("");
    const transferred = JSON.parse(here.stdout) as Transferred;
    expect(transferred).toMatchObject({ octets, closed: "finished", held: 0 });
    expect(`${transferred.digest}\n`).toBe(there.stdout);
    await server.expectHeld(before);
  });
});
