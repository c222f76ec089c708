// What the commands of test/ are told: read, or refused with their usage and exit code 2.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

/** `options` as parseArgs() takes them. */
export function wordsOf(usage, options) {
  const refuse = (why) => {
    process.stderr.write(`${why}\n${usage}\n`);
    process.exit(2);
  };
  const read = () => {
    try {
      return parseArgs({ options }).values;
    } catch (error) {
      return refuse(error.message);
    }
  };
  const words = read();
  /** Undefined where it was left out. */
  const number = (name, least, most, form = /^[0-9]{1,12}$/) => {
    const text = words[name];
    if (text === undefined) return undefined;
    const value = form.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? value : refuse(`--${name} ${text}: not such a number`);
  };
  return { words, refuse, number };
}

export function freshSeed() {
  return Math.floor(Math.random() * 2 ** 32);
}

export function needBuilt() {
  if (existsSync(new URL("../dist/plane/lane.wasm", import.meta.url))) return;
  process.stderr.write("nothing is built: npm run build\n");
  process.exit(2);
}
