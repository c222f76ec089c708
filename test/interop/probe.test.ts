// `holdfast probe` against pptpd and pppd: what it finds is what they were set to.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk, InnerNetns, quote } from "../lab/place.js";
import { needLab } from "../peers.js";

const server = "198.18.1.1";
const holdfast = `${quote(process.execPath)} ${quote(join(import.meta.dirname, "../../dist/cli/main.js"))}`;

describe.runIf(needLab())("holdfast probe against pptpd", () => {
  let lab: Lab;
  let clientSide: InnerNetns;

  beforeAll(async () => {
    lab = await Lab.open();
    const guest = await Guest.up({ name: "probed", index: 1 });
    await expectOk(guest, "topology");
    clientSide = new InnerNetns(guest, "client");
    const start = "server-pptpd mschap-v2 128 vpn secret-Pw1";
    await expectOk(new InnerNetns(guest, "server"), start);
  });
  afterAll(() => lab?.[Symbol.asyncDispose]());

  it("its quirks, its one method, its strengths after a log-in", async () => {
    const words = `${server} --i-operate-this-server -u vpn --password-stdin --json`;
    const command = `printf 'secret-Pw1\\n' | ${holdfast} probe ${words}`;
    const { facts, findings } = JSON.parse(await expectOk(clientSide, command, 90));
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
