// What a probe says on the control connection: RFC 2637 §2, as an ordinary client would.
import { printable } from "../../base/printable.js";
import { probe as bounds } from "../../limits.js";
import { monotonicNow } from "../../os/clock.js";
import { callRequest, startRequest } from "../../wire/pptp/client-requests.js";
import type { ControlLine } from "./control-line.js";
import type { Call, Facts, Start } from "./facts.js";

export const WINDOW = 64;

export async function start(
  line: ControlLine,
): Promise<Start | NonNullable<Facts["startFailure"]>> {
  const begun = monotonicNow();
  line.send(startRequest("holdfast"));
  const heard = await line.await(bounds.replyMs, "StartControlConnectionReply");
  if (heard.kind === "malformed") return "not-pptp";
  if (heard.kind !== "message") return heard.kind;
  const { message } = heard;
  if (message.kind !== "StartControlConnectionReply") return "silent";
  const { kind: _, hostName, vendorString, ...numbers } = message;
  return {
    replyMs: Math.round(monotonicNow() - begun),
    hostName: printable(hostName),
    vendorString: printable(vendorString),
    ...numbers,
  };
}

/** Undefined when the server did not answer. */
export async function placeCall(line: ControlLine, callId: number): Promise<Call | undefined> {
  const begun = monotonicNow();
  line.send(callRequest(callId, WINDOW));
  const heard = await line.await(bounds.replyMs, "OutgoingCallReply");
  if (heard.kind !== "message" || heard.message.kind !== "OutgoingCallReply") return undefined;
  const { kind: _, peersCallId: __, physicalChannelId: ___, ...numbers } = heard.message;
  return { replyMs: Math.round(monotonicNow() - begun), ...numbers };
}
