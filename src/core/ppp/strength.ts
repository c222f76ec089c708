// THREATS T-28, T-29: what counts as stronger; what is negotiated anew never gets weaker.
import type { AuthenticationMethod, MppeStartKeys } from "../access/ports.js";
import type { Mppe, MppeTerms } from "./ccp.js";
import type { NetworkTerms } from "./network.js";
import type { EncryptionPolicy } from "./ports.js";

const METHODS_WEAKEST_FIRST: readonly AuthenticationMethod[] = [
  "pap",
  "chap-md5",
  "ms-chap-v1",
  "ms-chap-v2",
];

/** Those of `methods`, in their order, that are no weaker than `floor`. */
export function atLeast(
  floor: AuthenticationMethod | undefined,
  methods: readonly AuthenticationMethod[],
): readonly AuthenticationMethod[] {
  if (floor === undefined) return methods;
  const rank = (method: AuthenticationMethod) => METHODS_WEAKEST_FIRST.indexOf(method);
  return methods.filter((method) => rank(method) >= rank(floor));
}

/** What CCP may agree on with these keys; undefined where there is nothing. */
export function mppeTerms(
  policy: EncryptionPolicy,
  keys: MppeStartKeys | undefined,
  floor: Mppe | undefined,
): MppeTerms | undefined {
  const bits = policy.bits
    .filter((strength) => (strength === 128 ? keys?.bits128 : keys?.bits64) !== undefined)
    .filter((strength) => floor === undefined || strength >= floor.bits)
    .sort((a, b) => b - a);
  if (bits.length === 0) return undefined;
  const stateful = policy.stateful && floor?.stateful !== false;
  // A copy is as long as it is; what filter made has room to grow.
  return { bits: [...bits], stateful, askStateful: policy.askStateful ?? false };
}

/** What the network phase may and must agree on. */
export function networkTerms(
  encryption: EncryptionPolicy,
  keys: MppeStartKeys | undefined,
  floor: Mppe | undefined,
): NetworkTerms {
  const terms = mppeTerms(encryption, keys, floor);
  return {
    mustEncrypt: encryption.require || floor !== undefined,
    mppe: keys === undefined || terms === undefined ? undefined : { terms, keys },
  };
}
