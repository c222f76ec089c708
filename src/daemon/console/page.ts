// The page's files, as the build left them: read once, the same for everyone, and nothing else of the
// disk.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type PageFile = {
  readonly type: string;
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Of its content: a browser asks with it whether its own is still right. */
  readonly tag: string;
};

const files = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/app.js", "app.js", "text/javascript; charset=utf-8"],
  ["/app.css", "app.css", "text/css; charset=utf-8"],
] as const;

/** Run from its sources (tests), it takes the last build's. */
function directory(): URL {
  const beside = new URL("../../web/", import.meta.url);
  const built = existsSync(fileURLToPath(new URL("app.js", beside)));
  return built ? beside : new URL("../../../dist/web/", import.meta.url);
}

/** By path; without those that are not there. */
export function pageFiles(from = directory()): ReadonlyMap<string, PageFile> {
  const found = new Map<string, PageFile>();
  for (const [path, name, type] of files) {
    const file = new URL(name, from);
    if (!existsSync(fileURLToPath(file))) continue;
    const octets = new Uint8Array(readFileSync(file));
    const tag = `"${createHash("sha256").update(octets).digest("base64url").slice(0, 22)}"`;
    found.set(path, { type, octets, tag });
  }
  return found;
}
