// The stock Linux client, pptp-linux and pppd in a kernel of its own, against our server on this
// host: every way to log in and to encrypt that both ends have.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../e2e/harness.js";
import { type Dial, PppdExit, PptpClient } from "../lab/client.js";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk } from "../lab/place.js";
import { needLab } from "../peers.js";

const user = "ann";
const password = "secret-Pw1";

/** Another address of the server's host: the gateway's own answers are few a second. */
const inner = "192.0.2.1";

/** One listening address a profile: who dials it gets its terms. pptp-linux makes one call at a time
 * to an address, so the ninth has two. */
const profiles = {
  pap: { at: "198.18.0.201", authentication: ["pap"], bits: [] },
  chap: { at: "198.18.0.202", authentication: ["chap-md5"], bits: [] },
  mschap: { at: "198.18.0.203", authentication: ["ms-chap-v1"], bits: [] },
  "mschap-128": { at: "198.18.0.204", authentication: ["ms-chap-v1"], bits: [128] },
  "mschap-v2": { at: "198.18.0.205", authentication: ["ms-chap-v2"], bits: [] },
  "mschap-v2-40": { at: "198.18.0.206", authentication: ["ms-chap-v2"], bits: [40] },
  "mschap-v2-any": {
    at: "198.18.0.207",
    also: "198.18.0.208",
    authentication: ["ms-chap-v2"],
    bits: [128, 56, 40],
  },
  stateful: { at: "198.18.0.209", authentication: ["ms-chap-v2"], bits: [128], stateful: true },
} as const;

const addressesOf = (profile: { at: string; also?: string }) =>
  profile.also === undefined ? [profile.at] : [profile.at, profile.also];

const config = {
  profiles: Object.entries(profiles).map(([name, { authentication, bits, ...more }]) => ({
    name,
    on: addressesOf(more),
    authentication,
    encryption: { required: bits.length > 0, bits, stateful: "stateful" in more },
  })),
  users: { sessionsPerUser: 16 },
  client: { dns: ["192.0.2.53"], domain: "office.example", routes: ["192.0.2.0/24"] },
  network: { reachHost: true },
};

