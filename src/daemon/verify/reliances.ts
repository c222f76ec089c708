// Which settings of the running configuration a shipped advisory relies on: with others its statement
// still holds, but the protection is less than what its tests were run with.
import { control } from "../../limits.js";
import type { Config } from "../config/resolve.js";

export type Reliance = {
  /** As in the configuration, and in the advisory's text. */
  readonly key: string;
  readonly holds: (config: Config) => boolean;
  readonly expected: string;
};

const atMost = (name: keyof Config["limits"]["control"] & keyof typeof control): Reliance => ({
  key: `limits.control.${name}`,
  holds: ({ limits }) => limits.control[name] <= control[name],
  expected: `at most ${control[name]}`,
});

/** By the advisory's id. */
export const reliances: Readonly<Record<string, readonly Reliance[]>> = {
  "HOLDFAST-2026-001": [
    { key: "filter", holds: ({ filter }) => filter === "auto", expected: "auto" },
    { key: "guard.block", holds: ({ guard }) => guard.block, expected: "true" },
    atMost("startDeadlineMs"),
    atMost("messageDeadlineMs"),
    atMost("messagesPerSecond"),
    atMost("messagesBurst"),
    atMost("overRateMs"),
  ],
};
