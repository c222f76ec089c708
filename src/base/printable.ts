const unseen = /[\p{C}\p{Zl}\p{Zp}]/u;

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

/**
 * For text that is escaped already, as the log's: what is invisible or turns a line around cannot stand in it,
 * and its backslashes are its own. At most `charactersMax` are shown.
 */
export function inert(text: string, charactersMax: number): string {
  const characters = [...text.slice(0, 2 * charactersMax)];
  const shown = characters.slice(0, charactersMax);
  const more = shown.length < characters.length || text.length > 2 * charactersMax;
  return `${shown.map((one) => (unseen.test(one) ? escaped(one) : one)).join("")}${more ? "…" : ""}`;
}

/**
 * The one way a peer's or user's string reaches a terminal, log, page or label: control characters,
 * bidirectional marks and other invisibles become `\u{…}`, and at most `charactersMax` are shown.
 */
export function printable(text: string, charactersMax = 64): string {
  let shown = "";
  let count = 0;
  for (const character of text) {
    if (count++ >= charactersMax) return `${shown}…`;
    shown += character === "\\" || unseen.test(character) ? escaped(character) : character;
  }
  return shown;
}
