// Our client and `holdfast probe` against pptpd and pppd, in a kernel of their own and through a NAT with
// the kernel's PPTP helper: sessions by each policy, and what is said where there is none.
//
// pptpd's quirks, and where they are met. The probe meets: a connection that says nothing stays open; a
// second SCCRQ is taken; an OCRQ cut short is taken; Echo is answered; CCRQ without a call closes without
// a CDN; SLI without a call is passed over; host and vendor; Call IDs in a row. Each session meets: GRE
// begins at 1, no lone acknowledgments, the window echoed, no CDN after our CCRQ, Stop answered and closed.
// Not met, since they answer what neither of ours sends: a bad cookie, a Length no message has, version
// 2.0, a message or type that is none, Reserved0, Echo or OCRQ first; ICRQ and ICCN are a server's. Call ID
// 0 comes when it has none left, after 65,536 calls.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Guest, Lab } from "../lab/guest.js";
import { pingsAnswered, pingWords } from "../lab/ping.js";
import { expectOk, InnerNetns, quote } from "../lab/place.js";
import { needLab } from "../peers.js";

const SERVER = "198.18.2.1";
const holdfast = `${quote(process.execPath)} ${quote(join(import.meta.dirname, "../../dist/cli/main.js"))}`;
const password = "secret-Pw1";

/** The server is beyond the guest too, which masquerades its clients' addresses on that way. */
const beyond = `
  ip link add outside type veth peer name eth2 netns server
  ip address add 198.18.2.254/24 dev outside
  ip link set outside up
  ip -n server address add ${SERVER}/24 dev eth2
  ip -n server link set eth2 up
  iptables-legacy -t nat -A POSTROUTING -o outside -j MASQUERADE`;

