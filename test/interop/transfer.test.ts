// 100 MB through pptp-linux and our server, both ends in one guest since netem is there: clean, with
// loss, with reordering. What comes out must be what went in.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../e2e/harness.js";
import { PptpClient } from "../lab/client.js";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk, InnerNetns } from "../lab/place.js";
import { needLab } from "../peers.js";

const whole = 100_000_000;
const user = "ann";
const password = "secret-Pw1";
const port = 7777;
const timeoutS = 400;

describe.runIf(needLab())("100 MB through pptp-linux", () => {
  let lab: Lab;
  let guest: Guest;
  let near: InnerNetns;
  let far: InnerNetns;
  let server: TestServer;

  beforeAll(async () => {
    lab = await Lab.open();
    guest = await Guest.up({ name: "pair", index: 1 });
    await expectOk(guest, "topology; modprobe sch_netem");
    far = new InnerNetns(guest, "server");
    near = new InnerNetns(guest, "client");
    server = await TestServer.start({
      place: far,
      // The transfer's other end is on the server's host itself; and with nothing to forbid or to
      // forward it needs no nftables, which Debian's UML kernel has for bridges only.
      config: { network: { reachHost: true, clientToClient: true, forwarding: "off" } },
      users: [{ name: user, password }],
      readyS: 180,
    });
  });
  afterEach(async () => {
    for (const place of [near, far]) await place.exec("tc qdisc delete dev eth1 root");
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  it.each([
    ["clean, upload", "", "send", ""],
    // pptp-linux holds everything back for 300 ms after a lost packet unless told otherwise.
    ["1 % loss, upload", "loss 1%", "send", "--timeout 0.02"],
    ["2 % reordered, download", "delay 5ms reorder 2% limit 10000", "fetch", ""],
  ] as const)(
    "%s: the digests match",
    { timeout: 500_000 },
    async (_, netem, verb, pptpOptions) => {
      await using client = await PptpClient.up(near, {
        server: "198.18.1.1",
        authentication: "mschap-v2",
        encryption: "128",
        user,
        password,
        pptpOptions,
      });
      if (netem !== "") {
        for (const place of [near, far]) {
          await expectOk(place, `tc qdisc replace dev eth1 root netem ${netem}`);
        }
      }
      const listening = far.exec(`transfer.mjs listen ${port}`, { timeoutS });
      await expectOk(far, `until ss -Hltn sport = :${port} | grep -q .; do sleep 0.1; done`);
      const start = performance.now();
      const [there, here] = await Promise.all([
        listening,
        near.exec(`transfer.mjs ${verb} ${client.gateway} ${port} ${whole}`, { timeoutS }),
      ]);
      console.log(`${(performance.now() - start) / 1000} s`);
      expect(here.stdout).toMatch(/^[0-9a-f]{64}\n$/);
      expect(here.stdout).toBe(there.stdout);
      await client.hangUp();
    },
  );
});
