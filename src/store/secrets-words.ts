// Words of a pppd secrets file (pppd(8), "OPTIONS FILES"; the rest observed from pppd 2.4.9): quotes
// of both kinds anywhere in a word, backslash escapes in and out of them, `#` up to the line's end.

/** A line of the file, with the words that begin on it; a quoted newline makes it several. */
export type WordLine = {
  readonly line: number;
  readonly lastLine: number;
  /** Octets: what they mean is the reader's affair. */
  readonly words: readonly Uint8Array[];
  readonly comment: boolean;
  /** What makes the line unreadable. */
  readonly fault: string | undefined;
};

const NEWLINE = 10;
const HASH = 35;
const QUOTES = [34, 39];
const BACKSLASH = 92;
/** Tab, vertical tab, form feed, carriage return, space. */
const BLANKS = [9, 11, 12, 13, 32];
/** pppd's longest word. */
const WORD_OCTETS_MAX = 1023;
const LETTERS: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, s: 32, t: 9 };

class Reader {
  #at = 0;
  line = 1;

  constructor(readonly octets: Uint8Array) {}

  get atEnd(): boolean {
    return this.#at >= this.octets.length;
  }

  peek(ahead = 0): number {
    return this.octets[this.#at + ahead] ?? -1;
  }

  next(): number {
    const octet = this.peek();
    this.#at++;
    if (octet === NEWLINE) this.line++;
    return octet;
  }

  /** Digits of `base`, at most `most`, as a number of 8 bits. */
  digits(base: 8 | 16, most: number): number {
    let value = 0;
    for (let i = 0; i < most; i++) {
      const character = String.fromCharCode(Math.max(0, this.peek()));
      if (!(base === 8 ? /[0-7]/ : /[0-9a-fA-F]/).test(character)) break;
      value = value * base + Number.parseInt(this.next() === -1 ? "0" : character, base);
    }
    return value & 255;
  }

  /** What a backslash stands for with what follows it; undefined: nothing (a continued line). */
  escape(): number | undefined {
    const octet = this.peek();
    if (octet >= 48 && octet <= 55) return this.digits(8, 3);
    this.next();
    if (octet === NEWLINE || octet === -1) return undefined;
    const letter = String.fromCharCode(octet);
    return letter === "x" ? this.digits(16, 2) : (LETTERS[letter] ?? octet);
  }
}

/** One word; the reader stands on its first octet, and behind the word after. */
function readWord(reader: Reader): { word: Uint8Array; fault: string | undefined } {
  const word: number[] = [];
  let quote: number | undefined;
  let fault: string | undefined;
  for (;;) {
    const octet = reader.peek();
    if (reader.atEnd) {
      if (quote !== undefined) fault = "a quoted word runs to the end of the file";
      break;
    }
    if (quote === undefined && (BLANKS.includes(octet) || octet === NEWLINE || octet === HASH))
      break;
    reader.next();
    if (quote === undefined ? QUOTES.includes(octet) : octet === quote) {
      quote = quote === undefined ? octet : undefined;
    } else {
      const value = octet === BACKSLASH ? reader.escape() : octet;
      if (value === 0) fault = "a word has an octet 0";
      if (value !== undefined) word.push(value);
    }
  }
  if (word.length > WORD_OCTETS_MAX) fault = `a word is longer than ${WORD_OCTETS_MAX} octets`;
  return { word: Uint8Array.from(word), fault };
}

/** Every line of the file, in order. */
export function readWordLines(octets: Uint8Array): readonly WordLine[] {
  const reader = new Reader(octets);
  const lines: WordLine[] = [];
  while (!reader.atEnd) {
    const line = reader.line;
    const words: Uint8Array[] = [];
    let comment = false;
    let fault: string | undefined;
    while (!reader.atEnd && reader.peek() !== NEWLINE) {
      const octet = reader.peek();
      if (BLANKS.includes(octet)) reader.next();
      else if (octet === HASH) {
        comment = true;
        while (!reader.atEnd && reader.peek() !== NEWLINE) reader.next();
      } else if (octet === BACKSLASH && reader.peek(1) === NEWLINE) {
        reader.next();
        reader.next();
      } else {
        const read = readWord(reader);
        words.push(read.word);
        fault ??= read.fault;
      }
    }
    const lastLine = reader.line;
    if (!reader.atEnd) reader.next();
    lines.push({ line, lastLine, words, comment, fault });
  }
  return lines;
}
