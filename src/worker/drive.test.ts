import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Instant, instant } from "../base/instant.js";
import type { PlaneCommand } from "../wire/worker-link.js";
import { Drive, type Machine } from "./drive.js";

/** Puts out what it is told to, and notes when it is called. */
class Script implements Machine<string, string> {
  plane: PlaneCommand[] = [];
  sent: string[] = [];
  events: string[] = [];
  at: number | undefined;
  timeouts: number[] = [];

  pollPlane = () => this.plane.shift();
  pollTransmit = () => this.sent.shift();
  pollEvent = () => this.events.shift();
  pollTimeout = () => (this.at === undefined ? undefined : { at: instant(this.at) });
  handleTimeout(now: Instant): void {
    this.timeouts.push(now);
    if (this.at !== undefined && now >= this.at) this.at = undefined;
  }
}

let now = 0;
const ping = (nonce: number): PlaneCommand => ({ kind: "Ping", nonce });

function drive(script: Script, onEvent: (event: string) => void = () => {}) {
  const seen: string[] = [];
  const driven = new Drive<Script, string, string>(
    script,
    {
      plane: (command) => void seen.push(command.kind),
      transmit: (octets) => void seen.push(octets),
      event: (event) => {
        seen.push(event);
        onEvent(event);
      },
    },
    () => instant(now),
  );
  return { driven, seen };
}

function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed++) {
    now++;
    vi.advanceTimersByTime(1);
  }
}

beforeEach(() => {
  now = 0;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("data path first, then octets, then events", () => {
  const script = new Script();
  const { driven, seen } = drive(script);
  driven.input((machine) => {
    machine.events.push("event");
    machine.sent.push("octets");
    machine.plane.push(ping(1));
  });
  expect(seen).toEqual(["Ping", "octets", "event"]);
});

test("an input while draining is taken by the drain under way, not inside it", () => {
  const script = new Script();
  const { driven, seen } = drive(script, (event) => {
    if (event !== "first") return;
    driven.input((machine) => {
      machine.events.push("third");
      machine.plane.push(ping(1));
    });
    seen.push("back");
  });
  driven.input((machine) => void machine.events.push("first", "second"));
  expect(seen).toEqual(["first", "back", "Ping", "second", "third"]);
});

test("one timer, moved when the deadline moves, never early", () => {
  const script = new Script();
  const { driven } = drive(script);
  driven.input((machine) => {
    machine.at = 50;
  });
  driven.input((machine) => {
    machine.at = 20.5;
  });
  expect(vi.getTimerCount()).toBe(1);
  pass(20);
  expect(script.timeouts).toEqual([]);
  pass(1);
  expect(script.timeouts).toEqual([21]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a deadline beyond the longest sleep: looked at on the way, met on time", () => {
  const script = new Script();
  const { driven } = drive(script);
  driven.input((machine) => {
    machine.at = 130_000;
  });
  pass(130_000);
  expect(script.timeouts.at(-1)).toBe(130_000);
  expect(script.at).toBeUndefined();
});

test("disposed: no timer, no input, and what was left is not carried out", () => {
  const script = new Script();
  const { driven, seen } = drive(script, (event) => {
    if (event === "end") driven[Symbol.dispose]();
  });
  driven.input((machine) => {
    machine.at = 10;
    machine.events.push("end", "more");
  });
  driven.input((machine) => void machine.events.push("later"));
  pass(100);
  expect(seen).toEqual(["end"]);
  expect(script.timeouts).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
