// When an account may log in (RFC 2759 §6, error 646): `mon-fri 08:00-18:00, sat 09:00-12:00`.

/** Minutes of the week from Monday 00:00; `from` belongs to it, `to` does not. */
type Span = { readonly from: number; readonly to: number };

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY = 24 * 60;
const WEEK = 7 * DAY;
const ITEM = /^([a-z]{3}|daily)(?:-([a-z]{3}))? ([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})$/;

function days(first: string, last: string | undefined): readonly number[] | undefined {
  if (first === "daily") return last === undefined ? [0, 1, 2, 3, 4, 5, 6] : undefined;
  const from = DAYS.indexOf(first);
  const to = last === undefined ? from : DAYS.indexOf(last);
  if (from < 0 || to < 0) return undefined;
  const count = ((to - from + 7) % 7) + 1;
  return Array.from({ length: count }, (_, i) => (from + i) % 7);
}

/** An end before its begin is on the next day: `fri 22:00-06:00`. Undefined when not understood. */
export function parseHours(text: string): readonly Span[] | undefined {
  const spans: Span[] = [];
  for (const item of text.toLowerCase().split(",")) {
    const match = ITEM.exec(item.trim().replace(/\s+/g, " "));
    if (match === null) return undefined;
    const on = days(match[1]!, match[2]);
    const from = Number(match[3]) * 60 + Number(match[4]);
    const to = Number(match[5]) * 60 + Number(match[6]);
    const minutesFine = Number(match[4]) < 60 && Number(match[6]) < 60;
    if (on === undefined || !minutesFine || from >= DAY || to > DAY || from === to)
      return undefined;
    for (const day of on) {
      spans.push({ from: day * DAY + from, to: day * DAY + (to > from ? to : to + DAY) });
    }
  }
  return spans;
}

/** `weekday` as Date's: 0 is Sunday. */
export function isWithin(spans: readonly Span[], weekday: number, minuteOfDay: number): boolean {
  const minute = ((weekday + 6) % 7) * DAY + minuteOfDay;
  return spans.some(({ from, to }) => (from <= minute && minute < to) || minute + WEEK < to);
}
