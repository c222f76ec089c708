// What `holdfast connect` tells whoever called it: a checklist on standard output, what is wrong with
// its remedy on standard error; or one JSON object a line for a program.
import { type Checked, type StepState, steps } from "./diagnosis/steps.js";
import type { Verdict } from "./diagnosis/verdicts.js";

type Fields = Readonly<Record<string, string | number | undefined>>;

const marks: Readonly<Record<StepState, string>> = { ok: "ok  ", failed: "FAIL", none: "-   " };

export class Teller {
  constructor(readonly json: boolean) {}

  step({ step, state, detail }: Checked): void {
    if (this.json) return this.#out({ event: "step", step, state, detail });
    const text = detail === "" ? steps[step] : `${steps[step]}: ${detail}`;
    process.stdout.write(`${marks[state]}  ${text}\n`);
  }

  event(event: string, fields: Fields): void {
    if (this.json) return this.#out({ event, ...fields });
    const given = Object.entries(fields).filter(([, value]) => value !== undefined);
    const words = given.map(([name, value]) => `${name} ${value}`);
    process.stdout.write(`${[event, ...words].join("  ")}\n`);
  }

  verdict({ name, exitCode, message, remedy }: Verdict): void {
    if (this.json) this.#out({ event: "verdict", verdict: name, exitCode, message, remedy });
    else this.complain(message, remedy);
  }

  complain(message: string, remedy: string): void {
    if (this.json) this.#out({ event: "trouble", message, remedy });
    else process.stderr.write(`holdfast: ${message}\nRemedy: ${remedy}.\n`);
  }

  #out(line: object): void {
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}
