// Versions of holdfast against what an advisory says of them: `0.1.0`, or a range in vers syntax,
// `vers:npm/>=0.1.0|<0.2.0`.

type Version = readonly [major: number, minor: number, patch: number, release: 0 | 1];

/** Undefined: no version. One with a suffix (`0.2.0-rc.1`) comes before the one without. */
function read(text: string): Version | undefined {
  const [, major, minor, patch, suffix] =
    /^([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})(-[0-9A-Za-z.-]+)?$/.exec(text) ?? [];
  if (major === undefined) return undefined;
  return [Number(major), Number(minor), Number(patch), suffix === undefined ? 1 : 0];
}

function compare(a: Version, b: Version): number {
  for (let at = 0; at < a.length; at++) {
    const apart = (a[at] ?? 0) - (b[at] ?? 0);
    if (apart !== 0) return apart;
  }
  return 0;
}

const holds: Readonly<Record<string, (order: number) => boolean>> = {
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
  "=": (order) => order === 0,
};

/** Undefined: it cannot be told, the version or the range being none. All of a range's bounds must hold. */
export function isIn(version: string, range: string): boolean | undefined {
  const own = read(version);
  if (own === undefined) return undefined;
  if (!range.startsWith("vers:")) {
    const one = read(range);
    return one && compare(own, one) === 0;
  }
  const [, bounds] = /^vers:npm\/(.+)$/.exec(range) ?? [];
  if (bounds === undefined) return undefined;
  if (bounds === "*") return true;
  for (const bound of bounds.split("|")) {
    const [, sign = "=", text = ""] = /^(<=|>=|<|>|=)?(.+)$/.exec(bound) ?? [];
    const other = read(text);
    const judge = holds[sign];
    if (other === undefined || judge === undefined) return undefined;
    if (!judge(compare(own, other))) return false;
  }
  return true;
}
