// What `holdfast storm` refuses before it sends anything, each with its exit code and the way out.
import { createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { storm as bounds } from "../../src/limits/storm.js";
import { fakePort, type Stage, serveFake, stage } from "./support.js";

/** Of documentation: nobody has it. */
const ELSEWHERE = "192.0.2.1";
const room = { storm: () => import("../../src/storm/room.js") };

let on: Stage;
let listener: Server;
let port = "";
let connections = 0;

beforeEach(async () => {
  on = stage();
  connections = 0;
  listener = createServer((socket) => {
    connections++;
    socket.on("error", () => {}).resume();
  });
  await new Promise<void>((listening) => listener.listen(0, "127.0.0.1", listening));
  port = String((listener.address() as { port: number }).port);
});
afterEach(async () => {
  on.dispose();
  await new Promise((closed) => listener.close(closed));
});

const storm = (...words: string[]) => on.run(["storm", ...words], {}, room);

describe("refused, and nothing sent", () => {
  test.each([
    ["no server", [], "no server is named"],
    ["a scenario that there is not", ["127.0.0.1", "--scenario", "calm"], "no scenario calm"],
    ["a row that nothing stands for", ["127.0.0.1", "--scenario", "T-20"], "no scenario T-20"],
    ["no time", ["127.0.0.1", "--seconds", "0"], "--seconds"],
    ["too long", ["127.0.0.1", "--seconds", String(bounds.secondsMax + 1)], "--seconds"],
    ["too fast", ["127.0.0.1", "--rate", String(bounds.packetsPerSecondMax + 1)], "--rate"],
    ["too many", ["127.0.0.1", "--sessions", String(bounds.sessionsMax + 1)], "--sessions"],
    ["too steep", ["127.0.0.1", "--ramp", String(bounds.logInsPerSecondMax + 1)], "--ramp"],
    ["no process", ["127.0.0.1", "--pid", "0"], "--pid"],
    ["no address", ["127.0.0.1", "--from", "here"], "IPv4"],
    ["a server beside --namespace", ["127.0.0.1", "--namespace"], "of its own"],
    ["a user beside --namespace", ["--namespace", "-u", "ann"], "of its own"],
  ])("%s: the command line is wrong", async (_, words, said) => {
    // Whoever would send anything would send it here.
    const { code, out, err } = await storm(...words, "--port", port);
    expect(err).toContain(said);
    expect([code, out, connections > 1]).toEqual([2, "", false]);
  });

  test("an address elsewhere, without a word that it is one's own", async () => {
    const { code, err } = await storm(ELSEWHERE, "--port", port);
    expect(code).toBe(4);
    expect(err).toContain("nothing was sent");
    expect(err).toContain("--i-operate-this-server");
  });

  test("an address elsewhere that the server of the admin socket does not listen at", async () => {
    const admin = await serveFake(on.paths, fakePort());
    try {
      const { code, err } = await storm(ELSEWHERE, "--port", "7", "--state", on.paths.directory);
      expect(code).toBe(4);
      expect(err).toContain("no admin socket of its was opened");
    } finally {
      await admin.close();
    }
  });

  test("a state directory that is named and has no server", async () => {
    const { code } = await storm("127.0.0.1", "--port", port, "--state", on.paths.directory);
    expect([code, connections]).toEqual([3, 0]);
  });

  test.each(["--from", "--sessions-from"])("%s: another host's address", async (option) => {
    const { code, err } = await storm("127.0.0.1", "--port", port, option, ELSEWHERE);
    expect(code).toBe(4);
    expect(err).toContain(`${ELSEWHERE} is no address of this host`);
    // The one that asked whether anybody is there.
    expect(connections).toBeLessThanOrEqual(1);
  });

  test("nobody there: failed, and says so", async () => {
    await new Promise((closed) => listener.close(closed));
    const { code, err } = await storm("127.0.0.1", "--port", port);
    expect(code).toBe(1);
    expect(err).toContain("ECONNREFUSED");
  });
});
