// Profiles for clients that cannot do better. They are off, and a server that has one on says so
// loudly: MS-CHAPv1, 40-bit and stateful MPPE (docs/SECURITY-MODEL.md) give nearly no protection.
import type { AuthenticationMethod } from "../../core/access/ports.js";
import type { MppeBits } from "../../core/ppp/ports.js";

export type LogInTerms = {
  readonly authentication: readonly AuthenticationMethod[];
  readonly encryption: {
    readonly required: boolean;
    readonly bits: readonly MppeBits[];
    readonly stateful: boolean;
  };
};

export const readyMade = {
  /** Windows 95, 98 and ME, whose Dial-Up Networking may know only MS-CHAPv1 and 40 bits. */
  "legacy-9x": {
    authentication: ["ms-chap-v2", "ms-chap-v1"],
    encryption: { required: true, bits: [128, 56, 40], stateful: true },
  },
  /** Windows NT 4.0, which has MS-CHAPv2 from Service Pack 4 on and never 56 bits. */
  "legacy-nt4": {
    authentication: ["ms-chap-v2", "ms-chap-v1"],
    encryption: { required: true, bits: [128, 40], stateful: true },
  },
} as const satisfies Record<string, LogInTerms>;

export const readyMadeNames = Object.keys(readyMade);

export function readyMadeTerms(name: string): LogInTerms | undefined {
  return Object.hasOwn(readyMade, name) ? readyMade[name as keyof typeof readyMade] : undefined;
}
