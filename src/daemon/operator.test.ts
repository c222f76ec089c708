// Sessions by pages: each once and in order, with the right total; and a page makes its own alone.
import { describe, expect, test } from "vitest";
import type { SessionInfo } from "../core/server-ports.js";
import { Operator, type OperatorSurroundings } from "./operator.js";

const count = 95;

function operatorOf(asked: number[]): Operator {
  const info = (session: number) =>
    ({
      ...{ session, user: `user${session % 10}`, peerAddress: 0xc6336400 + session },
      ...{ localAddress: 1, framedAddress: 0x0a630000 + session, profile: "default" },
      ...{ encryption: "", calledAt: 5, counters: {}, peersHostName: "", peersVendorString: "" },
      ...{ routes: [], dialogue: [], rate: {} },
    }) as unknown as SessionInfo;
  const server = {
    sessionCount: count,
    *sessions(after = 0) {
      // Numbers of sessions that ended are missing.
      for (let id = 2; id <= 2 * count; id += 2) {
        if (id <= after) continue;
        asked.push(id);
        yield info(id);
      }
    },
  };
  const around = { loop: { server }, wallClockOf: (ms: number) => ms };
  return new Operator(around as unknown as OperatorSurroundings);
}

describe("sessions", () => {
  test("page after page: each once, in order, and no more are made than are told", () => {
    const asked: number[] = [];
    const operator = operatorOf(asked);
    const seen: number[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const page = operator.sessions({ after, most: 10 });
      expect(page.total).toBe(count);
      seen.push(...page.sessions.map(({ id }) => id));
      after = page.next;
    }
    expect(seen).toEqual(Array.from({ length: count }, (_, at) => 2 * (at + 1)));
    // One more than a page, to know that there is one.
    expect(asked.length).toBeLessThanOrEqual(count + Math.ceil(count / 10));
  });

  test("a last page that is full is the last", () => {
    const { sessions, next } = operatorOf([]).sessions({ most: count });
    expect([sessions.length, next]).toEqual([count, null]);
  });

  test("those of a user, of a peer, at an address: all of them counted, by pages too", () => {
    const operator = operatorOf([]);
    const first = operator.sessions({ user: "user4", most: 7 });
    expect([first.sessions.length, first.total]).toEqual([7, 19]);
    const second = operator.sessions({ user: "user4", most: 20, after: first.next ?? 0 });
    expect([second.sessions.length, second.total, second.next]).toEqual([12, 19, null]);
    expect(operator.sessions({ peer: "198.51.100.8", most: 5 }).sessions[0]?.id).toBe(8);
    expect(operator.sessions({ address: "10.99.0.12", most: 5 })).toMatchObject({
      ...{ total: 1, next: null, sessions: [{ id: 12 }] },
    });
    expect(operator.sessions({ user: "nobody", most: 5 })).toEqual({
      sessions: [],
      total: 0,
      next: null,
    });
  });
});
