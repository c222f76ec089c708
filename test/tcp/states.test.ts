// RFC 9293 §3.10, RFC 5961, RFC 7323 §5.3, RFC 5927: every event in every state; LISTEN is not ours. A cell
// says what is answered, the next state where it is another, and in brackets what the user is told.
import { describe, expect, test } from "vitest";
import type { TcpState } from "../../src/client/tcp/contract.js";
import { ByHand, show } from "./by-hand.js";

const states = [
  "SYN-SENT",
  "SYN-RECEIVED",
  "ESTABLISHED",
  "FIN-WAIT-1",
  "FIN-WAIT-2",
  "CLOSE-WAIT",
  "CLOSING",
  "LAST-ACK",
  "TIME-WAIT",
  "CLOSED",
] as const satisfies readonly TcpState[];

/** A number is what the user's call returned. */
type Event = (hand: ByHand) => unknown;
/** By the states it is for; `others`: by all that are not named. */
type Cells = Readonly<Record<string, string>>;

const segments: Readonly<Record<string, readonly [Event, Cells]>> = {
  SYN: [
    (hand) => hand.send("SYN", { at: 0 }),
    { "SYN-SENT": "SYN,ACK → SYN-RECEIVED", others: "ACK", CLOSED: "RST,ACK" },
  ],
  "SYN,ACK": [
    (hand) => hand.send("SYN,ACK", { at: 0 }),
    {
      "SYN-SENT": "ACK → ESTABLISHED (connected)",
      "SYN-RECEIVED": "→ ESTABLISHED (connected)",
      others: "ACK",
      CLOSED: "RST",
    },
  ],
  "SYN in the window": [
    (hand) => hand.send("SYN", { at: hand.theirs + 5 }),
    { "SYN-SENT": "SYN,ACK → SYN-RECEIVED", others: "ACK", CLOSED: "RST,ACK" },
  ],
  "ACK of all": [
    (hand) => hand.send("ACK"),
    {
      "SYN-RECEIVED": "→ ESTABLISHED (connected)",
      "FIN-WAIT-1": "→ FIN-WAIT-2",
      CLOSING: "→ TIME-WAIT (finished)",
      "LAST-ACK": "→ CLOSED (finished)",
      CLOSED: "RST",
      others: "nothing",
    },
  ],
  "ACK of what was never sent": [
    (hand) => hand.send("ACK", { ack: hand.ours + 1 }),
    { "SYN-SENT SYN-RECEIVED CLOSED": "RST", others: "ACK" },
  ],
  "ACK older than any window": [
    (hand) => hand.send("ACK", { ack: hand.ours - 2_000_000 }),
    { "SYN-SENT SYN-RECEIVED CLOSED": "RST", others: "ACK" },
  ],
  "RST at the next number": [
    (hand) => hand.send("RST"),
    {
      "SYN-SENT": "nothing",
      "SYN-RECEIVED": "→ CLOSED (refused)",
      "TIME-WAIT": "→ CLOSED",
      CLOSED: "nothing",
      others: "→ CLOSED (reset)",
    },
  ],
  "RST,ACK at the next number": [
    (hand) => hand.send("RST,ACK"),
    {
      "SYN-SENT SYN-RECEIVED": "→ CLOSED (refused)",
      "TIME-WAIT": "→ CLOSED",
      CLOSED: "nothing",
      others: "→ CLOSED (reset)",
    },
  ],
  "RST elsewhere in the window": [
    (hand) => hand.send("RST,ACK", { at: hand.theirs + 1 }),
    { "SYN-SENT": "→ CLOSED (refused)", CLOSED: "nothing", others: "ACK" },
  ],
  "RST outside the window": [
    (hand) => hand.send("RST", { at: hand.theirs - 10 }),
    { others: "nothing" },
  ],
  FIN: [
    (hand) => hand.send("FIN,ACK"),
    {
      "SYN-RECEIVED": "ACK → CLOSE-WAIT (connected, ended)",
      ESTABLISHED: "ACK → CLOSE-WAIT (ended)",
      "FIN-WAIT-1 FIN-WAIT-2": "ACK → TIME-WAIT (ended, finished)",
      CLOSING: "→ TIME-WAIT (finished)",
      "LAST-ACK": "→ CLOSED (finished)",
      CLOSED: "RST",
      others: "nothing",
    },
  ],
  "FIN that does not acknowledge ours": [
    (hand) => hand.send("FIN,ACK", { ack: hand.ours - 1 }),
    {
      "SYN-SENT SYN-RECEIVED CLOSED": "RST",
      ESTABLISHED: "ACK → CLOSE-WAIT (ended)",
      "FIN-WAIT-1": "ACK → CLOSING (ended)",
      "FIN-WAIT-2": "ACK → TIME-WAIT (ended, finished)",
      others: "nothing",
    },
  ],
  "FIN sent again": [
    (hand) => hand.send("FIN,ACK", { at: hand.theirs - 1 }),
    { "SYN-SENT": "nothing", CLOSED: "RST", others: "ACK" },
  ],
  text: [(hand) => hand.send("ACK", { data: 100 }), text()],
  "urgent text": [(hand) => hand.send("URG,ACK", { data: 100 }), text()],
  "text after a gap": [
    (hand) => hand.send("ACK", { at: hand.theirs + 50, data: 50 }),
    {
      "SYN-RECEIVED": "ACK → ESTABLISHED (connected)",
      "ESTABLISHED FIN-WAIT-2": "ACK",
      "FIN-WAIT-1": "ACK → FIN-WAIT-2",
      CLOSING: "→ TIME-WAIT (finished)",
      "LAST-ACK": "→ CLOSED (finished)",
      CLOSED: "RST",
      others: "nothing",
    },
  ],
  "text beyond the window": [
    (hand) => hand.send("ACK", { at: 1_000_000, data: 50 }),
    { "SYN-SENT": "nothing", CLOSED: "RST", others: "ACK" },
  ],
  "text without ACK": [
    (hand) => hand.send("PSH", { data: 100 }),
    { CLOSED: "RST,ACK", others: "nothing" },
  ],
  "text with an older timestamp": [
    (hand) => hand.send("ACK", { data: 100, stamp: 5_000 }),
    { "SYN-SENT": "nothing", CLOSED: "RST", others: "ACK" },
  ],
  "text without a timestamp": [
    (hand) => hand.send("ACK", { data: 100, stamp: false }),
    { CLOSED: "RST", others: "nothing" },
  ],
};

