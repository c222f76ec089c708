// The stock Linux client, pptp-linux and pppd in a kernel of its own, against our server on this
// host: every way to log in and to encrypt that both ends have.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../e2e/harness.js";
import { type Dial, PppdExit, PptpClient } from "../lab/client.js";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk } from "../lab/place.js";
import { needLab } from "../peers.js";

const user = "vpn";
const password = "secret-Pw1";

/** One listening address a profile: who dials it gets its terms. */
const profiles = {
  pap: { at: "198.18.0.201", authentication: ["pap"], bits: [] },
  chap: { at: "198.18.0.202", authentication: ["chap-md5"], bits: [] },
  mschap: { at: "198.18.0.203", authentication: ["ms-chap-v1"], bits: [] },
  "mschap-128": { at: "198.18.0.204", authentication: ["ms-chap-v1"], bits: [128] },
  "mschap-v2": { at: "198.18.0.205", authentication: ["ms-chap-v2"], bits: [] },
  "mschap-v2-40": { at: "198.18.0.206", authentication: ["ms-chap-v2"], bits: [40] },
  "mschap-v2-any": { at: "198.18.0.207", authentication: ["ms-chap-v2"], bits: [128, 56, 40] },
  stateful: { at: "198.18.0.208", authentication: ["ms-chap-v2"], bits: [128], stateful: true },
} as const;

const config = {
  profiles: Object.entries(profiles).map(([name, { at, authentication, bits, ...more }]) => ({
    name,
    on: [at],
    authentication,
    encryption: { required: bits.length > 0, bits, ...more },
  })),
  users: { sessionsPerUser: 4 },
};

describe.runIf(needLab())("pptp-linux against our server", () => {
  let lab: Lab;
  let guest: Guest;
  let server: TestServer;

  beforeAll(async () => {
    lab = await Lab.open();
    const addresses = Object.values(profiles).map(({ at }) => `ip address add ${at}/24 dev br0`);
    await expectOk(lab.netns, addresses.join("\n"));
    [guest, server] = await Promise.all([
      Guest.up({ name: "client", index: 1 }),
      TestServer.start({ place: lab.netns, config, users: [{ name: user, password }] }),
    ]);
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
    expect(await client.ping(client.gateway, { count: 20 })).toBe(20);
    expect(await client.ping(client.gateway, { count: 5, octets: 1300 })).toBe(5);
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
      profiles["mschap-v2-any"].at,
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
    const before = await server.held();
    await using client = await PptpClient.up(guest, dial(at, authentication, encryption));
    expect(client.encryption).toBe(agreed);
    // Stateful MPPE re-keys every 256 packets: more than one key's worth.
    const count = encryption === "128-stateful" ? 300 : 5;
    expect(await client.ping(client.gateway, { count })).toBe(count);
    await client.hangUp();
    await server.expectHeld(before);
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
    for (const answer of answers) expect(answer).toMatch(/^E=691 R=0 C=[0-9A-F]{32} V=3/);
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
    const scan = `nmap -n -Pn -p1723 --script pptp-version ${Lab.hostAddress}`;
    const { stdout } = await lab.netns.exec(scan);
    expect(stdout).toMatch(/1723\/tcp +open/);
    const versions = await lab.netns.exec(`nmap -n -Pn -sV -p1723 ${Lab.hostAddress}`);
    expect(`${stdout}${versions.stdout}`).toMatch(/pptp.*\(Firmware: \d+\)/);
    expect(`${stdout}${versions.stdout}`).toMatch(/vpn/);
  });

  it("SIGTERM: status 0 and nothing left behind", async () => {
    expect(await server.stop()).toBe(0);
  });
});
