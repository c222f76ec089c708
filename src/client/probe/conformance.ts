// How a server takes what it should not: a few messages on one connection, the mild ones first, each
// followed by an Echo-Request that tells whether the server still listens. Once it closed the
// connection, as it well may, the rest is not tried.
import { probe as bounds } from "../../limits.js";
import type { PacCallId, PnsCallId } from "../../wire/pptp/call-id.js";
import { callRequest, startRequest } from "../../wire/pptp/client-requests.js";
import { writeNumber } from "../../wire/pptp/field-table.js";
import {
  type ControlMessage,
  type ControlMessageKind,
  encodeControlMessage,
  layoutOf,
} from "../../wire/pptp/index.js";
import type { ControlLine } from "./control-line.js";
import { type Case, type CaseName, caseNames } from "./facts.js";
import { WINDOW } from "./talk.js";

/** No call of this connection has it: there is none. */
const NO_CALL = 0xfffe;
const OCRQ_SHORT_OCTETS = 24;

type Sent = { readonly octets: Uint8Array; readonly answers: readonly ControlMessageKind[] };

function sent(message: ControlMessage, ...answers: ControlMessageKind[]): Sent {
  return { octets: encodeControlMessage(message), answers };
}

/** A whole Outgoing-Call-Request's head, whose Length says that this is all. */
function shortCallRequest(): Sent {
  const octets = encodeControlMessage(callRequest(NO_CALL, WINDOW)).slice(0, OCRQ_SHORT_OCTETS);
  writeNumber(octets, { offset: 0, width: 2 }, OCRQ_SHORT_OCTETS);
  return { octets, answers: ["OutgoingCallReply"] };
}

const cases: Readonly<Record<CaseName, () => Sent>> = {
  echo: () => sent({ kind: "EchoRequest", identifier: 0x1001 }, "EchoReply"),
  "echo-reply-unasked": () =>
    sent({ kind: "EchoReply", identifier: 0x1002, resultCode: 1, errorCode: 0 }),
  "cdn-no-call": () =>
    sent({
      kind: "CallDisconnectNotify",
      callId: NO_CALL as PacCallId,
      resultCode: 4,
      errorCode: 0,
      causeCode: 0,
      callStatistics: "",
    }),
  "sli-no-call": () => {
    const peersCallId = NO_CALL as PacCallId;
    return sent({ kind: "SetLinkInfo", peersCallId, sendAccm: 0, receiveAccm: 0 });
  },
  "sccrq-again": () =>
    sent(startRequest("holdfast"), "StartControlConnectionReply", "StopControlConnectionReply"),
  "ocrq-short": shortCallRequest,
  "ccrq-no-call": () =>
    sent({ kind: "CallClearRequest", callId: NO_CALL as PnsCallId }, "CallDisconnectNotify"),
};

/** `line` is started and has no call. */
export async function conformance(line: ControlLine): Promise<Case[]> {
  const seen: Case[] = [];
  for (const name of caseNames) seen.push(await tried(line, name, seen.length));
  return seen;
}

async function tried(line: ControlLine, name: CaseName, number: number): Promise<Case> {
  if (line.closed) return { name, outcome: "not-tried" };
  const { octets, answers } = cases[name]();
  line.sendOctets(octets);
  const identifier = 0x2000 + number;
  if (name !== "echo") line.send({ kind: "EchoRequest", identifier });
  // Every answer to these comes before the Echo-Reply: TCP keeps the order.
  const heard = await line.await(bounds.caseMs, "EchoReply", ...answers);
  if (heard.kind === "silent") return { name, outcome: "silent" };
  if (heard.kind !== "message") return { name, outcome: "closed" };
  if (heard.message.kind === "EchoReply") {
    return name === "echo" ? { name, outcome: "answered" } : { name, outcome: "ignored" };
  }
  const answer = answerOf(heard.message);
  // Whether the answer was the last word: the Echo-Reply follows, or the connection's end.
  const after = await line.await(bounds.caseMs, "EchoReply");
  const closed = after.kind === "closed" || after.kind === "malformed";
  return { name, outcome: closed ? "closed" : "answered", answer };
}

function answerOf(message: ControlMessage): string {
  const { abbreviation } = layoutOf(message.kind);
  return "resultCode" in message ? `${abbreviation}/${message.resultCode}` : abbreviation;
}
