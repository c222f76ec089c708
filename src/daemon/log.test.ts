import { describe, expect, test } from "vitest";
import { Log, type LogDestination, type LogTerms } from "./log.js";
import { LogBudget } from "./log-budget.js";
import { safeFields } from "./log-fields.js";

function memory(isTerminal = false): LogDestination & { lines: string[]; flushed: number } {
  const lines: string[] = [];
  return {
    lines,
    flushed: 0,
    isTerminal,
    write(line) {
      lines.push(line);
    },
    flush() {
      this.flushed++;
    },
  };
}

/** Only these: an escape that a peer sent must stay visible to the test. */
const colours = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g");

function logTo(destination: LogDestination, more: Partial<LogTerms> = {}): Log {
  return new Log({
    level: "info",
    format: "auto",
    linesPerMinute: 100,
    clock: () => 0,
    destination,
    ...more,
  });
}

describe("what a line is", () => {
  test("not a terminal: one JSON object a line, with level and time", () => {
    const out = memory();
    logTo(out).info({ user: "ann", peer: "192.0.2.7" }, "logged in");
    expect(out.lines).toHaveLength(1);
    const line = JSON.parse(out.lines[0] ?? "");
    expect(line).toMatchObject({ level: "info", user: "ann", peer: "192.0.2.7", msg: "logged in" });
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  test("a terminal: readable, on one line", () => {
    const out = memory(true);
    logTo(out).info({ user: "ann" }, "logged in");
    expect(out.lines.join("")).toContain("logged in");
    expect(() => JSON.parse(out.lines[0] ?? "")).toThrow();
    expect(out.lines.join("").trimEnd().split("\n")).toHaveLength(1);
  });

  test("json on a terminal, pretty into a pipe: as configured", () => {
    const [tty, pipe] = [memory(true), memory()];
    logTo(tty, { format: "json" }).info({}, "up");
    logTo(pipe, { format: "pretty" }).info({}, "up");
    expect(JSON.parse(tty.lines[0] ?? "").msg).toBe("up");
    expect(pipe.lines[0]).toContain("INFO");
  });

  test("the level changes at run time, both ways", () => {
    const out = memory();
    const log = logTo(out);
    log.debug({}, "detail");
    log.level = "debug";
    expect(log.writes("debug")).toBe(true);
    log.debug({}, "detail");
    log.level = "error";
    log.warn({}, "careful");
    expect(out.lines.map((line) => JSON.parse(line).msg)).toEqual(["detail"]);
  });
});

describe("what never gets into one", () => {
  test("secrets by name, at any depth", () => {
    const shown = JSON.stringify(
      safeFields({
        password: "a1",
        clearText: "a2",
        peerChallenge: "a3",
        ntResponse: "a4",
        sessionKey: "a5",
        keys: ["a6"],
        account: { ntHash: "a7", name: "ann" },
      }),
    );
    expect(shown).not.toMatch(/a[1-7]/);
    expect(shown).toContain("ann");
  });

  test("octets, whatever they are called", () => {
    expect(safeFields({ thing: Uint8Array.of(1, 2, 3) })).toEqual({ thing: "[3 octets]" });
  });

  test.each([
    ["escape", "\u001b[2J"],
    ["newline", "a\nb"],
    ["right-to-left mark", "a\u202eb"],
    ["line separator", "a\u2028b"],
    ["lone surrogate", "a\ud800b"],
  ])("%s reaches neither JSON nor terminal", (_name, text) => {
    for (const out of [memory(), memory(true)]) {
      logTo(out, { format: out.isTerminal ? "pretty" : "json" }).info({ user: text }, "refused");
      const seen = out.lines.join("").trimEnd().replaceAll(colours, "");
      expect(seen).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}]/u);
    }
  });

  test("text that went through printable() is not escaped again", () => {
    expect(safeFields({ user: "DOMAIN\\u{5c}ann" })).toEqual({ user: "DOMAIN\\u{5c}ann" });
  });

  test("a long value is cut", () => {
    const { user } = safeFields({ user: "x".repeat(100_000) });
    expect(String(user).length).toBeLessThan(600);
  });
});