describe.runIf(needLab())("our client against pptpd, through a NAT", () => {
  let lab: Lab;
  let guest: Guest;

  beforeAll(async () => {
    lab = await Lab.open();
    guest = await Guest.up({ name: "pptpd", index: 1 });
    await expectOk(guest, "topology");
    await expectOk(guest, "topology-nat");
    await expectOk(guest, beyond);
  });
  afterAll(async () => {
    await guest?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const serve = (authentication: string, encryption: string) =>
    expectOk(
      new InnerNetns(guest, "server"),
      `[ -e /run/pptpd.pid ] && kill $(cat /run/pptpd.pid) && rm /run/pptpd.pid
       server-pptpd ${authentication} ${encryption} ann ${password}`,
    );

  /** Until it is up, pings, and is told to stop; or until it has ended by itself. */
  async function connect(words: string, secret = password) {
    const script = `
      export HOLDFAST_CLIENT_STATE=/run/clients
      echo ${secret} >/run/secret
      : >/run/said
      ${holdfast} connect ${SERVER} -u ann --tun hfc0 --password-file /run/secret ${words} >>/run/said 2>&1 &
      client=$!
      while kill -0 $client 2>/dev/null && ! grep -q '^up ' /run/said; do sleep 0.2; done
      ${pingWords("10.99.0.1", { options: ["-I", "hfc0"] }).join(" ")} 2>/dev/null
      kill -TERM $client 2>/dev/null
      wait $client
      echo "exit $?"
      cat /run/said
      ip -4 route show; ip link show hfc0 2>&1`;
    const { stdout } = await new InnerNetns(guest, "client1").exec(script);
    const exit = Number(/^exit (\d+)$/m.exec(stdout)?.[1]);
    return { exit, received: pingsAnswered(stdout), said: stdout };
  }

  it("MPPE-128 and the default route: pings through, and the host is as before", async () => {
    await serve("mschap-v2", "128");
    const { exit, received, said } = await connect("--routes default");
    expect(said).toMatch(/^ok +encryption: MPPE-128 stateless$/m);
    expect(received, said).toBe(3);
    expect(exit, said).toBe(0);
    expect(said).toMatch(/^ended {2}held 0$/m);
    expect(said).toMatch(/hfc0.*does not exist/);
    expect(said).not.toMatch(/proto 147/);
  });

  // pppd and its kernel have no MPPE-56, nor MPPE-40 after MS-CHAPv1: its keys come of the LM hash.
  it.each([
    ["PAP, in the clear", "pap", "none", "--auth pap --encryption none", undefined],
    ["CHAP-MD5, in the clear", "chap", "none", "--auth chap-md5 --encryption none", undefined],
    ["MS-CHAPv1, MPPE-128", "mschap", "128", "--auth ms-chap-v1", "MPPE-128 stateless"],
    ["MPPE-40", "mschap-v2", "40", "--mppe 40", "MPPE-40 stateless"],
    ["stateful MPPE-128", "mschap-v2", "128-stateful", "--stateful", "MPPE-128 stateful"],
  ])("%s: pings through", async (_, authentication, encryption, words, told) => {
    await serve(authentication, encryption);
    const { exit, received, said } = await connect(words);
    if (told === undefined) expect(said).toMatch(/^- +encryption/m);
    else expect(said).toMatch(new RegExp(`^ok +encryption: ${told}$`, "m"));
    expect(received, said).toBe(3);
    expect(exit, said).toBe(0);
    expect(said).toMatch(/^ended {2}held 0$/m);
  });

  it("MPPE-128 where only 56 will do, and a wrong password: their verdicts", async () => {
    await serve("mschap-v2", "128");
    const weaker = await connect("--mppe 56");
    expect(weaker.exit, weaker.said).toBe(30);
    expect(weaker.said).toMatch(/encryption refused: wanted is MPPE-56, the server has MPPE-128/);
    const wrong = await connect("", "another");
    expect(wrong.exit, wrong.said).toBe(23);
    expect(wrong.said).toMatch(/wrong user name or password \(691\)/);
  });

  // It asks for no log-in at all once PAP was refused.
  it("a pptpd that offers only PAP: its verdict", async () => {
    await serve("pap", "none");
    const pap = await connect("");
    expect(pap.exit, pap.said).toBe(21);
    expect(pap.said).toMatch(/the server offers only PAP; allowed are MS-CHAPv2/);
  });

  it("holdfast probe: its quirks, its one method, its strengths after a log-in", async () => {
    await serve("mschap-v2", "128");
    const words = `198.18.1.1 --i-operate-this-server -u ann --password-stdin --json`;
    const command = `printf '${password}\\n' | ${holdfast} probe ${words}`;
    const { facts, findings } = JSON.parse(
      await expectOk(new InnerNetns(guest, "client"), command, 90),
    );
    expect(facts.encryption).toMatchObject({ seen: true });
    expect(facts).toMatchObject({
      start: { resultCode: 1, hostName: "local", vendorString: "linux" },
      methods: { offered: ["ms-chap-v2"], unknown: [], none: false },
      encryption: {
        seen: true,
        strengths: [
          { bits: 128, stateless: true, answer: "accepted" },
          { bits: 56, stateless: true, answer: "refused" },
          { bits: 40, stateless: true, answer: "refused" },
          // pppd ends a session that asks for less than it requires.
          { bits: 128, stateless: false, answer: "unanswered" },
        ],
      },
      // As CONFORMANCE has it of pptpd 1.4.0.
      conformance: [
        { name: "echo", outcome: "answered" },
        { name: "echo-reply-unasked" },
        { name: "cdn-no-call" },
        { name: "sli-no-call", outcome: "ignored" },
        { name: "ocrq-short", outcome: "answered", answer: "OCRP/1" },
        { name: "sccrq-again", outcome: "answered", answer: "SCCRP/1" },
        { name: "ccrq-no-call", outcome: "closed" },
      ],
    });
    const ids = findings.map(({ id }: { id: string }) => id);
    for (const id of [
      "ms-chap-v2",
      "short-length",
      "start-twice",
      "clear-closes",
      "silent-connection",
      "call-ids",
    ])
      expect(ids).toContain(id);
  });
});
