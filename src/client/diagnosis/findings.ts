// What is known of one call so far: the facts a verdict is made of.
import { formatIpv4, type Ipv4 } from "../../base/ip.js";
import type { AuthenticationMethod, EndCause } from "../../core/access/ports.js";
import type { MppeBits } from "../../core/ppp/ports.js";

/** What was asked of the call, in the words of whoever asked. */
export type Wish = {
  readonly server: string;
  readonly port: number;
  readonly authentication: readonly AuthenticationMethod[];
  readonly encryption: { readonly require: boolean; readonly bits: readonly MppeBits[] };
};

export type Codes = {
  readonly by: "SCCRP" | "OCRP" | "CDN";
  readonly resultCode: number;
  readonly errorCode: number;
};

export class Findings {
  address: Ipv4 | undefined;
  /** Why there was no TCP connection. */
  errno: string | undefined;
  reached = false;
  controlled = false;
  /** Monotonic ms. */
  calledAt: number | undefined;
  codes: Codes | undefined;
  received = false;
  answered = false;
  linked = false;
  readonly methods = new Set<AuthenticationMethod | "other" | "none">();
  authenticated = false;
  failureCode: number | undefined;
  encrypted = false;
  /** Undefined: it never spoke of encryption. */
  offered: readonly MppeBits[] | undefined;
  up = false;

  constructor(readonly wish: Wish) {}

  /** For the blanks of a verdict's text. */
  words(cause: EndCause): Readonly<Record<string, string>> {
    const { server, port, authentication, encryption } = this.wish;
    const address = this.address === undefined ? server : formatIpv4(this.address);
    const asked = [...this.methods].filter((method) => method !== "none");
    const methods = asked.map((method) => methodNames[method]);
    return {
      server,
      address,
      target: `${address}:${port}`,
      errno: this.errno ?? "",
      cause,
      codes: this.codes === undefined ? cause : codesText(this.codes),
      methods: methods.join(", "),
      allowed: authentication.map((method) => methodNames[method]).join(", "),
      wanted: encryption.bits.map((bits) => `MPPE-${bits}`).join(", "),
      offered: this.offered?.map((bits) => `MPPE-${bits}`).join(", ") || "none",
    };
  }
}

export const methodNames: Readonly<Record<AuthenticationMethod | "other" | "none", string>> = {
  pap: "PAP",
  "chap-md5": "CHAP-MD5",
  "ms-chap-v1": "MS-CHAPv1",
  "ms-chap-v2": "MS-CHAPv2",
  other: "a method that is not supported",
  none: "none",
};

function codesText({ by, resultCode, errorCode }: Codes): string {
  const error = errorCode === 0 ? "" : `, error ${errorCode}`;
  return `${by} result ${resultCode}${error}`;
}
