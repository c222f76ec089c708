// The text format of metrics as `promtool check metrics` looks at it.
const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const sampleLine =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*"(?:,(?!\}))?)+\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)$/;

/** What `promtool check metrics` finds fault with, and a sample that is there twice. */
export function expositionFaults(text: string): string[] {
  const found: string[] = [];
  if (!text.endsWith("\n")) found.push("no line's end at the end");
  let family = "";
  let type = "";
  const families = new Set<string>();
  const samples = new Set<string>();
  for (const line of text.split("\n").slice(0, -1)) {
    const [, name = "", help] = /^# HELP (\S+) (.+)$/.exec(line) ?? [];
    const [, typed = "", kind = ""] = /^# TYPE (\S+) (counter|gauge)$/.exec(line) ?? [];
    if (help !== undefined) {
      if (families.has(name)) found.push(`${name}: twice`);
      if (!metricName.test(name) || /[A-Z]/.test(name)) found.push(`${name}: its name`);
      families.add(name);
      family = name;
    } else if (typed !== "") {
      if (typed !== family) found.push(`${typed}: its type stands elsewhere`);
      if ((kind === "counter") !== typed.endsWith("_total")) found.push(`${typed}: ${kind}`);
      type = kind;
    } else {
      const [, of = "", labels = ""] = sampleLine.exec(line) ?? [];
      if (of === "") found.push(`not a sample: ${line}`);
      else if (of !== family || type === "") found.push(`${of}: outside of its family`);
      if (samples.has(of + labels)) found.push(`${of}${labels}: twice`);
      samples.add(of + labels);
    }
  }
  return found;
}
