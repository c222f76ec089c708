// Ten thousand sessions listed over HTTP by the operator's own code: page by page, none of them large, and what
// else the process has to do is done in between. `npm run bench:console` has the figures, of a real server.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SessionsPage } from "../../src/console/contract.js";
import type { SessionInfo } from "../../src/core/server-ports.js";
import { Operator, type OperatorSurroundings } from "../../src/daemon/operator.js";
import { Served } from "./support.js";

const count = 10_000;
/** Far above what a page takes, far below what all of them at once do. */
const lateMost = 200;

function infoOf(session: number): SessionInfo {
  return {
    ...{ session, user: `user${session % 100}`, peerAddress: 0xc6336400 + session },
    ...{ localAddress: 1, framedAddress: 0x0a630000 + session, profile: "default" },
    ...{ encryption: "MPPE-128 stateless", calledAt: 5, upAt: 6, routes: [], dialogue: [] },
    ...{ peersHostName: "peer", peersVendorString: "vendor", rate: {} },
    counters: {
      ...{ receivedPackets: 1, receivedOctets: 2, sentPackets: 3, sentOctets: 4, dropped: 0 },
      ...{ overRateUp: 0, overRateDown: 0, lost: 0, reordered: 0, roundTripMs: 1, idleMs: 0 },
    },
  } as unknown as SessionInfo;
}

const infos = Array.from({ length: count }, (_, at) => infoOf(at + 1));

let served: Served;
beforeEach(async () => {
  served = await Served.started();
  const server = {
    sessionCount: count,
    *sessions(after = 0) {
      yield* infos.slice(after);
    },
  };
  const around = { loop: { server }, wallClockOf: (ms: number) => ms };
  const operator = new Operator(around as unknown as OperatorSurroundings);
  served.port.sessions = (query) => operator.sessions(query);
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
});

/** Of this process, all threads of it: what others take of the processor meanwhile is not its. */
function ranMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** How late a timer of 5 ms was at most while `act` ran, as far as this process ran itself meanwhile. */
async function lateness(act: () => Promise<void>): Promise<number> {
  let [before, ran, worst] = [performance.now(), ranMs(), 0];
  const timer = setInterval(() => {
    const [now, runs] = [performance.now(), ranMs()];
    worst = Math.max(worst, Math.min(now - before - 5, runs - ran));
    [before, ran] = [now, runs];
  }, 5);
  await act();
  // One that was still due.
  await new Promise((done) => setTimeout(done, 10));
  clearInterval(timer);
  return worst;
}

test("all of them, in pages of a thousand: each once, and no timer waits for the list", async () => {
  const token = await served.token("viewer");
  const seen: number[] = [];
  let pages = 0;
  const late = await lateness(async () => {
    for (let after: number | null = 0; after !== null; pages++) {
      const reply = await served.ask("GET", `/v1/sessions?most=1000&after=${after}`, token);
      expect(reply.status).toBe(200);
      const page = JSON.parse(reply.text) as SessionsPage;
      expect(page.total).toBe(count);
      seen.push(...page.sessions.map(({ id }) => id));
      after = page.next;
    }
  });
  expect(seen).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  expect(pages).toBe(10);
  expect(late).toBeLessThan(lateMost);
});

test("of a user among them: all are looked at, and no timer waits for it either", async () => {
  const token = await served.token("viewer");
  const late = await lateness(async () => {
    const reply = await served.ask("GET", "/v1/sessions?user=user7&most=1000", token);
    expect((JSON.parse(reply.text) as SessionsPage).total).toBe(count / 100);
  });
  expect(late).toBeLessThan(lateMost);
});

test("all of them in one answer is refused: that is what would keep the process from the rest", async () => {
  const reply = await served.ask("GET", `/v1/sessions?most=${count}`, await served.token("viewer"));
  expect(reply.status).toBe(400);
});

test("the measure sees what keeps the process", async () => {
  const late = await lateness(async () => {
    const until = ranMs() + lateMost + 50;
    while (ranMs() < until);
  });
  expect(late).toBeGreaterThan(lateMost);
});
