import { expect, test } from "vitest";
import { notice as limits } from "../../limits/bulletin.js";
import { type TroubleFacts, Troubles } from "./troubles.js";

const day = 86_400_000;
const now = 1_000 * day;
const well: TroubleFacts = {
  ...{ certificateEndsAt: now + 100 * day, diskFreePercent: 50 },
  ...{ storeInTrouble: false, poolPercent: 10 },
};

function looks(troubles: Troubles, ...facts: Partial<TroubleFacts>[]): string[] {
  return facts.map((more) =>
    troubles
      .look({ ...well, ...more }, now)
      .map(({ event, trouble }) => `${event} ${trouble.kind} ${trouble.value}`)
      .join(),
  );
}

test("each begins once, and ends only once it is clearly better", () => {
  const least = limits.diskFreePercentMin;
  expect(
    looks(
      new Troubles(),
      {},
      { diskFreePercent: least },
      { diskFreePercent: least - 1 },
      { diskFreePercent: 0 },
      { diskFreePercent: least + limits.betterPercent - 1 },
      { diskFreePercent: least + limits.betterPercent },
    ),
  ).toEqual([
    "",
    "",
    `begin disk ${least - 1}`,
    "",
    "",
    `end disk ${least + limits.betterPercent}`,
  ]);
  const most = limits.poolPercentMax;
  expect(
    looks(
      new Troubles(),
      { poolPercent: most - 1 },
      { poolPercent: most },
      { poolPercent: most - limits.betterPercent },
      { poolPercent: most - limits.betterPercent - 1 },
    ),
  ).toEqual(["", `begin pool ${most}`, "", `end pool ${most - limits.betterPercent - 1}`]);
  expect(looks(new Troubles(), { storeInTrouble: true }, { storeInTrouble: true }, {})).toEqual([
    "begin store 1",
    "",
    "end store 0",
  ]);
});

test("a certificate: soon, expired, renewed; one that is not there is no trouble", () => {
  const ends = (at: number | undefined) => ({ certificateEndsAt: at });
  const soon = now + limits.certificateMs - 1;
  expect(
    looks(new Troubles(), ends(soon + 1), ends(soon), ends(now - day), ends(undefined), {}),
  ).toEqual(["", `begin certificate ${soon}`, "", "", `end certificate ${now + 100 * day}`]);
});

test("what an earlier run had told of is not told again, but its end is", () => {
  expect(looks(new Troubles(new Set(["disk"])), { diskFreePercent: 1 }, {})).toEqual([
    "",
    "end disk 50",
  ]);
});
