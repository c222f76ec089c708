import { describe, expect, test } from "vitest";
import { web } from "../limits/web.js";
import { Log } from "./log.js";
import { LogTail } from "./log-tail.js";

describe("the log's newest lines", () => {
  test("those after a number, of a bounded number, each of a bounded length", () => {
    const tail = new LogTail(() => 7);
    for (let at = 0; at < web.logLinesMax + 5; at++) tail.put("info", { at }, "line");
    const all = tail.after(0);
    expect(all).toHaveLength(web.logLinesMax);
    expect(all[0]).toEqual({ number: 6, at: 7, level: "info", line: "line", fields: '{"at":5}' });
    expect(tail.after(web.logLinesMax + 4).map(({ number }) => number)).toEqual([
      web.logLinesMax + 5,
    ]);
    tail.put("warn", { long: "x".repeat(10_000) }, "line");
    expect(tail.after(0).at(-1)?.fields).toHaveLength(web.logLineCharactersMax);
  });

  test("are those that were written: by level, within the budget, without what is kept out", () => {
    const written: string[] = [];
    const destination = {
      isTerminal: false,
      write: (line: string) => void written.push(line),
      flush: () => {},
    };
    using log = new Log({
      ...{ level: "info", format: "json", linesPerMinute: 3, clock: () => 0, destination },
    });
    log.debug({}, "unseen");
    log.info({ user: "eve\u001b[2J", password: "s3cret" }, "logged in");
    for (let at = 0; at < 9; at++) log.warn({ at }, "many");
    log.flush();
    const lines = log.tail.after(0);
    expect(lines.map(({ line }) => line)).toEqual([
      "logged in",
      "many",
      "many",
      "many",
      "6 lines suppressed",
    ]);
    expect(lines).toHaveLength(written.length);
    expect(lines[0]?.fields).toBe('{"user":"eve\\\\u{1b}[2J","password":"[kept out]"}');
  });
});
