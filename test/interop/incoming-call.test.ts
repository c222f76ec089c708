// An incoming call (RFC 2637 §3.2.3) on the wire: an access concentrator offers it, we are its PNS,
// and the caller is pppd with its kernel's PPP and MPPE.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestServer } from "../e2e/harness.js";
import { type Dial, PptpClient } from "../lab/client.js";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk, until } from "../lab/place.js";
import { needLab } from "../peers.js";

const server = Lab.hostAddress;
/** As test/lab/guest/pac has it. */
const PAC_CALL_ID = 4711;
const user = { name: "ann", password: "secret-Pw1" };

describe.runIf(needLab())("an access concentrator offers a call", () => {
  let lab: Lab;
  let guest: Guest;
  let ours: TestServer;

  beforeAll(async () => {
    lab = await Lab.open();
    guest = await Guest.up({ name: "pac", index: 1 });
    ours = await TestServer.start({ place: lab.netns, users: [user] });
  });
  afterAll(async () => {
    await ours?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const dial: Dial = {
    ...{ server, user: user.name, password: user.password, incoming: true },
    authentication: "mschap-v2",
    encryption: "128",
  };
  const noSession = async () => (await ours.sessions()).sessions.length === 0;
  const concentratorSaid = () => expectOk(guest, "cat /run/pac-0.log");

  it("refused by default: ICRP 3, nothing held", async () => {
    const before = await ours.held();
    const client = await PptpClient.dial(guest, dial);
    expect(client.code).not.toBe(0);
    expect(await concentratorSaid()).toBe("ICRP result 3 error 0\n");
    expect((await ours.status()).counters["refused ICRQ not-authorised"]).toBe(1);
    await client.hangUp("KILL");
    await ours.expectHeld(before);
  });

  it.each([
    ["its caller hangs up: CDN", "TERM", "ICRP result 1 error 0\n"],
    ["holdfast disconnect: CCRQ, CDN", "disconnect", "ICRP result 1 error 0\nCCRQ\n"],
  ] as const)("taken, pings through MPPE-128; %s; the ledger is as before", async (...row) => {
    const [, end, said] = row;
    await ours.configure({ calls: { incoming: true } });
    const before = await ours.held();
    await using client = await PptpClient.up(guest, dial);
    expect(client.encryption).toBe("MPPE 128-bit stateless");
    expect(await client.ping()).toBe(3);
    const { sessions } = await ours.sessions();
    expect(sessions).toMatchObject([{ user: user.name, framedAddress: client.address }]);
    const id = sessions[0]!.id;
    expect(await ours.session(id)).toMatchObject({ peersCallId: PAC_CALL_ID });
    if (end === "TERM") await client.hangUp();
    else expect((await ours.cli(`disconnect ${id}`)).code).toBe(0);
    await until("no session", 10, noSession);
    await until("the concentrator was told", 10, async () => (await concentratorSaid()) === said);
    await ours.expectHeld(before);
  });
});
