// Every method with every encryption, and every way the two ends can fail to agree.
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import type { AuthenticationMethod, EndCause } from "../../src/core/access/ports.js";
import type { EncryptionPolicy, MppeBits, PppPolicy } from "../../src/core/ppp/ports.js";
import { Pair, type PairOptions } from "./pair.js";

const METHODS: readonly AuthenticationMethod[] = ["pap", "chap-md5", "ms-chap-v1", "ms-chap-v2"];
const NONE: EncryptionPolicy = { require: false, bits: [], stateful: false };
const LONG = 120_000;

function quiet(pair: Pair): void {
  for (const end of [pair.server, pair.client]) {
    expect(end.all("Ended").length).toBe(1);
    expect(end.outputsAfterEnd).toBe(0);
    expect(end.session.pollTimeout()).toBeUndefined();
    expect([end.ipv4, end.ipv6, end.encrypted]).toEqual([false, false, false]);
  }
}

describe("without encryption", () => {
  test.each(METHODS)("%s", (method) => {
    const policy = { authentication: [method], encryption: NONE };
    const pair = new Pair({ server: policy, client: policy }).start().run(2_000);
    expect([pair.server.ipv4, pair.client.ipv4]).toEqual([true, true]);
    expect(pair.server.last("Authenticated")).toMatchObject({ method, name: "vpn" });
    expect(pair.client.last("Authenticated")).toMatchObject({ method, name: "vpn" });
    expect(pair.server.encrypted).toBe(false);
    // CCP is not one of this session: rejected, were it to come.
    expect(pair.server.session.snapshot().ccp).toBe("Initial");
  });
});

describe("with encryption", () => {
  const cases: [AuthenticationMethod, MppeBits, boolean][] = [];
  for (const method of ["ms-chap-v1", "ms-chap-v2"] as const) {
    for (const bits of [40, 56, 128] as const) {
      for (const stateful of [false, true]) cases.push([method, bits, stateful]);
    }
  }

  test.each(cases)("%s, %i bits, stateful %s", (method, bits, stateful) => {
    const encryption = { require: true, bits: [bits], stateful, askStateful: stateful };
    const policy = { authentication: [method], encryption };
    const pair = new Pair({ server: policy, client: policy }).start().run(4_000);
    const server = pair.server.last("EncryptionUp")!.keys;
    const client = pair.client.last("EncryptionUp")!.keys;
    expect(server).toMatchObject({ bits, stateful });
    expect(client).toMatchObject({ bits, stateful });
    expect(toHex(server.sendStart)).toBe(toHex(client.receiveStart));
    expect(toHex(server.receiveStart)).toBe(toHex(client.sendStart));
    expect(server.sendStart.length).toBe(bits === 128 ? 16 : 8);
    expect([pair.server.ipv4, pair.client.ipv4]).toEqual([true, true]);
  });

  const sets: MppeBits[][] = [[40], [56], [128], [40, 56], [40, 128], [56, 128], [40, 56, 128]];
  const both = sets.flatMap((server) => sets.map((client) => [server, client] as const));

  test.each(both)(
    "server allows %j, client %j: the strongest common one, or none",
    (ours, theirs) => {
      const policy = (bits: readonly MppeBits[]): Partial<PppPolicy> => ({
        encryption: { require: true, bits, stateful: false },
      });
      const pair = new Pair({ server: policy(ours), client: policy(theirs) }).start().run(LONG);
      const common = ours.filter((bits) => theirs.includes(bits));
      if (common.length > 0) {
        const bits = Math.max(...common);
        expect(pair.server.last("EncryptionUp")?.keys.bits).toBe(bits);
        expect(pair.client.last("EncryptionUp")?.keys.bits).toBe(bits);
        expect([pair.server.ipv4, pair.client.ipv4]).toEqual([true, true]);
      } else {
        quiet(pair);
        expect([pair.server.ended, pair.client.ended]).toContain("encryption-refused");
        expect(pair.server.all("AddressesAsked")).toEqual([]);
      }
    },
  );

  const modes = [
    { stateful: false },
    { stateful: true },
    { stateful: true, askStateful: true },
  ] as const;
  const pairs = modes.flatMap((server) => modes.map((client) => [server, client] as const));

  test.each(pairs)("server %j, client %j: both in the same mode", (server, client) => {
    const policy = (mode: (typeof modes)[number]): Partial<PppPolicy> => ({
      encryption: { require: true, bits: [128], ...mode },
    });
    const pair = new Pair({ server: policy(server), client: policy(client) }).start().run(20_000);
    const mode = pair.server.last("EncryptionUp")!.keys.stateful;
    expect(pair.client.last("EncryptionUp")!.keys.stateful).toBe(mode);
    expect([pair.server.encrypted, pair.client.encrypted]).toEqual([true, true]);
    const asked = "askStateful" in server || "askStateful" in client;
    if (!asked || !server.stateful || !client.stateful) expect(mode).toBe(false);
    else expect(mode).toBe(true);
    // One negotiation: neither end was ever opened and closed again.
    expect(pair.server.all("EncryptionDown")).toEqual([]);
    expect(pair.client.all("EncryptionDown")).toEqual([]);
  });

  test("optional on both ends: used", () => {
    const policy = { encryption: { require: false, bits: [128 as const], stateful: false } };
    const pair = new Pair({ server: policy, client: policy }).start().run(4_000);
    expect([pair.server.encrypted, pair.client.encrypted]).toEqual([true, true]);
    expect([pair.server.ipv4, pair.client.ipv4]).toEqual([true, true]);
  });

  test("optional here, refused there: the network goes on without", () => {
    const optional = { encryption: { require: false, bits: [128 as const], stateful: false } };
    for (const options of [
      { server: optional, client: { encryption: NONE } },
      { server: { encryption: NONE }, client: optional },
    ]) {
      const pair = new Pair(options).start().run(LONG);
      expect([pair.server.ended, pair.client.ended]).toEqual([undefined, undefined]);
      expect([pair.server.ipv4, pair.client.ipv4]).toEqual([true, true]);
      expect([pair.server.encrypted, pair.client.encrypted]).toEqual([false, false]);
    }
  });
});

