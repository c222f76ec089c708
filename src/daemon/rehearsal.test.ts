import { describe, expect, test } from "vitest";
import { POLICY, seededRng } from "../../test/ppp/pair.js";
import { ServerBench } from "../../test/sim/server-bench.js";
import type { ServerPolicy } from "../core/server-ports.js";
import { rehearsal as limits } from "../limits.js";
import { troubleWith } from "../store/store-trouble.js";
import { nameFault } from "../store/user-name.js";
import { rehearse } from "./rehearsal.js";

const asked: string[] = [];
const accounts = {
  async secrets([name]: readonly [string, string]) {
    asked.push(name);
    return troubleWith("failed", "nobody has that name");
  },
};

function played(change: Partial<ServerPolicy> = {}) {
  const policy = new ServerBench().policy(change);
  return rehearse({ policy, rng: seededRng(7), accounts });
}

describe("rehearsal", () => {
  test("sessions come up, the store is asked for nobody's name, and nothing is held after", async () => {
    const { logIns, held } = await played();
    expect(logIns).toBeGreaterThan(0);
    expect(logIns).toBeLessThanOrEqual(limits.logInsMax);
    expect(held).toBe(0);
    expect(asked.filter((name) => nameFault(name) === undefined)).toEqual([]);
    expect(asked.length).toBeGreaterThan(0);
  });

  test.each([
    ["no session may be", { sessionsMax: 0 }],
    [
      "neither end offers a method that gives keys, encryption required",
      { profileFor: () => ({ name: "odd", ppp: { ...POLICY, authentication: ["pap"] } }) },
    ],
  ] as const)("%s: none comes up, nothing is held", async (_, change) => {
    expect(await played(change as Partial<ServerPolicy>)).toEqual({ logIns: 0, held: 0 });
  });
});
