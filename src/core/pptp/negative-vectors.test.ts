// The control vectors of the threat list: each is answered as docs/RESPONSES.md says, whether it comes
// whole, octet by octet, or all in one segment.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Bench } from "../../../test/control-peer.js";
import { fromHex } from "../../base/hex.js";

type Negative = { readonly id: string; readonly layer: string; readonly send: readonly string[] };
const negatives = (
  JSON.parse(
    readFileSync(new URL("../../../test/vectors/vectors.json", import.meta.url), "utf8"),
  ) as { negative: readonly Negative[] }
).negative.filter(({ layer }) => layer === "control");

const SCCRP = "StartControlConnectionReply";

type Expected = {
  readonly sent: readonly object[];
  readonly closed: boolean;
  readonly noted: readonly string[];
};

const closedQuietly = (...noted: string[]): Expected => ({ sent: [], closed: true, noted });
const startedThen = (noted: string, ...sent: object[]): Expected => ({
  sent: [{ kind: SCCRP, resultCode: 1 }, ...sent],
  closed: false,
  noted: [noted],
});

const expected: Readonly<Record<string, Expected>> = {
  "CTL-LEN-0": closedQuietly("malformed Length"),
  "CTL-LEN-2": closedQuietly("malformed Length"),
  "CTL-LEN-7": closedQuietly("malformed Length"),
  "CTL-LEN-8": closedQuietly("malformed Length"),
  "CTL-LEN-9": closedQuietly("malformed Length"),
  "CTL-LEN-12-SCCRQ": closedQuietly("malformed Length"),
  "CTL-LEN-155": closedQuietly("malformed Length"),
  "CTL-LEN-157": closedQuietly("malformed Length"),
  "CTL-LEN-221": closedQuietly("malformed Length"),
  "CTL-COOKIE-0": closedQuietly("malformed Magic Cookie"),
  "CTL-COOKIE-LE": closedQuietly("malformed Magic Cookie"),
  "CTL-MSGTYPE-0": closedQuietly("malformed PPTP Message Type"),
  "CTL-TYPE-0": closedQuietly("malformed Control Message Type"),
  "CTL-TYPE-16": closedQuietly("malformed Control Message Type"),
  "CTL-TYPE-255": closedQuietly("malformed Control Message Type"),
  "CTL-TYPE-65535": closedQuietly("malformed Control Message Type"),
  "CTL-TYPE0-LEN0": closedQuietly("malformed Control Message Type"),
  "CTL-RES0": startedThen("odd SCCRQ Reserved0"),
  "CTL-SCCRQ-TWICE": {
    sent: [{ kind: SCCRP, resultCode: 1 }, { kind: "StopControlConnectionReply" }],
    closed: true,
    noted: ["SCCRQ in established"],
  },
  "CTL-PRESTART-9": closedQuietly("ICRQ in idle"),
  "CTL-PRESTART-11": closedQuietly("ICCN in idle"),
  "CTL-PRESTART-15": closedQuietly("SLI in idle"),
  "CTL-OCRQ-SHORT": {
    sent: [{ kind: SCCRP, resultCode: 1 }],
    closed: true,
    noted: ["malformed Length"],
  },
  "CTL-OCRQ-PHLEN-65535": {
    sent: [
      { kind: SCCRP, resultCode: 1 },
      { kind: "OutgoingCallReply", resultCode: 2, errorCode: 3, callId: 0, peersCallId: 0x1234 },
    ],
    closed: false,
    noted: ["malformed OCRQ Phone Number Length", "refused OCRQ bad-value"],
  },
  "CTL-ICCN-NOCALL": startedThen("ICCN of no call"),
  "CTL-CCR-NOCALL": startedThen("CCR of no call"),
  "CTL-CDN-NOCALL": startedThen("CDN of no call"),
  "CTL-WEN-NOCALL": startedThen("WEN of no call"),
  "CTL-SLI-NOCALL": startedThen("SLI of no call"),
  "CTL-ICRQ": startedThen("refused ICRQ not-authorised", {
    kind: "IncomingCallReply",
    resultCode: 3,
    errorCode: 0,
    peersCallId: 0x2345,
  }),
  "CTL-ECHOREP-UNSOLICITED": startedThen("EchoRP unasked"),
  "CTL-TWO-IN-ONE": {
    sent: [{ kind: SCCRP, resultCode: 1 }, { kind: "EchoReply" }],
    closed: false,
    noted: [],
  },
  "CTL-BYTE-BY-BYTE": { sent: [{ kind: SCCRP, resultCode: 1 }], closed: false, noted: [] },
};

test("every control vector has its answer here, and no answer lacks its vector", () => {
  expect(negatives.map(({ id }) => id).sort()).toEqual(Object.keys(expected).sort());
});

describe.each(negatives)("$id", ({ id, send }) => {
  const chunks = send.map((hex) => fromHex(hex)!);
  const whole = Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
  const answer = expected[id]!;

  test.each([
    ["as sent", chunks],
    ["in one segment", [whole]],
    ["octet by octet", [...whole].map((octet) => Uint8Array.of(octet))],
  ])("%s", (_, segments) => {
    const bench = new Bench().octets(...segments);
    expect(bench.sent).toHaveLength(answer.sent.length);
    expect(bench.sent).toMatchObject(answer.sent);
    expect(bench.noted).toEqual(answer.noted);
    const closes = bench.told.filter(({ kind }) => kind === "Close");
    expect(closes).toEqual(answer.closed ? [{ kind: "Close", cause: "control-malformed" }] : []);
    expect(bench.told.some(({ kind }) => kind === "CallAsked")).toBe(false);
    expect(bench.ledger.size).toBe(0);
    // Closed is closed: the good that follows is not looked at.
    if (answer.closed) {
      bench.forget().octets(...chunks);
      expect([...bench.sent, ...bench.events]).toEqual([]);
    }
    bench.connection.handleClosed(bench.at);
    expect(bench.connection.pollTimeout()).toBeUndefined();
    expect(bench.ledger.size).toBe(0);
  });
});
