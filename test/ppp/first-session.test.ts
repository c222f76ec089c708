import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import { Pair } from "./pair.js";

describe("two ends of ours, defaults: LCP, MS-CHAPv2, MPPE-128 stateless, IPCP", () => {
  const pair = new Pair().start().run(2_000);

  test("both ends are in the network phase within two seconds, and nothing is left to time", () => {
    for (const end of [pair.server, pair.client]) {
      expect(end.ended).toBeUndefined();
      expect(end.session.snapshot()).toMatchObject({
        phase: "network",
        lcp: "Opened",
        ccp: "Opened",
        ipcp: "Opened",
        authentication: "ms-chap-v2",
        name: "vpn",
        encryption: { bits: 128, stateful: false },
      });
      expect(end.session.pollTimeout()).toBeUndefined();
    }
  });

  test("each end sends with what the other receives with", () => {
    const server = pair.server.last("EncryptionUp")!.keys;
    const client = pair.client.last("EncryptionUp")!.keys;
    expect(toHex(server.sendStart)).toBe(toHex(client.receiveStart));
    expect(toHex(server.receiveStart)).toBe(toHex(client.sendStart));
    expect(toHex(server.sendStart)).not.toBe(toHex(server.receiveStart));
    expect(server.sendStart.length).toBe(16);
  });

  test("addresses: the leased ones", () => {
    expect(pair.server.last("Ipv4Up")).toMatchObject({ ours: 0x0a630001, peers: 0x0a630002 });
    expect(pair.client.last("Ipv4Up")).toMatchObject({
      ours: 0x0a630002,
      peers: 0x0a630001,
      dns: [0x0a630001],
      nbns: [],
    });
  });

  test("order: encryption before the Configure-Ack that opens CCP, nothing of IPCP before it", () => {
    for (const end of [pair.server, pair.client]) {
      const up = end.order.indexOf("EncryptionUp");
      expect(end.order.indexOf("send 8021 1")).toBeGreaterThan(up);
      expect(end.order.indexOf("Ipv4Up")).toBeGreaterThan(up);
      expect(end.order.indexOf("LinkUp")).toBeLessThan(end.order.indexOf("Authenticated"));
    }
    expect(pair.server.all("AddressesAsked").length).toBe(1);
  });

  test("the client ends it: both say so once, and are silent afterwards", () => {
    pair.act(({ client, now }) => client.session.terminate("administrator", now)).run(10_000);
    expect(pair.client.ended).toBe("administrator");
    expect(pair.server.ended).toBe("peer-terminated");
    for (const end of [pair.server, pair.client]) {
      expect(end.all("Ended").length).toBe(1);
      expect(end.outputsAfterEnd).toBe(0);
      expect(end.session.pollTimeout()).toBeUndefined();
      expect(end.ipv4).toBe(false);
      expect(end.encrypted).toBe(false);
      expect(end.outputs.slice(-4).map(({ kind }) => kind)).toEqual([
        "Ipv4Down",
        "EncryptionDown",
        "LinkDown",
        "Ended",
      ]);
    }
  });
});
