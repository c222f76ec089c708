// `holdfast connect` as somebody types it: what it says when there is no session, and that it leaves
// nothing behind.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostNetns } from "../lab/place.js";
import { isRoot, joined } from "../os/namespace.js";
import { TestServer } from "./harness.js";
import { kernelDifference, kernelState } from "./kernel-state.js";
import { settled } from "./settled.js";

const SERVER = "198.51.100.1";
const main = join(import.meta.dirname, "../../dist/cli/main.js");

describe.runIf(isRoot)("holdfast connect", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-connect-")) : "";
  let cable: ReturnType<typeof joined>;
  let server: TestServer;

  const connect = (password: string, ...words: string[]) => {
    const file = join(scratch, "password");
    writeFileSync(file, `${password}\n`, { mode: 0o600 });
    const argv = ["netns", "exec", cable.b.name, process.execPath, main, "connect", ...words];
    return spawnSync("ip", [...argv, "--password-file", file], {
      encoding: "utf8",
      timeout: 40_000,
    });
  };

  beforeAll(async () => {
    cable = joined([`${SERVER}/24`], ["198.51.100.2/24"]);
    await settled(cable.a, cable.b);
    server = await TestServer.start({
      place: new HostNetns(cable.a.name),
      config: { addresses: { pool: ["10.99.0.0/24"] }, client: { dns: [] } },
      users: [{ name: "ann", password: "secret-Pw1" }],
    });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  const rows: [string, string, string[], number, RegExp, RegExp][] = [
    [
      "a wrong password",
      "wrong",
      [SERVER, "--user", "ann"],
      1,
      /the log-in was refused/,
      /check name and password/,
    ],
    [
      "a name that is not there",
      "secret-Pw1",
      [SERVER, "--user", "nobody"],
      1,
      /the log-in was refused/,
      /check name and password/,
    ],
    [
      "no encryption where it is required",
      "secret-Pw1",
      [SERVER, "--user", "ann", "--encryption", "none"],
      1,
      /there was no session: [a-z-]+$/m,
      /it may want encryption/,
    ],
    [
      "nobody listens",
      "x",
      [SERVER, "--user", "ann", "--port", "1724"],
      1,
      /connect to 198\.51\.100\.1:1724: ECONNREFUSED/,
      /see that a server runs on 198\.51\.100\.1/,
    ],
    [
      "no route",
      "x",
      ["203.0.113.9", "--user", "ann"],
      1,
      /connect to 203\.0\.113\.9:1723: ENETUNREACH/,
      /ip route get 203\.0\.113\.9/,
    ],
    [
      "no such name",
      "x",
      ["no-host.invalid", "--user", "ann"],
      1,
      /no-host\.invalid has no IPv4 address/,
      /check the name/,
    ],
    [
      "an interface that is there",
      "x",
      [SERVER, "--user", "ann", "--tun", "veth0"],
      6,
      /EBUSY: veth0/,
      /another one with --tun/,
    ],
  ];
  it.each(rows)("%s: said with the remedy, nothing left", async (...row) => {
    const [, password, words, code, message, remedy] = row;
    const place = new HostNetns(cable.b.name);
    const before = await kernelState(place);
    const { status, stderr, stdout } = connect(password, ...words);
    expect(stderr).toMatch(message);
    expect(/^Remedy: (.*)$/m.exec(stderr)?.[1]).toMatch(remedy);
    expect(`${stdout}${stderr}`).not.toContain("fault of ours");
    expect(status).toBe(code);
    if (stdout !== "") expect(stdout).toMatch(/^ended .* held 0$/m);
    expect(kernelDifference(before, await kernelState(place))).toEqual([]);
  });
});
