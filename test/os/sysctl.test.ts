import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  IP_FORWARD,
  IPV6_FORWARDING,
  readSysctl,
  SysctlJournal,
  writeSysctl,
} from "../../src/os/sysctl.js";
import { CompiledOs } from "./compiled.js";
import { isRoot, Namespace } from "./namespace.js";

const directory = mkdtempSync(join(tmpdir(), "hf-sysctl-"));
let compiled: CompiledOs;
beforeAll(() => {
  compiled = new CompiledOs();
});
afterAll(() => {
  compiled[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

let made = 0;
function journalPath(): string {
  return join(directory, `journal-${++made}`);
}

describe.runIf(isRoot)("sysctl journal", () => {
  test("old values are on disk while ours are in force, and back after restore", () => {
    using namespace = new Namespace();
    using _inside = namespace.entered();
    writeSysctl(IP_FORWARD, "0");
    const path = journalPath();
    const journal = new SysctlJournal(path);
    expect(journal.set(IP_FORWARD, "1")).toBeUndefined();
    expect(readSysctl(IP_FORWARD)).toBe("1");
    expect(JSON.parse(readFileSync(path, "utf8")).entries).toMatchObject([
      { key: IP_FORWARD, old: "0", ours: "1" },
    ]);
    expect(journal.restore()).toEqual({ restored: [IP_FORWARD], left: [], failed: [] });
    expect(readSysctl(IP_FORWARD)).toBe("0");
    expect(existsSync(path)).toBe(false);
    expect(journal.restore()).toEqual({ restored: [], left: [], failed: [] });
  });

  test("a value that was there already is not ours to take back", () => {
    using namespace = new Namespace();
    using _inside = namespace.entered();
    writeSysctl(IP_FORWARD, "1");
    const journal = new SysctlJournal(journalPath());
    expect(journal.set(IP_FORWARD, "1")).toBeUndefined();
    journal.restore();
    expect(readSysctl(IP_FORWARD)).toBe("1");
  });

  test("changed by somebody else meanwhile: left as it is", () => {
    using namespace = new Namespace();
    using _inside = namespace.entered();
    const key = "net/ipv6/conf/lo/accept_ra";
    writeSysctl(key, "1");
    const journal = new SysctlJournal(journalPath());
    journal.set(key, "2");
    writeSysctl(key, "0");
    expect(journal.restore()).toMatchObject({ left: [key], restored: [] });
    expect(readSysctl(key)).toBe("0");
  });

  test("an interface that forwarded before all did forwards after", () => {
    using namespace = new Namespace();
    namespace.ip("link", "add", "d0", "type", "veth", "peer", "name", "d1");
    using _inside = namespace.entered();
    for (const [all, one] of [
      [IP_FORWARD, "net/ipv4/conf/d0/forwarding"],
      [IPV6_FORWARDING, "net/ipv6/conf/d0/forwarding"],
    ] as const) {
      writeSysctl(all, "0");
      writeSysctl(one, "1");
      const journal = new SysctlJournal(journalPath());
      journal.set(all, "1");
      journal.restore();
      expect(readSysctl(all)).toBe("0");
      expect(readSysctl(one)).toBe("1");
      expect(readSysctl(one.replace("d0", "lo"))).toBe("0");
    }
  });

  test("killed: the next start puts back what the dead one changed", async () => {
    using namespace = new Namespace();
    using _inside = namespace.entered();
    writeSysctl(IP_FORWARD, "0");
    const path = journalPath();
    const script = compiled.script(
      "change",
      `import { SysctlJournal } from "./os/sysctl.js";
       const failure = new SysctlJournal(process.argv[2]).set("${IP_FORWARD}", "1");
       console.log(failure === undefined ? "set" : JSON.stringify(failure));
       setInterval(() => {}, 1000);`,
    );
    const child = spawn(process.execPath, [script, path], { stdio: ["ignore", "pipe", "inherit"] });
    const said = await new Promise<string>((done) =>
      child.stdout.once("data", (data) => done(String(data))),
    );
    expect(said.trim()).toBe("set");
    const ended = new Promise((done) => child.on("exit", done));
    child.kill("SIGKILL");
    await ended;
    expect(readSysctl(IP_FORWARD)).toBe("1");
    // The test process is a visitor here: its own namespace is another, the child's was this one.
    const here = namespace.run("readlink", "/proc/self/ns/net").trim();
    const journal = new SysctlJournal(path, () => `${boot()} ${here}`);
    expect(journal.recover()).toEqual({ restored: [IP_FORWARD], left: [], failed: [] });
    expect(readSysctl(IP_FORWARD)).toBe("0");
    expect(existsSync(path)).toBe(false);
  });

  test("a record of another boot or namespace is dropped, a strange file is an error", () => {
    using namespace = new Namespace();
    using _inside = namespace.entered();
    writeSysctl(IP_FORWARD, "1");
    const path = journalPath();
    const entries = [{ key: IP_FORWARD, old: "0", ours: "1", followers: [] }];
    writeFileSync(path, JSON.stringify({ version: 1, where: "another boot", entries }));
    expect(new SysctlJournal(path).recover()).toEqual({ restored: [], left: [], failed: [] });
    expect(readSysctl(IP_FORWARD)).toBe("1");
    expect(existsSync(path)).toBe(false);
    for (const text of ["", "{}", '{"version":1,"where":"x","entries":[{"key":1}]}']) {
      writeFileSync(path, text);
      expect(new SysctlJournal(path).recover()).toMatchObject({ kind: "OsError", errno: "EPROTO" });
    }
  });

  test("nothing is changed that could not be recorded", () => {
    using namespace = new Namespace();
    using _inside = namespace.entered();
    writeSysctl(IP_FORWARD, "0");
    const journal = new SysctlJournal("/proc/none/journal");
    expect(journal.set(IP_FORWARD, "1")).toMatchObject({ kind: "OsError" });
    expect(readSysctl(IP_FORWARD)).toBe("0");
  });

  test("a key is a place under /proc/sys and nowhere else", () => {
    for (const key of ["../etc/passwd", "net/../../etc", "/etc/passwd", ""]) {
      expect(writeSysctl(key, "x")).toMatchObject({ errno: "EINVAL" });
    }
  });
});

function boot(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
