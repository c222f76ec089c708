// Which of the stream's addresses each scenario has: its own, so that what one was blocked for is not held against the
// next; a flood from one has one, a flood from many what is left.
import type { Scenario } from "./scenario.js";

/** Of one that says nothing of it. */
const FEW = 4;

/** One list a scenario, in order; where there are too few to go round, all have all. */
export function sharesOf<Source>(
  scenarios: readonly Pick<Scenario, "sources">[],
  sources: readonly Source[],
): readonly (readonly Source[])[] {
  const lone = scenarios.filter((one) => one.sources === "one").length;
  const many = scenarios.filter((one) => one.sources === "many").length;
  const others = scenarios.length - lone;
  if (sources.length < scenarios.length) {
    return scenarios.map((one) => (one.sources === "one" ? sources.slice(0, 1) : sources));
  }
  const few = Math.min(FEW, Math.floor((sources.length - lone) / Math.max(others, 1)));
  const left = sources.length - lone - few * others;
  const crowd = few + (many === 0 ? 0 : Math.floor(left / many));
  let at = 0;
  return scenarios.map((one) => {
    const count = one.sources === "one" ? 1 : one.sources === "many" ? crowd : few;
    at += count;
    return sources.slice(at - count, at);
  });
}
