// The configuration in effect, as YAML that could be the file: what is default says so.
import { Document, isMap, isScalar, type Node, visit } from "yaml";
import type { Path } from "./problems.js";
import type { Settings } from "./schema.js";
import type { ConfigSource } from "./source.js";

/** With `source`, every value the file does not name is marked `# default`. */
export function showConfig(settings: Settings, source: ConfigSource | undefined): string {
  const document = new Document(settings);
  mark(document.contents, [], source);
  visit(document, {
    Seq: (_key, sequence) => {
      if (sequence.items.every((item) => isScalar(item))) sequence.flow = true;
    },
  });
  return document.toString({ lineWidth: 100, flowCollectionPadding: false });
}

function mark(node: Node | null, path: Path, source: ConfigSource | undefined): void {
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      mark(value as Node | null, [...path, String(key.value)], source);
    }
    return;
  }
  if (node === null || source?.has(path) !== false) return;
  node.comment = " default";
}