describe("a flood", () => {
  test("one class: its share a minute, then a count before the next line", () => {
    const out = memory();
    let now = 0;
    const log = logTo(out, { clock: () => now, linesPerMinute: 10 });
    for (let i = 0; i < 1_000; i++) log.warn({ i }, "malformed");
    expect(out.lines).toHaveLength(10);
    log.info({}, "logged in");
    expect(out.lines).toHaveLength(11);
    now = 60_000;
    log.warn({}, "malformed");
    const [summary, line] = out.lines.slice(11).map((text) => JSON.parse(text));
    expect(summary).toMatchObject({ of: "malformed", suppressed: 990, level: "warn" });
    expect(line).toMatchObject({ msg: "malformed" });
  });

  test("that ends: flushing says what was left out, once", () => {
    const out = memory();
    const log = logTo(out, { linesPerMinute: 1 });
    for (let i = 0; i < 5; i++) log.warn({}, "malformed");
    log.flush();
    log.flush();
    const counts = out.lines.map((line) => JSON.parse(line).suppressed).filter(Boolean);
    expect(counts).toEqual([4]);
    expect(out.flushed).toBe(2);
  });

  test("of classes: they share one bucket beyond the bound", () => {
    const budget = new LogBudget(1);
    let written = 0;
    for (let i = 0; i < 10_000; i++) if (budget.admit(`class ${i}`, 0).write) written++;
    expect(written).toBe(257);
  });

  test("lines below the level cost no budget", () => {
    const out = memory();
    const log = logTo(out, { linesPerMinute: 2 });
    for (let i = 0; i < 50; i++) log.trace({}, "packet");
    log.level = "trace";
    log.trace({}, "packet");
    expect(out.lines).toHaveLength(1);
  });

  test("time going backwards takes no tokens and gives none", () => {
    const budget = new LogBudget(2);
    expect(budget.admit("a", 1_000).write).toBe(true);
    expect(budget.admit("a", 0).write).toBe(true);
    expect(budget.admit("a", 0).write).toBe(false);
  });
});

describe("what strangers bring about", () => {
  const budget = () => new LogBudget(100, { source: 2, prefix: 3, server: 4 });

  test("is counted of so many sources: the one not heard of for longest begins anew", () => {
    const admitted = (sourcesMax: number) => {
      const lines = new LogBudget(100, { source: 1, prefix: 50, server: 50 }, sourcesMax);
      const from = (source: string) => lines.admit("call refused", 0, source).write;
      return ["192.0.2.1", "198.51.100.1", "203.0.113.1", "192.0.2.1"].map(from);
    };
    expect(admitted(2)).toEqual([true, true, true, true]);
    expect(admitted(3)).toEqual([true, true, true, false]);
  });

  test("is bounded by source, by /24 and in all: what others bring about goes on", () => {
    const lines = budget();
    const admitted = (source?: string) => lines.admit("log-in refused", 0, source).write;
    const one = ["192.0.2.1", "192.0.2.1", "192.0.2.1"].map(admitted);
    const same24 = ["192.0.2.2", "192.0.2.3"].map(admitted);
    const others = ["198.51.100.1", "203.0.113.1"].map(admitted);
    expect([one, same24, others, admitted()]).toEqual([
      ...[[true, true, false], [true, false], [true, false], true],
    ]);
  });

  test("of all classes together, and what was left out is said", () => {
    const lines = budget();
    for (const line of ["log-in refused", "call refused", "source blocked"]) {
      lines.admit(line, 0, "192.0.2.1");
    }
    expect([...lines.takeSuppressed()]).toEqual([{ lineClass: "source blocked", suppressed: 1 }]);
  });

  test("at info, too: a session's own lines are not crowded out", () => {
    const out = memory();
    const strangersLinesPerMinute = { source: 2, prefix: 3, server: 4 };
    const log = logTo(out, { strangersLinesPerMinute });
    const peer = "192.0.2.1";
    for (let i = 0; i < 5; i++) log.info({ peer }, "call ended without a log-in", "stranger");
    log.info({ peer }, "session ended");
    const said = out.lines.map((line) => JSON.parse(line).msg);
    expect(said).toEqual([...Array(2).fill("call ended without a log-in"), "session ended"]);
  });
});
