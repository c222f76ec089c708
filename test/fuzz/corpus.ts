// What the mutator starts from: every good message, and what was found or published as hostile.
import { readFileSync } from "node:fs";
import { fromHex } from "../../src/base/hex.js";
import { pppFrames as samples } from "../../src/storm/samples.js";
import { controlMessageLayouts } from "../../src/wire/pptp/index.js";
import { sampleOctets } from "../control-peer.js";

type Negative = { readonly id: string; readonly layer: string; readonly send: readonly string[] };

const { negative } = JSON.parse(
  readFileSync(new URL("../vectors/vectors.json", import.meta.url), "utf8"),
) as { negative: readonly Negative[] };

export type Vector = { readonly id: string; readonly send: readonly Uint8Array[] };

export function vectorsOf(layer: string): readonly Vector[] {
  return negative
    .filter((vector) => vector.layer === layer)
    .map(({ id, send }) => ({ id, send: send.map((hex) => fromHex(hex) ?? new Uint8Array()) }));
}

export const controlMessages: readonly Uint8Array[] = controlMessageLayouts.map(({ kind }) =>
  sampleOctets(kind),
);

const [SCCRQ, SCCRP] = controlMessages;
export const startRequest = SCCRQ!;
export const startReply = SCCRP!;

/** PPP frames of every protocol and code, and hostile ones; those of real log-ins are recorded beside. */
export const pppFrames: readonly Uint8Array[] = [
  ...samples,
  ...vectorsOf("ppp").flatMap(({ send }) => send),
];
