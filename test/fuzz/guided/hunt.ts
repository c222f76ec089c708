// Coverage-guided fuzzing: an input that took a branch which none took before, or took one so many times
// more often, is kept and changed further. Everything comes from one seed, but for where the time ends.
import type { Chance } from "../../../src/base/chance.js";
import { mutate } from "../../../src/storm/mutator.js";

export type Target = {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  /** Throws what is wrong; what it returns is not looked at. */
  readonly run: (input: Uint8Array) => void;
};

const EDGES = 65_536;
export const INPUT_OCTETS_MAX = 1_024;
/** Inputs kept while hunting. */
const KEPT_MAX = 4_096;
/** One input takes no longer; a machine that has other work is asked a second time, for processor time. */
const INPUT_MS_MAX = 3_000;

const hits = new Uint8Array(EDGES);
const touched = new Uint16Array(EDGES);
let touchedCount = 0;

/** What instrumented code calls at every branch. */
export function edge(number: number): void {
  const before = hits[number]!;
  if (before === 0) touched[touchedCount++] = number;
  if (before < 255) hits[number] = before + 1;
}

/** How often, in classes: once, twice, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more. */
const CLASS = Uint8Array.from({ length: 256 }, (_, times) => {
  if (times <= 3) return times === 0 ? 0 : 1 << (times - 1);
  const bounds = [8, 16, 32, 128];
  return 8 << bounds.filter((bound) => times >= bound).length;
});

export class Finding extends Error {
  constructor(
    readonly target: string,
    readonly input: Uint8Array,
    readonly why: string,
  ) {
    super(why);
  }
}

export class Hunt {
  readonly kept: Uint8Array[] = [];
  runs = 0;
  readonly #seen = new Uint8Array(EDGES);

  constructor(
    readonly target: Target,
    readonly chance: Chance,
    /** Without it every input is as good as another: what a hunt that sees nothing would find. */
    readonly guided = true,
  ) {}

  /** Branches taken so far. */
  get edges(): number {
    let edges = 0;
    for (const seen of this.#seen) if (seen !== 0) edges++;
    return edges;
  }

  /** Throws a Finding. */
  try(input: Uint8Array): void {
    // What ran since the last one, to make seeds say, would hide its branches.
    for (let i = 0; i < touchedCount; i++) hits[touched[i]!] = 0;
    touchedCount = 0;
    const begun = performance.now();
    this.#run(input);
    if (performance.now() - begun > INPUT_MS_MAX) {
      const before = process.cpuUsage();
      this.#run(input);
      const { user, system } = process.cpuUsage(before);
      const ms = (user + system) / 1_000;
      if (ms > INPUT_MS_MAX)
        throw new Finding(this.target.name, input, `took ${Math.round(ms)} ms`);
    }
    this.runs++;
    if (this.#isNew() && this.guided && this.kept.length < KEPT_MAX) this.kept.push(input);
  }

  #run(input: Uint8Array): void {
    try {
      // A copy: what decrypts in place must not change the corpus.
      this.target.run(input.slice());
    } catch (failure) {
      const why = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
      throw new Finding(this.target.name, input, why);
    }
  }

  until(over: () => boolean): void {
    const { chance, target } = this;
    for (const seed of target.seeds) this.try(seed.slice(0, INPUT_OCTETS_MAX));
    while (!over()) {
      for (let i = 0; i < 64; i++) {
        const corpus = this.kept.length > 0 ? this.kept : target.seeds;
        // Half of the time of what came last: it leads on.
        const recent = chance.happens(0.5) ? Math.max(0, corpus.length - 32) : 0;
        let input = corpus[chance.int(recent, corpus.length - 1)]!;
        for (let times = chance.int(1, 3); times > 0; times--)
          input = mutate(chance, input, corpus);
        this.try(input.length > INPUT_OCTETS_MAX ? input.slice(0, INPUT_OCTETS_MAX) : input);
      }
    }
  }

  /** The fewest, shortest of those kept that take every branch they all take. */
  minimised(): Uint8Array[] {
    const fewest = new Hunt(this.target, this.chance);
    const shortest = [...this.kept].sort((a, b) => a.length - b.length);
    for (const input of shortest) fewest.try(input);
    return fewest.kept;
  }

  #isNew(): boolean {
    const seen = this.#seen;
    let isNew = false;
    for (let i = 0; i < touchedCount; i++) {
      const number = touched[i]!;
      const times = CLASS[hits[number]!]!;
      if ((seen[number]! & times) === 0) {
        seen[number] = seen[number]! | times;
        isNew = true;
      }
      hits[number] = 0;
    }
    return isNew;
  }
}
