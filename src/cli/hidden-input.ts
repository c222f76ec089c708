// A line typed on a terminal without being shown.
import { StringDecoder } from "node:string_decoder";

export type HiddenTerminal = {
  setRawMode(raw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: "data", heard: (chunk: Buffer | string) => void): unknown;
  off(event: "data", heard: (chunk: Buffer | string) => void): unknown;
};

const charactersMax = 1_024;
const enter = new Set(["\r", "\n"]);
const control = { giveUp: "\u0003", end: "\u0004", clear: "\u0015" };
const erase = new Set(["\u007f", "\b"]);

/** Undefined when given up (Ctrl-C, or Ctrl-D on an empty line). The terminal is put back. */
export function askHidden(
  prompt: string,
  terminal: HiddenTerminal,
  shown: { write(text: string): unknown },
): Promise<string | undefined> {
  return new Promise((done) => {
    const decoder = new StringDecoder("utf8");
    let typed: string[] = [];
    const finish = (line: string | undefined) => {
      terminal.off("data", heard);
      terminal.setRawMode(false);
      terminal.pause();
      shown.write("\n");
      done(line);
    };
    const heard = (chunk: Buffer | string) => {
      for (const character of typeof chunk === "string" ? chunk : decoder.write(chunk)) {
        if (enter.has(character)) return finish(typed.join(""));
        if (character === control.giveUp) return finish(undefined);
        if (character === control.end) {
          return finish(typed.length === 0 ? undefined : typed.join(""));
        }
        if (character === control.clear) typed = [];
        else if (erase.has(character)) typed.pop();
        else if (character >= " " && typed.length < charactersMax) typed.push(character);
      }
      return undefined;
    };
    shown.write(prompt);
    terminal.setRawMode(true);
    terminal.on("data", heard);
    terminal.resume();
  });
}
