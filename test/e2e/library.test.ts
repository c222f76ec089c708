// `holdfast/client` as a program has it: the example of docs/LIBRARY.md, in a namespace, as a process
// that has CAP_NET_RAW and no other capability, against our own server.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostNetns, quote, type Result, until } from "../lab/place.js";
import { isRoot, joined } from "../os/namespace.js";
import { serving } from "./connecting.js";
import type { TestServer } from "./harness.js";
import { kernelDifference, kernelState } from "./kernel-state.js";
import { ONLY_NET_RAW } from "./only-net-raw.js";
import { settled } from "./settled.js";

const ROOT = join(import.meta.dirname, "../..");
const SERVER = "198.51.100.1";
const GATEWAY = "10.99.0.1";

/** The page's blocks of TypeScript, as Node reads them. */
function example(which: 0 | 1): string {
  const page = readFileSync(join(ROOT, "docs/LIBRARY.md"), "utf8");
  const text = [...page.matchAll(/^```ts\n(.*?)^```/gms)][which]?.[1] ?? "";
  const { ModuleKind, ScriptTarget } = ts;
  const compilerOptions = { module: ModuleKind.ES2022, target: ScriptTarget.ES2022 };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

describe.runIf(isRoot)("the library", () => {
  const scratch = isRoot ? mkdtempSync(join(tmpdir(), "hf-library-")) : "";
  let cable: ReturnType<typeof joined>;
  let server: TestServer;
  let place: HostNetns;

  const program = (text: string, password = "secret-Pw1"): Promise<Result> => {
    const file = join(scratch, "program.mjs");
    writeFileSync(file, text);
    const environment = `SERVER=${SERVER} WEB=${GATEWAY} VPN_USER=ann VPN_PASSWORD=${password}`;
    const node = `${ONLY_NET_RAW} ${quote(process.execPath)} ${quote(file)}`;
    return place.exec(`env ${environment} ${node}`, { timeoutS: 30 });
  };

  beforeAll(async () => {
    // As npm would install it.
    mkdirSync(join(scratch, "node_modules"));
    symlinkSync(ROOT, join(scratch, "node_modules/holdfast"));
    cable = joined([`${SERVER}/24`], ["198.51.100.2/24"]);
    await settled(cable.a, cable.b);
    place = new HostNetns(cable.b.name);
    server = await serving(cable.a);
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    cable?.[Symbol.dispose]();
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  it("its example pings through the session with CAP_NET_RAW alone, and nothing is left", async () => {
    const capabilities = await place.exec(`${ONLY_NET_RAW} grep CapEff /proc/self/status`);
    expect(capabilities.stdout).toMatch(/^CapEff:\t0{12}2000$/m);
    const before = await kernelState(place);
    const held = await server.held();
    const { code, stdout, stderr } = await program(example(0));
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^10\.99\.0\.\d+ to 10\.99\.0\.1\nanswered\nended: shutdown\n$/);
    expect(code).toBe(0);
    await server.expectHeld(held);
    expect(kernelDifference(before, await kernelState(place))).toEqual([]);
  });

  it("its second example reads a page through a connection of its own; proxies listen meanwhile", async () => {
    const page = `require("node:http").createServer((_, answer) => answer.end("a page inside")).listen(80)`;
    const web = spawn("ip", ["netns", "exec", cable.a.name, process.execPath, "-e", page]);
    await until("the web server listens", 20, () => cable.a.run("ss", "-Hltn").includes(":80 "));
    const held = await server.held();
    const { code, stdout, stderr } = await program(example(1));
    expect(stderr).toBe("");
    expect(stdout).toMatch(
      /^socks5h:\/\/127\.0\.0\.1:\d+ http:\/\/127\.0\.0\.1:\d+\nHTTP\/1\.1 200 OK\r\n/,
    );
    expect(stdout).toContain("a page inside");
    expect(code).toBe(0);
    await server.expectHeld(held);
    web.kill("SIGKILL");
  });

  it("through a session: what is refused has its reason, and all is given back at its end", async () => {
    const text = `
      import { connect, DialError } from "holdfast/client";
      import { createServer, connect as dialProxy } from "node:net";
      const { SERVER, VPN_USER, VPN_PASSWORD, WEB } = process.env;
      const session = await connect({ server: SERVER, user: VPN_USER, password: VPN_PASSWORD });
      const why = (failure) => console.log(failure.name, failure.reason ?? failure.message);
      await session.dial(WEB, 81).catch(why);
      await session.dial("web.test", 80).catch(why);
      await session.dial("127.0.0.1", 80).catch(why);
      await session.dial(WEB, 0).catch(why);
      const { socks } = await session.proxies({ socks: {} });
      await session.proxies({ http: { port: socks.port } }).catch(why);
      await session.proxies({}).catch(why);
      try { session.packets } catch (failure) { why(failure) }
      const idle = dialProxy(socks.port, socks.address);
      idle.on("error", () => undefined);
      idle.on("close", () => console.log("closed"));
      idle.write(Uint8Array.of(5, 1, 0));
      await new Promise((resolve) => idle.once("data", resolve));
      console.log(await session.close().then(({ held }) => held));
      await session.dial(WEB, 80).catch(why);
    `;
    const { code, stdout, stderr } = await program(text);
    expect(stderr).toBe("");
    expect(
      stdout
        .replaceAll(/:\d{4,5}/g, ":PORT")
        .split("\n")
        .sort(),
    ).toEqual([
      "",
      "0",
      "DialError no-servers",
      "DialError refused",
      "DialError stopped",
      "DialError unreachable",
      "Error packets: dial and proxies read them: use another session for packets",
      expect.stringMatching(/^Error proxies: listen on 127\.0\.0\.1:PORT: EADDRINUSE/),
      "TypeError dial: port: 0 is not from 1 to 65535",
      "TypeError proxies: neither socks nor http is asked for: give one, as { socks: {} }",
      "closed",
    ]);
    expect(code).toBe(0);
  });

  it("a wrong password: a ConnectError with its reason, and the process ends by itself", async () => {
    const { stdout, code } = await program(
      `import { connect, ConnectError } from "holdfast/client";
       const { SERVER, VPN_USER, VPN_PASSWORD } = process.env;
       try {
         await connect({ server: SERVER, user: VPN_USER, password: VPN_PASSWORD });
       } catch (error) {
         console.log(error instanceof ConnectError, error.reason);
       }`,
      "wrong",
    );
    expect(stdout).toBe("true authentication-failed\n");
    expect(code).toBe(0);
  });
});
