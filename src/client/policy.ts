// What our client asks for and accepts, from what the caller of it wants.
import type { AuthenticationMethod } from "../core/access/ports.js";
import type { MppeBits, PppPolicy } from "../core/ppp/ports.js";
import { ppp } from "../limits.js";

export type ClientTerms = {
  readonly authentication?: readonly AuthenticationMethod[];
  /** `optional`: where the server has it; who is in between may take it away. */
  readonly encryption?: "required" | "optional" | "none";
  readonly bits?: readonly MppeBits[];
  readonly stateful?: boolean;
  readonly askStateful?: boolean;
  /** Off unless asked for: nothing of the tunnel's IPv6 then. */
  readonly ipv6?: boolean;
  /** Largest packet we ask to be sent, octets. */
  readonly mru?: number;
};

/** MS-CHAPv2 with MPPE-128 stateless, required, unless `terms` say otherwise. */
export function clientPolicy(terms: ClientTerms = {}): PppPolicy {
  const { encryption = "required" } = terms;
  return {
    mru: terms.mru ?? ppp.defaultMru,
    mtu: ppp.defaultMru,
    authentication: terms.authentication ?? ["ms-chap-v2"],
    encryption: {
      require: encryption === "required",
      bits: encryption === "none" ? [] : (terms.bits ?? [128]),
      stateful: terms.stateful ?? false,
      askStateful: terms.askStateful ?? false,
    },
    ipv4: true,
    ipv6: terms.ipv6 ?? false,
    echoIntervalMs: ppp.echoIntervalMs,
    echoFailuresMax: ppp.echoFailuresMax,
    name: "holdfast",
    authenticationTriesMax: 1,
  };
}