const calls: Readonly<Record<string, readonly [Event, Cells]>> = {
  SEND: [
    (hand) => hand.connection.write(new Uint8Array(100)),
    {
      "SYN-SENT SYN-RECEIVED": "100",
      "ESTABLISHED CLOSE-WAIT": "100 ACK [1,101)",
      others: "0",
    },
  ],
  RECEIVE: [
    (hand) => {
      hand.send("ACK", { data: 100 });
      return hand.connection.read(60)?.length ?? 0;
    },
    {
      "SYN-SENT CLOSE-WAIT TIME-WAIT": "0",
      "SYN-RECEIVED": "60 → ESTABLISHED (connected, readable)",
      "ESTABLISHED FIN-WAIT-2": "60 (readable)",
      "FIN-WAIT-1": "60 → FIN-WAIT-2 (readable)",
      CLOSING: "0 → TIME-WAIT (finished)",
      "LAST-ACK": "0 → CLOSED (finished)",
      CLOSED: "0 RST",
    },
  ],
  // DEVIATION 73: in SYN-SENT and SYN-RECEIVED the FIN waits for the connection.
  CLOSE: [
    (hand) => hand.connection.end(),
    {
      ESTABLISHED: "FIN,ACK → FIN-WAIT-1",
      "CLOSE-WAIT": "FIN,ACK → LAST-ACK",
      others: "nothing",
    },
  ],
  ABORT: [
    (hand) => hand.connection.abort(),
    {
      "SYN-SENT": "→ CLOSED (aborted)",
      "TIME-WAIT": "→ CLOSED",
      CLOSED: "nothing",
      others: "RST,ACK → CLOSED (aborted)",
    },
  ],
  "the stack's end": [
    (hand) => hand.stack.close(),
    {
      "SYN-SENT": "→ CLOSED (stopped)",
      "TIME-WAIT": "→ CLOSED",
      CLOSED: "nothing",
      others: "RST,ACK → CLOSED (stopped)",
    },
  ],
};

