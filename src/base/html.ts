// Text on a page: quoted, in one file without a script that fetches nothing.

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Safe between tags and in a quoted attribute. */
export function quoted(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** A whole page; `body` is HTML, the rest is text. */
export function page(of: {
  readonly language: string;
  readonly title: string;
  readonly style: string;
  readonly body: string;
}): string {
  return `<!doctype html>
<html lang="${quoted(of.language)}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${quoted(of.title)}</title><style>${of.style}</style></head><body>
${of.body}
</body></html>
`;
}
