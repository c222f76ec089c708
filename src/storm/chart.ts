// One picture of the report: a line over time as inline SVG, the scenarios as bands behind it.

export type Point = { readonly atMs: number; readonly value: number | undefined };
export type Band = { readonly fromMs: number; readonly toMs: number; readonly name: string };

const WIDTH = 860;
const HEIGHT = 150;
const LEFT = 70;
const BOTTOM = 18;
const TOP = 16;
/** More points than this are one a pixel, the highest of each. */
const POINTS_MAX = WIDTH - LEFT;

/** `show`: a value as it stands at the axis. */
export function chart(
  title: string,
  points: readonly Point[],
  bands: readonly Band[],
  show: (value: number) => string,
): string {
  const last = points.at(-1)?.atMs ?? 0;
  const known = points.flatMap(({ value }) => (value === undefined ? [] : [value]));
  if (known.length === 0 || last === 0)
    return `<figure><figcaption>${title}: not measured</figcaption></figure>`;
  const highest = Math.max(...thinned(points).flatMap(({ value }) => value ?? []), 1e-9);
  const x = (ms: number) => (LEFT + ((WIDTH - LEFT) * ms) / last).toFixed(1);
  const y = (value: number) =>
    (HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * value) / highest).toFixed(1);
  const behind = bands.map(({ fromMs, toMs, name }, at) => {
    const width = (Number(x(toMs)) - Number(x(fromMs))).toFixed(1);
    const shade = at % 2 === 0 ? "even" : "odd";
    const area = `<rect class="${shade}" x="${x(fromMs)}" y="${TOP}" width="${width}" height="${HEIGHT - BOTTOM - TOP}"><title>${name}</title></rect>`;
    return `${area}<text class="name" x="${x(fromMs)}" y="11">${at + 1}</text>`;
  });
  const axis = [0, highest].map(
    (value) => `<text class="axis" x="${LEFT - 6}" y="${y(value)}">${show(value)}</text>`,
  );
  const ends = [
    `<text x="${LEFT}" y="${HEIGHT - 4}">0 s</text>`,
    `<text class="axis" x="${WIDTH}" y="${HEIGHT - 4}">${Math.round(last / 1_000)} s</text>`,
  ];
  return `<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">${behind.join("")}
<path d="${pathOf(thinned(points), x, y)}"/>${axis.join("")}${ends.join("")}</svg></figure>`;
}

/** A gap where nothing was measured. */
function pathOf(
  points: readonly Point[],
  x: (ms: number) => string,
  y: (value: number) => string,
): string {
  let pen = "M";
  const parts: string[] = [];
  for (const { atMs, value } of points) {
    if (value === undefined) {
      pen = "M";
      continue;
    }
    parts.push(`${pen}${x(atMs)} ${y(value)}`);
    pen = "L";
  }
  return parts.join("");
}

function thinned(points: readonly Point[]): readonly Point[] {
  const each = Math.ceil(points.length / POINTS_MAX);
  if (each <= 1) return points;
  const thin: Point[] = [];
  for (let at = 0; at < points.length; at += each) {
    const some = points.slice(at, at + each);
    const known = some.flatMap(({ value }) => (value === undefined ? [] : [value]));
    const value = known.length === 0 ? undefined : Math.max(...known);
    thin.push({ atMs: some[0]?.atMs ?? 0, value });
  }
  return thin;
}
