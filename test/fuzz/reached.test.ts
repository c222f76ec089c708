// Every decoder and every machine is hunted by some target: what the corpora alone call, by V8's count.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { calledIn } from "./guided/reached.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

let called: Map<string, Map<string, boolean>>;

beforeAll(() => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-reached-"));
  try {
    const own = /^(VITEST|NODE_ENV|TEST$|NODE_V8_COVERAGE)/;
    const kept = Object.entries(process.env).filter(([name]) => !own.test(name));
    const env = { ...Object.fromEntries(kept), NODE_V8_COVERAGE: directory };
    const words = ["test/fuzz/guided/run.mjs", "--seconds", "0"];
    execFileSync(process.execPath, words, { cwd: root, env, stdio: "pipe" });
    called = calledIn(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 240_000);

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((name) => name.endsWith(".ts") && !/\.(test|d)\.ts$/.test(name))
    .filter((name) => statSync(join(root, name)).isFile())
    .sort();
}

/** Functions that a file gives to others, by name. */
function exported(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/^export (?:async )?function\*? (\w+)/gm)].map(([, name = ""]) => name);
}

/** Of the wire: what reads a peer's octets. */
const READS = /^(decode|read|is|find|may|cut)[A-Z]/;
/** Where the machines are, and what of it no corpus calls, with the reason. */
const MACHINES = ["src/core", "src/plane", "src/client/tcp", "src/client/proxy"];
const words = "words for people, made of figures of ours";
const compiled =
  "compiled: the plane's targets run it as the lane, which V8 does not count by function";
const sockets =
  "sockets of Node; what comes from them the targets socks and dns read, and Node's own parser";
const UNREACHED: Readonly<Record<string, string>> = {
  "src/client/proxy/association.ts": sockets,
  "src/client/proxy/destination.ts": sockets,
  "src/client/proxy/http-proxy.ts": sockets,
  "src/client/proxy/joined.ts": sockets,
  "src/client/proxy/name-resolver.ts": sockets,
  "src/client/proxy/proxies.ts": sockets,
  "src/client/proxy/socks-client.ts": sockets,
  "src/core/bulletin/bulletin.ts": words,
  "src/core/bulletin/forms.ts": words,
  "src/core/bulletin/told.ts": words,
  "src/core/guard/incident-report.ts": words,
  "src/core/pptp/collision.ts": "two numbers, each case of them in its own test",
  "src/plane/assembly/cells.ts": compiled,
  "src/plane/assembly/coalesce.ts": compiled,
  "src/plane/assembly/mppe.ts": compiled,
  "src/plane/assembly/receive.ts": compiled,
  "src/plane/assembly/transmit.ts": compiled,
};

describe("reached by the corpora", () => {
  test("whatever in src/wire reads octets", () => {
    const unread = filesIn("src/wire").flatMap((file) => {
      const reads = exported(file).filter((name) => READS.test(name));
      return reads
        .filter((name) => called.get(file)?.get(name) !== true)
        .map((name) => `${file} ${name}`);
    });
    expect(unread).toEqual([]);
  });

  test("every machine: some of its functions in each file", () => {
    const unreached = MACHINES.flatMap(filesIn).filter((file) => {
      const functions = called.get(file);
      if (functions === undefined)
        return /^(export )?(class|function) /m.test(readFileSync(join(root, file), "utf8"));
      return functions.size > 0 && ![...functions.values()].includes(true);
    });
    expect(unreached.sort()).toEqual(Object.keys(UNREACHED));
  });
});
