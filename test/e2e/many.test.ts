// Hundreds of sessions at once from as many addresses, by the load client of benchmarks/: all up and
// encrypted, all ended in order, and ledger and kernel as before the first.
import { describe, expect, test } from "vitest";
import { Scene } from "../../benchmarks/scene.js";
import { isRoot } from "../os/namespace.js";

const SESSIONS = 300;

describe.runIf(isRoot)("many sessions at once", () => {
  test("several calls a connection: none lost, nothing left", { timeout: 180_000 }, async () => {
    const terms = { sessions: SESSIONS, callsPerConnection: 3, concurrency: 30 };
    await using scene = await Scene.started(terms);
    const before = await scene.server.held();
    const { connections, milliseconds } = await scene.raise(SESSIONS);
    expect(connections).toBe(SESSIONS / 3);
    expect(milliseconds).toHaveLength(SESSIONS);
    const { sessions, ledger } = await scene.server.status();
    expect(sessions.now).toBe(SESSIONS);
    expect(ledger.byKind).toMatchObject({
      callId: SESSIONS,
      flowSlot: SESSIONS,
      address: SESSIONS,
    });
    await scene.end(SESSIONS);
    await scene.server.expectHeld(before, 30);
    expect(await scene.server.stop()).toBe(0);
  });
});
