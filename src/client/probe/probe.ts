// `holdfast probe`: asks a PPTP server what it tells, and writes a bulletin of it.

import { formatIpv4, type Ipv4, inPrefix4, type Prefix4 } from "../../base/ip.js";
import { Ledger } from "../../base/ledger.js";
import { printable } from "../../base/printable.js";
import { Scope } from "../../base/scope.js";
import type { Language } from "../../base/severity.js";
import { monotonicNow, wallClockText } from "../../os/clock.js";
import { describeOsError, isOsError } from "../../os/errors.js";
import { addressOf } from "../resolve.js";
import { bulletin, bulletinHtml, bulletinText } from "./report.js";
import { survey } from "./survey.js";

export type ProbeOptions = {
  readonly server: string;
  readonly port: number;
  readonly form: "text" | "json" | "html";
  readonly language: Language;
  /** Whoever runs it answers for that address. */
  readonly operated: boolean;
  readonly credentials: { readonly name: string; readonly password: string } | undefined;
};

export type ProbeEnd =
  | { readonly ok: true; readonly text: string }
  | {
      readonly ok: false;
      readonly why: "refused" | "failed";
      readonly message: string;
      readonly remedy: string;
    };

/** RFC 1918, and loopback. */
const OWN: readonly Prefix4[] = [
  { address: 0x0a00_0000, length: 8 },
  { address: 0xac10_0000, length: 12 },
  { address: 0xc0a8_0000, length: 16 },
  { address: 0x7f00_0000, length: 8 },
];

export function isOwn(address: Ipv4): boolean {
  return OWN.some((prefix) => inPrefix4(address, prefix));
}

export async function runProbe(options: ProbeOptions): Promise<ProbeEnd> {
  const { port, credentials } = options;
  const name = printable(options.server);
  const server = await addressOf(options.server);
  if (server === undefined) {
    return failed(`${name} has no IPv4 address`, "check the name, or give an address");
  }
  if (!isOwn(server) && !options.operated) {
    const message = `${formatIpv4(server)} is neither private nor loopback: nothing was sent`;
    const remedy = "ill-formed messages are for one's own server: --i-operate-this-server says so";
    return { ok: false, why: "refused", message, remedy };
  }
  const ledger = new Ledger(monotonicNow);
  using scope = new Scope("probe", ledger);
  const facts = await survey({ name, server, port, credentials, scope });
  if (isOsError(facts)) {
    const remedy = `see that a server runs on ${name} and that TCP ${port} gets there`;
    return failed(describeOsError(facts), remedy);
  }
  const made = bulletin(facts, wallClockText(), options.language);
  return { ok: true, text: written(made, options.form) };
}

function written(made: ReturnType<typeof bulletin>, form: ProbeOptions["form"]): string {
  switch (form) {
    case "text":
      return bulletinText(made);
    case "html":
      return bulletinHtml(made);
    case "json":
      return `${JSON.stringify(made, undefined, 2)}\n`;
  }
}

function failed(message: string, remedy: string): ProbeEnd {
  return { ok: false, why: "failed", message, remedy };
}
