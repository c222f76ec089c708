import { expect, test } from "vitest";
import { Counters } from "../base/counters.js";
import { AddressPool } from "../core/access/address-pool.js";
import { Guard } from "../core/guard/guard.js";
import { guard as bounds } from "../limits.js";
import { AccessBackend } from "./access-backend.js";
import type { CoreLoop } from "./core-loop.js";

const A = 0xcb007107;

/** Says no to everything, and counts what it was asked. */
function backend() {
  const asked: string[] = [];
  const authenticator = {
    authenticate: async (name: string) => {
      asked.push(name);
      return { ok: false, code: 691 } as const;
    },
  };
  const pool = new AddressPool({ ranges: [], exclusions: [] });
  const terms = { gateway: 0, dns: [], nbns: [], pendingMax: 100 };
  const reasons = new Counters(100);
  const guard = new Guard();
  const blocked: string[] = [];
  guard.blocked = ({ reason }) => void blocked.push(reason);
  const access = new AccessBackend(authenticator, pool, undefined, terms, reasons, guard);
  // No faster than a source may.
  let now = 0;
  const loop = { clock: () => now, input: () => {} } as unknown as CoreLoop;
  const logIn = async (name: string) => {
    now += 300;
    const question = { kind: "AuthenticationAsked", session: 1, generation: 1, name };
    access.authentication({ ...question, peerAddress: A } as never, loop);
    await new Promise((done) => setImmediate(done));
  };
  return { asked, blocked, reasons, logIn };
}

test("guesses at one account under ever new domains are one user's: held back, and its source is not blocked", async () => {
  const { asked, blocked, reasons, logIn } = backend();
  for (let i = 0; i < 40; i++) await logIn(`DOMAIN${i}\\${i % 2 === 0 ? "zo\u00e9" : "zoe\u0301"}`);
  expect(asked).toHaveLength(bounds.logInFailuresMax);
  expect(reasons.get("held log-in")).toBe(40 - bounds.logInFailuresMax);
  expect(blocked).toEqual([]);
});

test("guesses at many accounts block their source", async () => {
  const { blocked, logIn } = backend();
  for (let i = 0; i <= bounds.blockFailedLogIns; i++) await logIn(`DOMAIN\\user${i}`);
  expect(blocked).toEqual(["failed log-ins"]);
});
