// Profiles, and where the password of a call comes from.
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ConnectOptions } from "../../src/client/connect.js";
import { type Stage, stage } from "./support.js";

let on: Stage;
let file: string;
beforeEach(() => {
  on = stage();
  file = join(dirname(on.paths.directory), "profiles", "profiles.yaml");
});
afterEach(() => on.dispose());

async function connect(words: string[], io = {}) {
  const seen: ConnectOptions[] = [];
  const runConnect = async (options: ConnectOptions) => {
    seen.push(options);
    return 0;
  };
  const ran = await on.run(["connect", ...words], io, { runConnect });
  return { ...ran, asked: seen[0] };
}

describe("holdfast profile", () => {
  const add = ["profile", "add", "office", "vpn.example", "-u", "ann"];

  test("added, listed, shown, called, removed", async () => {
    const words = ["--routes", "10.0.0.0/8", "--mppe", "128,40", "--password-env", "VPN_PASSWORD"];
    expect((await on.run([...add, ...words, "--no-dns"])).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await on.run(["profile", "list"])).out).toMatch(
      /^office +vpn\.example +ann +required +10\.0\.0\.0\/8 +environment$/m,
    );
    const shown = JSON.parse((await on.run(["profile", "show", "office"])).out);
    expect(shown).toEqual({
      ...{ name: "office", server: "vpn.example", user: "ann", mppe: [128, 40], dns: false },
      ...{ routes: ["10.0.0.0/8"], passwordEnv: "VPN_PASSWORD" },
    });
    const { asked } = await connect(["office"]);
    expect(asked).toMatchObject({
      ...{ server: "vpn.example", port: 1723, user: "ann", password: "from the environment" },
      terms: { authentication: ["ms-chap-v2"], encryption: "required", bits: [128, 40] },
      network: { routes: [{ address: 0x0a000000, length: 8 }], dns: false },
    });
    expect((await on.run(["profile", "remove", "office"])).code).toBe(0);
    expect((await on.run(["profile", "list", "--json"])).out).toContain('"profiles": []');
  });

  test("proxies: added, listed, called; the command line's win", async () => {
    const words = ["--socks", "1080", "--http", "192.0.2.7:8080", "--password-env", "VPN_PASSWORD"];
    expect((await on.run([...add, ...words])).code).toBe(0);
    expect((await on.run(["profile", "list"])).out).toMatch(/socks 1080, http 192\.0\.2\.7:8080/);
    const { asked } = await connect(["office", "--socks", "1081"]);
    expect(asked?.proxies).toEqual({
      socks: { address: 0x7f000001, port: 1081 },
      http: { address: 0xc0000207, port: 8080 },
    });
    const { code, err } = await connect(["office", "--routes", "default"]);
    expect([code, err]).toEqual([
      2,
      expect.stringContaining("there is no interface, and no route"),
    ]);
    writeFileSync(file, "profiles:\n  - {name: a, server: h, user: ann, socks: 1080}\n");
    expect((await connect(["a", "--password-env", "VPN_PASSWORD"])).asked?.proxies).toEqual({
      socks: { address: 0x7f000001, port: 1080 },
    });
  });

  test("the command line's words win over the profile's", async () => {
    await on.run([...add, "--password-env", "VPN_PASSWORD", "--port", "99", "--routes", "default"]);
    const words = ["office", "-u", "bob", "--routes", "none", "--password-stdin"];
    const { asked } = await connect(words, { readAll: () => "typed\n" });
    expect(asked).toMatchObject({ user: "bob", port: 99, password: "typed" });
    expect(asked?.network.routes).toBe("none");
  });

  test.each([
    ["a name taken", [...add], [...add], 4, /there is a profile office already/],
    ["none of that name", [...add], ["profile", "show", "home"], 4, /there are: office/],
    ["a name that is none", [], ["profile", "add", "Of fice", "h"], 2, /name: expected lower-case/],
    ["a prefix that is none", [], [...add, "--routes", "10/8"], 2, /10\/8: write an address/],
    ["no place to listen", [], [...add, "--socks", "one:1"], 2, /Not PORT or ADDRESS:PORT/],
    ["proxies and routes", [], [...add, "--http", "1", "--routes", "none"], 2, /no interface/],
    ["no keys to encrypt with", [], [...add, "--auth", "pap"], 2, /gives no keys to encrypt with/],
  ] as [string, string[], string[], number, RegExp][])(
    "%s",
    async (_, before, words, code, says) => {
      if (before.length > 0) await on.run(before);
      const ran = await on.run(words);
      expect(ran.err).toMatch(says);
      expect(ran.code).toBe(code);
    },
  );

  test.each([
    ["- name: a\n    server: h\n    mppe: [127]", /profiles\.yaml:4: profiles\[0\]\.mppe\[0\]/],
    ["- name: a\n    server: h\n    pasword: x", /unknown key under profiles\[0\].*passwordFile/s],
    ["- name: a\n    server: h\n  - name: a\n    server: i", /two profiles are called a/],
    ["- {name: a, server: h, http: x:1}", /http: expected PORT or ADDRESS:PORT/],
    ["- {name: a, server: h, routes: some}", /expected default, none, or a list of IPv4 prefixes/],
  ])("a file that is wrong is refused with line and key: %j", async (text, says) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `profiles:\n  ${text}\n`);
    const ran = await connect(["a", "-u", "x"]);
    expect(ran.err).toMatch(says);
    expect(ran.code).toBe(5);
    expect(readFileSync(file, "utf8")).toContain(text);
  });
});

describe("the password of a call", () => {
  const ann = ["h", "-u", "ann"];

  test.each([
    ["the environment", ["--password-env", "VPN_PASSWORD"], "from the environment"],
    ["a command, first line only", ["--password-command", "printf 'a b\\nc'"], "a b"],
    ["standard input", ["--password-stdin"], "typed"],
  ])("from %s", async (_, words, password) => {
    const { asked } = await connect([...ann, ...words], { readAll: () => "typed\nmore" });
    expect(asked?.password).toBe(password);
  });

  test.each([
    ["no such variable", ["--password-env", "NOPE"], 2, /no variable NOPE/],
    ["a command that fails", ["--password-command", "exit 3"], 1, /command ended with 3/],
    ["a command that says nothing", ["--password-command", "true"], 2, /the password is empty/],
    [
      "two sources",
      ["--password-stdin", "--password-env", "X"],
      2,
      /--password-stdin and --password-env exclude each other/,
    ],
  ])("%s", async (_, words, code, says) => {
    const ran = await connect([...ann, ...words]);
    expect(ran.err).toMatch(says);
    expect(ran.code).toBe(code);
    expect(ran.asked).toBeUndefined();
  });
});
