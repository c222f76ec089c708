// More MPPE packets lost in a row than its coherency count has numbers, on the path between pptp-linux and
// our server, both in one guest since netem is there. The session goes on with the keys it has.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../e2e/harness.js";
import { PptpClient } from "../lab/client.js";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk, InnerNetns } from "../lab/place.js";
import { needLab } from "../peers.js";

const user = "ann";
const password = "secret-Pw1";
const stateless = "198.18.1.1";
const stateful = "198.18.1.201";
/** The count goes round at 4,096. */
const lost = 5_000;

describe.runIf(needLab())(`${lost} packets of pptp-linux lost in a row`, () => {
  let lab: Lab;
  let guest: Guest;
  let near: InnerNetns;
  let far: InnerNetns;
  let server: TestServer;

  beforeAll(async () => {
    lab = await Lab.open();
    guest = await Guest.up({ name: "lossy", index: 1 });
    await expectOk(guest, "topology; modprobe sch_netem");
    far = new InnerNetns(guest, "server");
    near = new InnerNetns(guest, "client");
    await expectOk(far, `ip address add ${stateful}/24 dev eth1`);
    const of = (name: string, on: string, bits: readonly number[]) => ({
      ...{ name, on: [on], authentication: ["ms-chap-v2"] },
      encryption: { required: true, bits, stateful: on === stateful },
    });
    server = await TestServer.start({
      place: far,
      config: {
        profiles: [of("stateless", stateless, [128, 40]), of("stateful", stateful, [128])],
        network: { reachHost: true, clientToClient: true, forwarding: "off" },
      },
      users: [{ name: user, password }],
      readyS: 180,
    });
  });
  afterEach(async () => {
    await near.exec("tc qdisc delete dev eth1 root");
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  it.each(["128", "40", "128-stateful"] as const)(
    "MPPE %s: pings are answered again, and nothing was negotiated anew",
    { timeout: 300_000 },
    async (encryption) => {
      await using client = await PptpClient.up(near, {
        server: encryption.endsWith("stateful") ? stateful : stateless,
        authentication: "mschap-v2",
        encryption,
        user,
        password,
      });
      expect(await client.ping()).toBe(3);
      const before = await client.logNow();
      await expectOk(near, "tc qdisc replace dev eth1 root netem loss 100%");
      const sent = Number(
        await expectOk(
          near,
          `sent() { cat /sys/class/net/ppp0/statistics/tx_packets; }; begun=$(sent)
           until [ $(($(sent) - begun)) -ge ${lost} ]; do
             for i in $(seq 100); do echo lost > /dev/udp/${client.gateway}/9; done
           done; echo $(($(sent) - begun))`,
          200,
        ),
      );
      expect(sent).toBeGreaterThanOrEqual(lost);
      await expectOk(near, "tc qdisc delete dev eth1 root");
      const answered: number[] = [];
      // Stateful, the peer has to be asked to start its tables anew, or a flag packet to come.
      for (let tries = 0; tries < 10 && answered.at(-1) !== 3; tries++) {
        answered.push(await client.ping());
      }
      expect(answered.at(-1)).toBe(3);
      const since = (await client.logNow()).slice(before.length);
      expect(since).not.toMatch(/CCP Conf|disabled|terminated|LCP Term/);
      await client.hangUp();
    },
  );
});
