// The part every option policy shares: collect what to reject and what to nak, in that order.
import type { ConfigurationOption } from "../../wire/ppp/options.js";
import type { Judgement } from "./control-protocol.js";

/** `undefined`: acceptable as it is; `reject`: not negotiable; an option: what we would take. */
export type Opinion = ConfigurationOption | "reject" | undefined;

/**
 * One opinion an option; a second instance of a type is always rejected (RFC 1661 §6: "only once").
 * `missing` is appended to a Nak: options we need the peer to ask for.
 */
export function judgeEach(
  options: readonly ConfigurationOption[],
  opinionOf: (option: ConfigurationOption) => Opinion,
  missing: (seen: ReadonlySet<number>) => readonly ConfigurationOption[] = () => [],
): Judgement {
  const seen = new Set<number>();
  const rejected: ConfigurationOption[] = [];
  const naked: ConfigurationOption[] = [];
  for (const option of options) {
    const opinion = seen.has(option.type) ? "reject" : opinionOf(option);
    seen.add(option.type);
    if (opinion === "reject") rejected.push(option);
    else if (opinion !== undefined) naked.push(opinion);
  }
  if (rejected.length > 0) return { kind: "reject", options: rejected };
  naked.push(...missing(seen));
  return naked.length > 0 ? { kind: "nak", options: naked } : { kind: "ack" };
}
