// Two real clients behind one address: the guest masquerades them with the kernel's PPTP helper,
// which rewrites Call IDs in the control connection and in GRE.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../e2e/harness.js";
import { PptpClient } from "../lab/client.js";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk, InnerNetns } from "../lab/place.js";
import { needLab } from "../peers.js";

const password = "secret-Pw1";
const users = [
  { name: "first", password },
  { name: "second", password },
];

describe.runIf(needLab())("through a NAT with the kernel's PPTP helper", () => {
  let lab: Lab;
  let guest: Guest;
  let server: TestServer;

  beforeAll(async () => {
    lab = await Lab.open();
    guest = await Guest.up({ name: "nat", index: 1 });
    await expectOk(guest, "topology-nat");
    server = await TestServer.start({ place: lab.netns, users });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  it("two clients behind one address: both ping, each its own, and the ledger is as before", async () => {
    const before = await server.held();
    const dial = (n: number, user: string) =>
      PptpClient.up(new InnerNetns(guest, `client${n}`), {
        server: Lab.hostAddress,
        authentication: "mschap-v2",
        encryption: "128",
        user,
        password,
        unit: n,
        // One call manager an address pair: both ends' sockets lie in one directory.
        pptpOptions: `--localbind 10.77.0.1${n}`,
      });
    await using first = await dial(1, "first");
    await using second = await dial(2, "second");
    expect(first.address).not.toBe(second.address);
    const { sessions } = await server.sessions();
    expect(sessions.map(({ peerAddress }) => peerAddress)).toEqual([guest.address, guest.address]);
    expect(await Promise.all([first.ping(), second.ping()])).toEqual([3, 3]);
    await first.hangUp();
    expect(await second.ping()).toBe(3);
    await second.hangUp();
    await server.expectHeld(before);
  });
});