const errors: Readonly<Record<string, readonly [Event, Cells]>> = {
  // DEVIATION 74: before the SYN's answer it ends the attempt, later it may be forged.
  "port unreachable": [
    (hand) => hand.icmp(3, 3),
    { "SYN-SENT": "→ CLOSED (unreachable)", others: "nothing" },
  ],
  "host unreachable": [
    (hand) => hand.icmp(3, 1),
    { "SYN-SENT": "→ CLOSED (unreachable)", others: "nothing" },
  ],
  "time exceeded": [(hand) => hand.icmp(11, 0), { others: "nothing" }],
  "source quench": [(hand) => hand.icmp(4, 0), { others: "nothing" }],
  "fragmentation needed": [
    (hand) => hand.icmp(3, 4, hand.ours - 1, 600),
    { "FIN-WAIT-1 CLOSING LAST-ACK": "FIN,ACK", others: "nothing" },
  ],
  "about what is not in flight": [(hand) => hand.icmp(3, 3, hand.ours + 10), { others: "nothing" }],
};

const times: Readonly<Record<string, readonly [Event, Cells]>> = {
  "one time-out": [
    (hand) => hand.pass(1_100),
    {
      "SYN-SENT": "SYN",
      "SYN-RECEIVED": "SYN,ACK",
      "FIN-WAIT-1 CLOSING LAST-ACK": "FIN,ACK",
      others: "nothing",
    },
  ],
  "TIME-WAIT's": [
    (hand) => hand.pass(61_000),
    {
      "SYN-SENT": "SYN",
      "SYN-RECEIVED": "SYN,ACK",
      "FIN-WAIT-1 CLOSING LAST-ACK": "FIN,ACK",
      "TIME-WAIT": "→ CLOSED",
      others: "nothing",
    },
  ],
  "all of them": [
    (hand) => hand.pass(660_000),
    {
      "SYN-SENT": "SYN → CLOSED (timed-out)",
      "SYN-RECEIVED": "SYN,ACK RST,ACK → CLOSED (timed-out)",
      "FIN-WAIT-1 CLOSING LAST-ACK": "FIN,ACK RST,ACK → CLOSED (timed-out)",
      "FIN-WAIT-2": "RST,ACK → CLOSED (timed-out)",
      "TIME-WAIT": "→ CLOSED",
      others: "nothing",
    },
  ],
};

/** Text may come with the acknowledgment that moves the state on. */
function text(): Cells {
  return {
    "SYN-RECEIVED": "→ ESTABLISHED (connected, readable)",
    "ESTABLISHED FIN-WAIT-2": "(readable)",
    "FIN-WAIT-1": "→ FIN-WAIT-2 (readable)",
    CLOSING: "→ TIME-WAIT (finished)",
    "LAST-ACK": "→ CLOSED (finished)",
    CLOSED: "RST",
    others: "nothing",
  };
}

function outcome(state: TcpState, event: Event): string {
  const hand = new ByHand().reach(state);
  const returned = event(hand);
  const answers = new Set(hand.answers().map((segment) => show(hand, segment)));
  const said = [
    ...(typeof returned === "number" ? [returned] : []),
    ...answers,
    ...(hand.connection.state === state ? [] : [`→ ${hand.connection.state}`]),
    ...(hand.told.length === 0 ? [] : [`(${hand.told.join(", ")})`]),
  ].join(" ");
  // In whatever state: nothing is kept once the stack has ended.
  hand.stack.close();
  expect(hand.ledger.size).toBe(0);
  return said === "" ? "nothing" : said;
}

function cellOf(cells: Cells, state: TcpState): string | undefined {
  const named = Object.keys(cells).filter((names) => names.split(" ").includes(state));
  expect(named.length, `cells of ${state}`).toBeLessThanOrEqual(1);
  return cells[named[0] ?? "others"];
}

describe.each([
  ["SEGMENT ARRIVES", segments],
  ["the user's calls", calls],
  ["ICMP", errors],
  ["time-outs", times],
] as const)("%s", (_, grid) => {
  test.each(Object.entries(grid))("%s", (_, [event, cells]) => {
    const found = states.map((state) => [state, outcome(state, event)]);
    expect(found).toEqual(states.map((state) => [state, cellOf(cells, state)]));
  });
});
