// Builds the console's page: one script, one style sheet, one document, into dist/web.
import { copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const { build } = await import("esbuild").catch(() => {
  console.error("esbuild is not installed: run npm install (or npm ci)");
  process.exit(1);
});

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = here("../dist/web");

mkdirSync(out, { recursive: true });
await build({
  entryPoints: [{ in: here("src/main.tsx"), out: "app" }],
  outdir: out,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "eof",
  jsx: "automatic",
  jsxImportSource: "preact",
});
copyFileSync(here("index.html"), `${out}/index.html`);
