// `node benchmarks/run.mjs NAME [OPTIONS]` runs benchmarks/NAME.ts. What that imports from src/ comes
// from dist/, as `npm run build` made it: what is measured is what is installed.
import { existsSync } from "node:fs";
import { register } from "node:module";

const [name = ""] = process.argv.splice(2, 1);
const file = new URL(`./${name}.ts`, import.meta.url);
if (!/^[a-z-]+$/.test(name) || !existsSync(file)) {
  process.stderr.write(`no benchmark "${name}": see the bench: scripts of package.json\n`);
  process.exit(2);
}
if (!existsSync(new URL("../dist/cli/main.js", import.meta.url))) {
  process.stderr.write("nothing is built: npm run build\n");
  process.exit(2);
}
register("./typescript.mjs", import.meta.url);
await import(file.href);
