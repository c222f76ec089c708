// holdfast session <id>: one session, and how it was negotiated.
import { inert, printable } from "../base/printable.js";
import { type SessionDetail, sessionDetailSchema } from "../console/contract.js";
import { formatRate } from "../daemon/config/rates.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { duration, moment, octets, pairs, printJson } from "./table.js";
import { whole } from "./user-shown.js";

export function sessionCommand(context: CliContext) {
  const made = command("session", "one session: its terms, counters and negotiation")
    .argument("<id>", "its number, from holdfast sessions", whole)
    .action(async (id: number, options: StateOptions & JsonOption) => {
      const detail = await context.client(options).get(`/sessions/${id}`, sessionDetailSchema);
      if (options.json === true) return printJson(context.io, detail);
      context.io.out(pairs(lines(detail, context.io.now())));
      if (detail.dialogue.length === 0) return;
      const dialogue = detail.dialogue.map((line) => `  ${inert(line, 400)}\n`);
      context.io.out(`\nNegotiation\n${dialogue.join("")}`);
    });
  return withExamples(withJson(withState(made)), "holdfast session 4711");
}

function lines(detail: SessionDetail, now: number): Parameters<typeof pairs>[0] {
  const { counters, ppp, linkInfo, wanErrors } = detail;
  const limit = (value: number | null, show: (value: number) => string) =>
    value === null ? "no limit" : show(value);
  const seconds = (value: number | null) => limit(value, (one) => duration(one * 1_000));
  const rate = (value: number | null) => limit(value, (one) => `${formatRate(one)}bit/s`);
  const accm = (value: number) => `0x${value.toString(16).padStart(8, "0")}`;
  return [
    ["session", `${detail.id}, connection ${detail.connection}`],
    ["user", detail.user],
    ["from", `${detail.peerAddress} to ${detail.localAddress}`],
    ["client", `${printable(detail.peersVendorString)} / ${printable(detail.peersHostName)}`],
    ["identifies as", ppp?.peersIdentification ?? null],
    ["address", detail.framedAddress],
    ["IPv6 prefix", detail.framedPrefix],
    ["routes", detail.routes],
    ["profile", detail.profile],
    ["authentication", detail.authentication],
    ["encryption", detail.encryption],
    ["called", moment(detail.calledAt)],
    ["up for", detail.upAt === null ? null : duration(now - detail.upAt)],
    ["ending", detail.ending],
    ["Call IDs", `ours ${detail.callId}, the peer's ${detail.peersCallId}`],
    ["in", `${counters.receivedPackets} packets, ${octets(counters.receivedOctets)} octets`],
    ["out", `${counters.sentPackets} packets, ${octets(counters.sentOctets)} octets`],
    ["lost", `${counters.lost} lost, ${counters.reordered} reordered, ${counters.dropped} dropped`],
    ["round trip", counters.roundTripMs === 0 ? null : `${Math.round(counters.roundTripMs)} ms`],
    ["idle for", duration(counters.idleMs)],
    ["longest session", seconds(detail.sessionSecondsMax)],
    ["longest silence", seconds(detail.idleSecondsMax)],
    ["traffic", limit(detail.octetsMax, (one) => `${octets(one)} octets`)],
    ["rate", `up ${rate(detail.upBitsPerSecond)}, down ${rate(detail.downBitsPerSecond)}`],
    [
      "over the rate",
      `${counters.overRateUp} packets up, ${counters.overRateDown} down, all dropped`,
    ],
    ["PPP phase", detail.phase],
    [
      "PPP machines",
      ppp === null
        ? null
        : `LCP ${ppp.lcp}, CCP ${ppp.ccp}, IPCP ${ppp.ipcp}, IPV6CP ${ppp.ipv6cp}; MRU ${ppp.peersMru}`,
    ],
    [
      "Set-Link-Info",
      linkInfo === null
        ? null
        : `send ${accm(linkInfo.sendAccm)}, receive ${accm(linkInfo.receiveAccm)}`,
    ],
    [
      "WAN errors",
      wanErrors === null
        ? null
        : Object.entries(wanErrors)
            .map(([name, count]) => `${name} ${count}`)
            .join(", "),
    ],
  ];
}
