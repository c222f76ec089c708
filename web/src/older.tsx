// Lists that the server gives a page at a time, newest first: the newest page is read again and again,
// older ones once they are asked for.
import { useState } from "preact/hooks";
import { get, type Refused } from "./api.js";
import { useLoaded } from "./parts.js";

/** `path` has a query already; `onesOf` a page are in its order. `more` is there while there are older ones. */
export function useOlder<Page extends { readonly next: number | null }, One>(
  path: string,
  everyMs: number,
  onesOf: (page: Page) => readonly One[],
) {
  const { value, failure } = useLoaded<Page>(path, everyMs);
  const [read, setRead] = useState<{
    readonly of: string;
    readonly ones: readonly One[];
    readonly next: number | null;
  }>();
  const [refused, setRefused] = useState<Refused>();
  // Those of another path were read in another language.
  const older = read?.of === path ? read : undefined;
  const next = older === undefined ? value?.next : older.next;
  const more = () =>
    get<Page>(`${path}&before=${next}`).then((page) => {
      const ones = [...(older?.ones ?? []), ...onesOf(page)];
      setRead({ of: path, ones, next: page.next });
    }, setRefused);
  return {
    loaded: value !== undefined,
    all: [...(value === undefined ? [] : onesOf(value)), ...(older?.ones ?? [])],
    failure: failure ?? refused,
    more: next === null || next === undefined ? undefined : () => void more(),
  };
}

export function More({
  label,
  onMore,
}: {
  readonly label: string;
  onMore?: (() => void) | undefined;
}) {
  if (onMore === undefined) return null;
  return (
    <button type="button" onClick={onMore}>
      {label}
    </button>
  );
}