describe("no agreement: both ends end, say why, and hold nothing", () => {
  const refusals: [string, PairOptions, EndCause | undefined, EndCause | undefined][] = [
    [
      "server requires encryption, client refuses it",
      { client: { encryption: NONE } },
      "encryption-refused",
      "peer-terminated",
    ],
    [
      "client requires encryption, server refuses it",
      { server: { encryption: NONE } },
      "peer-terminated",
      "encryption-refused",
    ],
    [
      "encryption required, but CHAP-MD5 gives no keys",
      { server: { authentication: ["chap-md5"] }, client: { authentication: ["chap-md5"] } },
      undefined,
      undefined,
    ],
    [
      "no common method",
      { server: { authentication: ["ms-chap-v2"] }, client: { authentication: ["pap"] } },
      "lcp-failed",
      undefined,
    ],
    [
      "wrong password",
      { credentials: { name: "vpn", password: "wrong" } },
      undefined,
      "authentication-failed",
    ],
    [
      "unknown name",
      { credentials: { name: "nobody", password: "secret-Pw1" } },
      undefined,
      "authentication-failed",
    ],
    ["no address", { addresses: undefined }, "address-unavailable", "peer-terminated"],
    [
      "server has IPv4 alone, client IPv6 alone",
      { client: { ipv4: false, ipv6: true } },
      undefined,
      "network-refused",
    ],
  ];

  test.each(refusals)("%s", (_what, options, server, client) => {
    const pair = new Pair(options).start().run(LONG);
    quiet(pair);
    if (server !== undefined) expect(pair.server.ended).toBe(server);
    if (client !== undefined) expect(pair.client.ended).toBe(client);
    expect(pair.server.all("Ipv4Up")).toEqual([]);
    expect(pair.client.all("Ipv4Up")).toEqual([]);
  });

  test("the answer of the backend never comes: told as such, ended as what it is at both ends", () => {
    const pair = new Pair({ backendMs: 10_005 }).start().run(LONG);
    quiet(pair);
    expect(pair.server.ended).toBe("authentication-unavailable");
    expect(pair.server.all("AuthenticationRefused")).toEqual([]);
    expect(pair.server.notes).toContain("stale-verdict");
    expect(pair.client.all("AuthenticationRefused")).toEqual([]);
    expect(pair.client.ended).toBe("authentication-unavailable");
  });

  test("a wrong password costs one question, a second try is offered", () => {
    const pair = new Pair({ credentials: { name: "vpn", password: "wrong" } }).start().run(LONG);
    expect(pair.server.all("AuthenticationAsked").length).toBe(1);
    expect(pair.server.last("AuthenticationRefused")).toMatchObject({
      method: "ms-chap-v2",
      name: "vpn",
      code: 691,
    });
  });

  test("nobody answers at all", () => {
    const pair = new Pair({ tamper: () => undefined }).start().run(LONG);
    quiet(pair);
    expect([pair.server.ended, pair.client.ended]).toEqual(["lcp-timeout", "lcp-timeout"]);
    expect(pair.server.notes).toContain("lcp-never-answered");
    expect(pair.server.sent.length).toBe(10);
  });
});

describe("IPv6", () => {
  test("both network protocols", () => {
    const pair = new Pair({ server: { ipv6: true }, client: { ipv6: true } }).start().run(4_000);
    expect([pair.server.ipv6, pair.client.ipv6]).toEqual([true, true]);
    const server = pair.server.last("Ipv6Up")!;
    const client = pair.client.last("Ipv6Up")!;
    expect(toHex(server.ours)).toBe(toHex(client.peers));
    expect(toHex(server.peers)).toBe(toHex(client.ours));
    expect(pair.server.session.pollTimeout()).toBeUndefined();
  });

  test.each([
    ["the client has none", { server: { ipv6: true } }],
    ["the server has none", { client: { ipv6: true } }],
    [
      "the account has none",
      {
        server: { ipv6: true },
        client: { ipv6: true },
        addresses: {
          ipv4: { ours: 0x0a000001, peers: 0x0a000002, dns: [], nbns: [] },
          ipv6: undefined,
        },
      },
    ],
  ] as [string, PairOptions][])("%s: IPv4 works alone", (_what, options) => {
    const pair = new Pair(options).start().run(LONG);
    expect([pair.server.ended, pair.client.ended]).toEqual([undefined, undefined]);
    expect([pair.server.ipv4, pair.client.ipv4]).toEqual([true, true]);
    expect([pair.server.ipv6, pair.client.ipv6]).toEqual([false, false]);
    expect([pair.server.session.pollTimeout(), pair.client.session.pollTimeout()]).toEqual([
      undefined,
      undefined,
    ]);
  });
});