describe.runIf(needLab())("pptp-linux against our server", () => {
  let lab: Lab;
  let guest: Guest;
  let server: TestServer;

  beforeAll(async () => {
    lab = await Lab.open();
    const addresses = Object.values(profiles)
      .flatMap(addressesOf)
      .map((at) => `ip address add ${at}/24 dev br0`);
    await expectOk(lab.netns, addresses.join("\n"));
    await expectOk(lab.netns, `ip address add ${inner}/32 dev lo`);
    guest = await Guest.up({ name: "client", index: 1 });
    server = await TestServer.start({
      place: lab.netns,
      config,
      users: [{ name: user, password }],
    });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  function dial(
    at: string,
    authentication: Dial["authentication"],
    encryption: Dial["encryption"],
  ) {
    return { server: at, authentication, encryption, user, password };
  }

  it("MS-CHAPv2 and MPPE-128: pings through, and the ledger is as before", async () => {
    const before = await server.held();
    await using client = await PptpClient.up(guest, dial(Lab.hostAddress, "mschap-v2", "128"));
    expect(client.encryption).toBe("MPPE 128-bit stateless");
    expect(await client.ping(client.gateway)).toBe(3);
    expect(await client.ping(inner, { count: 20 })).toBe(20);
    expect(await client.ping(inner, { count: 5, octets: 1300 })).toBe(5);
    const { sessions } = await server.sessions();
    expect(sessions).toMatchObject([
      {
        user,
        peerAddress: guest.address,
        localAddress: Lab.hostAddress,
        framedAddress: client.address,
        authentication: "ms-chap-v2",
        phase: "network",
      },
    ]);
    expect(sessions[0]?.encryption).toMatch(/^MPPE-128 stateless/);
    await client.hangUp();
    await server.expectHeld(before);
  });

  it("DHCPINFORM through the session: scapy reads what the configuration tells clients", async () => {
    await using client = await PptpClient.up(guest, dial(Lab.hostAddress, "mschap-v2", "128"));
    const answer = await expectOk(guest, `dhcp-inform ppp${client.unit} ${client.address}`);
    const { told, ...rest } = JSON.parse(answer);
    expect(rest).toEqual({ from: client.gateway, xid: 0x48464846 });
    expect(told).toMatchObject({
      "message-type": ["5"],
      server_id: [client.gateway],
      name_server: ["192.0.2.53"],
      domain: ["b'office.example'"],
      classless_static_routes: [`['192.0.2.0/24:${client.gateway}']`],
    });
    await client.hangUp();
  });

  describe.concurrent("agreed", () => {
    const units = [1, 2, 3, 4, 5, 6, 7, 8, 9].values();
    it.each([
      ["PAP without MPPE", profiles.pap.at, "pap", "none", "none"],
      ["CHAP-MD5 without MPPE", profiles.chap.at, "chap", "none", "none"],
      ["MS-CHAPv1 without MPPE", profiles.mschap.at, "mschap", "none", "none"],
      ["MS-CHAPv1, 128", profiles["mschap-128"].at, "mschap", "128", "MPPE 128-bit stateless"],
      ["MS-CHAPv2 without MPPE", profiles["mschap-v2"].at, "mschap-v2", "none", "none"],
      ["MS-CHAPv2, 40", profiles["mschap-v2-40"].at, "mschap-v2", "40", "MPPE 40-bit stateless"],
      [
        "MS-CHAPv2, 40 of 128, 56, 40",
        profiles["mschap-v2-any"].at,
        "mschap-v2",
        "40",
        "MPPE 40-bit stateless",
      ],
      [
        "MS-CHAPv2, 128 of 128, 56, 40",
        profiles["mschap-v2-any"].also,
        "mschap-v2",
        "128",
        "MPPE 128-bit stateless",
      ],
      [
        "MS-CHAPv2, 128 stateful",
        profiles.stateful.at,
        "mschap-v2",
        "128-stateful",
        "MPPE 128-bit stateful",
      ],
    ] as const)("%s: pings through", async (_, at, authentication, encryption, agreed) => {
      const unit = units.next().value;
      await using client = await PptpClient.up(guest, {
        ...dial(at, authentication, encryption),
        unit,
      });
      expect(client.encryption).toBe(agreed);
      // Stateful MPPE re-keys every 256 packets: more than one key's worth.
      const count = encryption === "128-stateful" ? 300 : 5;
      expect(await client.ping(inner, { count })).toBe(count);
      await client.hangUp();
    });
  });

  it("wrong password and unknown name: the same answer, nothing held", async () => {
    const before = await server.held();
    const answers: string[] = [];
    for (const name of [user, "nobody-of-that-name"]) {
      const client = await PptpClient.dial(guest, {
        ...dial(Lab.hostAddress, "mschap-v2", "128"),
        user: name,
        password: "wrong",
      });
      expect(client.code).toBe(PppdExit.authenticationFailed);
      answers.push(/rcvd \[CHAP Failure id=\S+ "(.*)"\]/.exec(client.log)?.[1] ?? client.log);
    }
    for (const answer of answers) expect(answer).toMatch(/^E=691 R=[01] C=[0-9A-F]{32} V=3/);
    const [known = "", unknown = ""] = answers.map((text) => text.replace(/C=\S+/, ""));
    expect(known).toBe(unknown);
    await server.expectHeld(before);
  });

  it("the client refuses encryption that the server requires: no session, no plain packet", async () => {
    const before = await server.held();
    const client = await PptpClient.dial(guest, dial(Lab.hostAddress, "mschap-v2", "refused"));
    expect(client.code).not.toBe(PppdExit.up);
    expect(client.log).not.toContain("local  IP address");
    await server.expectHeld(before);
  });

  it("the server refuses encryption that the client requires: no session", async () => {
    const before = await server.held();
    const at = profiles["mschap-v2"].at;
    const client = await PptpClient.dial(guest, dial(at, "mschap-v2", "128"));
    expect(client.code).not.toBe(PppdExit.up);
    expect(client.log).not.toContain("local  IP address");
    await server.expectHeld(before);
  });

  it("the client offers only a method that the server does not take: refused by either", async () => {
    const before = await server.held();
    const client = await PptpClient.dial(guest, dial(Lab.hostAddress, "pap", "none"));
    expect(client.code).not.toBe(PppdExit.up);
    expect(client.log).not.toContain("PAP AuthReq");
    await server.expectHeld(before);
  });

  it("nmap reads our host and vendor names", async () => {
    const scan = `nmap -n -Pn -p1723 --script pptp-version -oX - ${Lab.hostAddress}`;
    const { stdout } = await lab.netns.exec(scan);
    expect(stdout).toContain('state="open"');
    expect(stdout).toMatch(/<service name="pptp" product="pptp" [^>]*hostname="vpn"/);
  });

  it("SIGTERM: status 0 and nothing left behind", async () => {
    expect(await server.stop()).toBe(0);
  });
});
