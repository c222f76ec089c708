import { describe, expect, test } from "vitest";
import { type Action, EVENTS, restartTimerRuns, STATES, transition } from "./automaton.js";

// The figure of RFC 1661 §4.1, typed here a second time in the RFC's own form: (r), (p) and (x)
// are its footnotes.
const FIGURE = `
 Up   |    2     irc,scr/6     -         -         -         -
 Down |    -         -         0       tls/1       0         1
 Open |  tls/1       1     irc,scr/6     3r        5r        5r
 Close|    0       tlf/0       2         2         4         4
  TO+ |    -         -         -         -       str/4     str/5
  TO- |    -         -         -         -       tlf/2     tlf/3
 RCR+ |    -         -       sta/2 irc,scr,sca/8   4         5
 RCR- |    -         -       sta/2 irc,scr,scn/8   4         5
 RCA  |    -         -       sta/2     sta/3       4         5
 RCN  |    -         -       sta/2     sta/3       4         5
 RTR  |    -         -       sta/2     sta/3     sta/4     sta/5
 RTA  |    -         -         2         3       tlf/2     tlf/3
 RUC  |    -         -       scj/2     scj/3     scj/4     scj/5
 RXJ+ |    -         -         2         3         4         5
 RXJ- |    -         -       tlf/2     tlf/3     tlf/2     tlf/3
 RXR  |    -         -         2         3         4         5
=====
 Up   |    -         -         -           -
 Down |    1         1         1         tld/1
 Open |    6         7         8           9r
 Close|irc,str/4 irc,str/4 irc,str/4 tld,irc,str/4
  TO+ |  scr/6     scr/6     scr/8         -
  TO- | tlf/3p    tlf/3p    tlf/3p         -
 RCR+ |  sca/8   sca,tlu/9   sca/8   tld,scr,sca/8
 RCR- |  scn/6     scn/7     scn/6   tld,scr,scn/6
 RCA  |  irc/7     scr/6x  irc,tlu/9   tld,scr/6x
 RCN  |irc,scr/6   scr/6x  irc,scr/8   tld,scr/6x
 RTR  |  sta/6     sta/6     sta/6   tld,zrc,sta/5
 RTA  |    6         6         8       tld,scr/6
 RUC  |  scj/6     scj/7     scj/8     scj/9
 RXJ+ |    6         6         8           9
 RXJ- |  tlf/3     tlf/3     tlf/3   tld,irc,str/5
 RXR  |    6         7         8       ser/9
`;

function rfcCells(): [event: string, state: number, cell: string][] {
  const [left, right] = FIGURE.split("=====");
  const cells: [string, number, string][] = [];
  for (const [half, first] of [
    [left!, 0],
    [right!, 6],
  ] as const) {
    for (const line of half.trim().split("\n")) {
      const [event, row] = line.split("|");
      row!
        .trim()
        .split(/\s+/)
        .forEach((cell, column) => {
          cells.push([event!.trim(), first + column, cell.replace(/[rpx]$/, "")]);
        });
    }
  }
  return cells;
}

describe("RFC 1661 §4.1, cell by cell", () => {
  const cells = rfcCells();

  test("the figure has 16 events in 10 states", () => {
    expect(cells.length).toBe(160);
    expect(new Set(cells.map(([event]) => event))).toEqual(new Set(EVENTS));
  });

  test.each(cells)("%s in state %i: %s", (event, number, cell) => {
    const found = transition(STATES[number]!, event as (typeof EVENTS)[number]);
    const shown =
      found === undefined
        ? "-"
        : `${found.actions.join(",")}${found.actions.length > 0 ? "/" : ""}${STATES.indexOf(found.next)}`;
    expect(shown).toBe(cell);
  });
});

test("tlu always enters Opened, tld always leaves it", () => {
  const has = (actions: readonly Action[], action: Action) => actions.includes(action);
  for (const event of EVENTS) {
    for (const state of STATES) {
      const found = transition(state, event);
      if (found === undefined) continue;
      expect(has(found.actions, "tlu")).toBe(found.next === "Opened" && state !== "Opened");
      expect(has(found.actions, "tld")).toBe(state === "Opened" && found.next !== "Opened");
    }
  }
});

test("wherever a request is sent, the Restart timer runs afterwards", () => {
  for (const event of EVENTS) {
    for (const state of STATES) {
      const found = transition(state, event);
      if (found?.actions.some((action) => action === "scr" || action === "str")) {
        expect(restartTimerRuns(found.next)).toBe(true);
      }
    }
  }
});
