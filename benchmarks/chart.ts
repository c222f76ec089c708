// A bar chart as SVG: panels below each other, in each a row a peer with a bar each way, on a scale of
// its own. Whatever is not drawn on it (the plain cable) is said below it.

export type Bar = { readonly label: string; readonly values: readonly (number | undefined)[] };
export type Panel = {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly string[];
  readonly bars: readonly Bar[];
  readonly note?: string;
};

const WIDTH = 760;
const LEFT = 130;
const RIGHT = 90;
const BAR = 13;
const ROW_GAP = 12;
const COLOURS = ["#2a6f97", "#e09f3e"];

const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function text(x: number, y: number, words: string, more = ""): string {
  return `<text x="${x}" y="${y}" ${more}>${escaped(words)}</text>`;
}

const shown = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

function row({ label, values }: Bar, top: number, most: number): string {
  const middle = top + (BAR * values.length) / 2 + 4;
  const bars = values.map((value, at) => {
    const y = top + at * BAR;
    if (value === undefined) return text(LEFT + 4, y + 10, "none");
    const width = Math.max(1, ((WIDTH - LEFT - RIGHT) * value) / most);
    return (
      `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[at]}"/>` +
      text(LEFT + width + 4, y + 10, shown(value))
    );
  });
  return text(LEFT - 8, middle, label, 'text-anchor="end" font-weight="600"') + bars.join("");
}

function legend({ series, unit }: Panel, y: number): string {
  let x = LEFT;
  const parts = series.map((name, at) => {
    const part = `<rect x="${x}" y="${y - 9}" width="10" height="10" fill="${COLOURS[at]}"/>${text(x + 14, y, name)}`;
    x += 30 + name.length * 7;
    return part;
  });
  return parts.join("") + text(WIDTH - 8, y, unit, 'text-anchor="end"');
}

function panel(it: Panel, top: number): { readonly svg: string; readonly bottom: number } {
  const most = Math.max(
    1e-9,
    ...it.bars.flatMap(({ values }) => values.map((value) => value ?? 0)),
  );
  let y = top + 20;
  const parts = [text(8, y, it.title, 'font-size="14" font-weight="700"'), legend(it, y + 20)];
  y += 32;
  for (const bar of it.bars) {
    parts.push(row(bar, y, most));
    y += BAR * bar.values.length + ROW_GAP;
  }
  if (it.note !== undefined) {
    parts.push(text(LEFT, y + 6, it.note, 'fill="#555"'));
    y += 16;
  }
  return { svg: parts.join("\n"), bottom: y + 8 };
}

export function chart(panels: readonly Panel[]): string {
  const parts: string[] = [];
  let y = 0;
  for (const it of panels) {
    const { svg, bottom } = panel(it, y);
    parts.push(svg);
    y = bottom;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" font-family="sans-serif" font-size="11" fill="#222">
<rect width="100%" height="100%" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}
