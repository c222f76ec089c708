// What may stand in a log line. Whatever a caller hands in, no key, challenge, response or password
// is written, and nothing that moves a terminal's cursor.

export type LogFields = Readonly<Record<string, unknown>>;

const textMax = 512;
const listMax = 64;
const depthMax = 3;

/** Names whose values are secrets, whoever passes them and at whatever level. */
const secretName =
  /pass(word|phrase)|secret|challenge|response|nthash|clear.?text|(^|[a-z])keys?$/i;

export function safeFields(fields: LogFields): Record<string, unknown> {
  return safeRecord(fields, 0);
}

/** Escapes what is invisible or moves the cursor. Text that went through printable() stays as it is. */
export function safeText(text: string): string {
  const cut = text.length > textMax ? `${text.slice(0, textMax)}…` : text;
  return cut.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

function safeRecord(record: object, depth: number): Record<string, unknown> {
  const safe: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record).slice(0, listMax)) {
    safe[safeText(name)] = secretName.test(name) ? "[kept out]" : safeValue(value, depth);
  }
  return safe;
}

function safeValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return safeText(value);
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (value === undefined) return undefined;
  if (typeof value === "bigint") return String(value);
  // Octets can be a key: their number is all that is told.
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} octets]`;
  if (value instanceof Error) return safeError(value);
  if (typeof value !== "object" || depth >= depthMax) return `[${typeof value}]`;
  if (Array.isArray(value)) return value.slice(0, listMax).map((one) => safeValue(one, depth + 1));
  return safeRecord(value, depth + 1);
}

function safeError(error: Error): Record<string, unknown> {
  const { name, message, stack } = error;
  const frames = stack
    ?.split("\n")
    .slice(1, 6)
    .map((line) => safeText(line.trim()));
  return { name, message: safeText(message), stack: frames };
}
