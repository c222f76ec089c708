// The harness itself: pptp-linux against pptpd, both ends in one guest. When a case fails against
// our server and passes here, the fault is ours. Few: neither end is ours, and each case takes long.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectKernel, kernelDifference, kernelState } from "../e2e/kernel-state.js";
import { type Dial, PppdExit, PptpClient } from "../lab/client.js";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk, InnerNetns } from "../lab/place.js";
import { needLab } from "../peers.js";

const server = "198.18.1.1";
const user = "vpn";
const password = "secret-Pw1";

describe.runIf(needLab())("the harness itself: pptp-linux against pptpd", () => {
  let lab: Lab;
  let guest: Guest;
  let serverSide: InnerNetns;
  let clientSide: InnerNetns;

  beforeAll(async () => {
    lab = await Lab.open();
    guest = await Guest.up({ name: "pptpd", index: 1 });
    await expectOk(guest, "topology");
    serverSide = new InnerNetns(guest, "server");
    clientSide = new InnerNetns(guest, "client");
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  let serves = "";
  async function serve(authentication: string, encryption: string): Promise<void> {
    if (serves === `${authentication} ${encryption}`) return;
    serves = `${authentication} ${encryption}`;
    await guest.exec("kill $(cat /run/pptpd.pid); while pgrep -x pptpd; do sleep 0.05; done");
    await expectOk(serverSide, `server-pptpd ${authentication} ${encryption} ${user} ${password}`);
  }
  function dial(authentication: Dial["authentication"], encryption: Dial["encryption"]) {
    return PptpClient.up(clientSide, { server, authentication, encryption, user, password });
  }

  it.each([
    ["pap", "none", "none"],
    ["mschap-v2", "128-stateful", "MPPE 128-bit stateful"],
  ] as const)("%s with %s: pings through", async (authentication, encryption, agreed) => {
    await serve(authentication, encryption);
    await using client = await dial(authentication, encryption);
    expect(client.encryption).toBe(agreed);
    expect(await client.ping()).toBe(3);
    await client.hangUp();
  });

  it("wrong password: pppd says so", async () => {
    await serve("mschap-v2", "128");
    const client = await PptpClient.dial(clientSide, {
      server,
      authentication: "mschap-v2",
      encryption: "128",
      user,
      password: "wrong",
    });
    // pptpd ends the call as soon as its pppd has: the client's may hear of that first.
    expect([PppdExit.authenticationFailed, PppdExit.hangUp]).toContain(client.code);
    expect(client.log).toContain("E=691");
  });

  it.each([
    ["Call-Clear-Request", (client: PptpClient) => client.hangUp("HUP-PTY")],
    ["RST", (client: PptpClient) => client.controlConnection("rst", server)],
  ] as const)("ended by %s: the server's kernel reads as before", async (_, end) => {
    await serve("mschap-v2", "128");
    const pid = Number(await expectOk(guest, "cat /run/pptpd.pid"));
    const before = await kernelState(serverSide, pid);
    await using client = await dial("mschap-v2", "128");
    const during = kernelDifference(before, await kernelState(serverSide, pid)).join("\n");
    expect(during).toMatch(/^\+ addresses: ppp0 10\.99\.0\.1 peer 10\.99\.0\.2/m);
    expect(during).toMatch(/^\+ routes: .*10\.99\.0\.2/m);
    expect(during).toMatch(/^\+ processes: \/\/pppd: .*\/dev\/ppp/m);
    await end(client);
    await expectKernel(before, serverSide, { pid });
  });
});
