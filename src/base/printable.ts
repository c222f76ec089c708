/**
 * The one way a peer's or user's string reaches a terminal, log, page or label: control characters,
 * bidirectional marks and other invisibles become `\u{…}`, and at most `charactersMax` are shown.
 */
export function printable(text: string, charactersMax = 64): string {
  let shown = "";
  let count = 0;
  for (const character of text) {
    if (count++ >= charactersMax) return `${shown}…`;
    shown += /[\p{C}\p{Zl}\p{Zp}\\]/u.test(character)
      ? `\\u{${character.codePointAt(0)!.toString(16)}}`
      : character;
  }
  return shown;
}
