// The room as plain JavaScript in a directory any user can read, for tests that need a process of
// their own: Node runs no TypeScript.
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import ts from "typescript";

const ROOT = new URL("../..", import.meta.url).pathname;

export class CompiledOs implements Disposable {
  readonly directory: string;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "hf-os-"));
    chmodSync(this.directory, 0o755);
    writeFileSync(join(this.directory, "package.json"), '{ "type": "module" }');
    for (const name of ["koffi", "@koromix"]) {
      const to = join(this.directory, "node_modules", name);
      cpSync(join(ROOT, "node_modules", name), to, { recursive: true });
    }
    for (const room of ["base", "os", "limits"]) {
      for (const file of readdirSync(join(ROOT, "src", room))) {
        if (file.endsWith(".ts") && !file.endsWith(".test.ts")) this.#compile(join(room, file));
      }
    }
    this.#compile("limits.ts");
  }

  #compile(path: string): void {
    const source = readFileSync(join(ROOT, "src", path), "utf8");
    this.write(path.replace(/\.ts$/, ".js"), transpile(source));
  }

  /** A script beside the rooms (`./os/…`), in TypeScript; its path. */
  script(name: string, source: string): string {
    return this.write(`${basename(name, ".ts")}.js`, transpile(source));
  }

  write(path: string, text: string): string {
    const to = join(this.directory, path);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, text);
    return to;
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function transpile(source: string): string {
  const compilerOptions = {
    module: ts.ModuleKind.ES2022,
    target: ts.ScriptTarget.ES2022,
    verbatimModuleSyntax: true,
  };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
