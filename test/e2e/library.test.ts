// `holdfast/client` as a program has it: the example of docs/LIBRARY.md, in a namespace, as a process
// that has CAP_NET_RAW and no other capability, against our own server.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostNetns, quote, type Result } from "../lab/place.js";
import { isRoot, joined } from "../os/namespace.js";
import { serving } from "./connecting.js";
import type { TestServer } from "./harness.js";
import { kernelDifference, kernelState } from "./kernel-state.js";
import { ONLY_NET_RAW } from "./only-net-raw.js";
import { settled } from "./settled.js";

const ROOT = join(import.meta.dirname, "../..");
const SERVER = "198.51.100.1";

/** The example's first block of TypeScript, as Node reads it. */
function example(): string {
  const [, text = ""] = /^```ts\n(.*?)^```/ms.exec(
    readFileSync(join(ROOT, "docs/LIBRARY.md"), "utf8"),
  ) ?? [undefined];
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
    const environment = `SERVER=${SERVER} VPN_USER=ann VPN_PASSWORD=${password}`;
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
    const { code, stdout, stderr } = await program(example());
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^10\.99\.0\.\d+ to 10\.99\.0\.1\nanswered\nended: shutdown\n$/);
    expect(code).toBe(0);
    await server.expectHeld(held);
    expect(kernelDifference(before, await kernelState(place))).toEqual([]);
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
