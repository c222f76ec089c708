// All sessions: searched and sorted here, and of thousands only those rows made that are seen.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { SessionSummary, SessionsPage } from "../../../src/console/contract.js";
import { get, type Refused } from "../api.js";
import { Failure } from "../parts.js";
import { useWords } from "../settings.js";
import { duration, name, octets } from "../shown.js";

const rowHeight = 36;
/** Rows made above and below what is seen. */
const spare = 8;
const pageSize = 1_000;
/** With few, they are read anew by themselves; with many, when asked. */
const fewMost = 1_000;
const everyMs = 5_000;

type Column = {
  readonly key: "user" | "peer" | "address" | "up" | "received" | "sent" | "loss" | "rtt" | "phase";
  readonly order: (one: SessionSummary) => string | number;
  readonly cell: (one: SessionSummary, now: number) => string;
  readonly number?: true;
  /** Left out on a narrow screen. */
  readonly wide?: true;
};

const columns: readonly Column[] = [
  { key: "user", order: ({ user }) => user ?? "", cell: ({ user }) => name(user) },
  { key: "peer", order: (one) => one.peerAddress, cell: (one) => one.peerAddress },
  {
    key: "address",
    order: (one) => one.framedAddress ?? "",
    cell: (one) => one.framedAddress ?? "–",
  },
  {
    key: "up",
    order: (one) => -(one.upAt ?? one.calledAt),
    cell: (one, now) => (one.upAt === null ? "–" : duration(now - one.upAt)),
    number: true,
  },
  {
    key: "received",
    order: ({ counters }) => counters.receivedOctets,
    cell: ({ counters }) => octets(counters.receivedOctets),
    number: true,
    wide: true,
  },
  {
    key: "sent",
    order: ({ counters }) => counters.sentOctets,
    cell: ({ counters }) => octets(counters.sentOctets),
    number: true,
    wide: true,
  },
  {
    key: "loss",
    order: ({ counters }) => counters.lost,
    cell: ({ counters }) => String(counters.lost),
    number: true,
    wide: true,
  },
  {
    key: "rtt",
    order: ({ counters }) => counters.roundTripMs,
    cell: ({ counters }) => counters.roundTripMs.toFixed(1),
    number: true,
    wide: true,
  },
  { key: "phase", order: ({ phase }) => phase, cell: ({ phase }) => phase, wide: true },
];

export function matching(sessions: readonly SessionSummary[], search: string): SessionSummary[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return sessions.filter((one) => {
    const text = [one.user, one.peerAddress, one.framedAddress, one.peersHostName, one.phase]
      .join(" ")
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function useSessions() {
  const [found, setFound] = useState<readonly SessionSummary[]>();
  const [failure, setFailure] = useState<Refused>();
  const reading = useRef(false);
  const reload = useCallback(async () => {
    if (reading.current) return;
    reading.current = true;
    try {
      const all: SessionSummary[] = [];
      for (let after: number | null = 0; after !== null; ) {
        const page: SessionsPage = await get(`/sessions?most=${pageSize}&after=${after}`);
        all.push(...page.sessions);
        after = page.next;
      }
      setFound(all);
      setFailure(undefined);
    } catch (refused) {
      setFailure(refused as Refused);
    } finally {
      reading.current = false;
    }
  }, []);
  const few = (found?.length ?? 0) <= fewMost;
  useEffect(() => void reload(), [reload]);
  useEffect(() => {
    if (!few) return;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), everyMs);
    return () => clearInterval(timer);
  }, [few, reload]);
  return { found, failure, reload };
}

export function Sessions() {
  const words = useWords();
  const w = words.sessions;
  const { found, failure, reload } = useSessions();
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState({ at: 0, down: false });
  const shown = useMemo(() => {
    const { order } = columns[sort.at] as Column;
    const keyed = matching(found ?? [], search).map((one) => [order(one), one] as const);
    const sign = sort.down ? -1 : 1;
    keyed.sort(([a], [b]) => (a < b ? -sign : a > b ? sign : 0));
    return keyed.map(([, one]) => one);
  }, [found, search, sort]);
  return (
    <>
      <h1>{words.pages.sessions}</h1>
      <div class="bar">
        <input
          type="search"
          aria-label={w.search}
          placeholder={w.search}
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
        <button type="button" onClick={() => void reload()}>
          {w.refresh}
        </button>
        <span class="quiet" role="status">
          {found === undefined ? w.loading : w.count(shown.length, found.length)}
        </span>
      </div>
      <Failure of={failure} />
      {found !== undefined && shown.length === 0 ? <p>{w.none}</p> : null}
      {shown.length === 0 ? null : (
        <Rows
          shown={shown}
          sort={sort}
          onSort={(at) => setSort({ at, down: sort.at === at ? !sort.down : false })}
        />
      )}
    </>
  );
}

function Rows(props: {
  readonly shown: readonly SessionSummary[];
  readonly sort: { readonly at: number; readonly down: boolean };
  onSort(at: number): void;
}) {
  const words = useWords();
  const { shown, sort, onSort } = props;
  const box = useRef<HTMLElement>(null);
  const [seen, setSeen] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = () => setSeen({ top: element.scrollTop, height: element.clientHeight });
    const fit = new ResizeObserver(look);
    fit.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      fit.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);
  const first = Math.max(0, Math.min(Math.floor(seen.top / rowHeight) - spare, shown.length - 1));
  const last = Math.min(shown.length, first + Math.ceil(seen.height / rowHeight) + 2 * spare);
  const now = Date.now();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section class="scroll rows" ref={box} tabIndex={0} aria-label={words.pages.sessions}>
      <table aria-rowcount={shown.length + 1}>
        <thead>
          <tr>
            {columns.map(({ key, wide, number }, at) => (
              <th
                key={key}
                scope="col"
                class={classOf(wide, number)}
                aria-sort={sort.at !== at ? "none" : sort.down ? "descending" : "ascending"}
              >
                <button
                  type="button"
                  class="plain"
                  aria-label={words.sessions.sortBy(words.sessions[key])}
                  onClick={() => onSort(at)}
                >
                  {words.sessions[key]}
                  <span aria-hidden="true">{sort.at !== at ? "" : sort.down ? " ↓" : " ↑"}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Space rows={first} />
          {shown.slice(first, last).map((one, at) => (
            <tr key={one.id} aria-rowindex={first + at + 2}>
              {columns.map(({ key, cell, wide, number }) => (
                <td key={key} class={classOf(wide, number)}>
                  {key === "user" ? (
                    <a href={`#/sessions/${one.id}`}>{cell(one, now)}</a>
                  ) : (
                    cell(one, now)
                  )}
                </td>
              ))}
            </tr>
          ))}
          <Space rows={shown.length - last} />
        </tbody>
      </table>
    </section>
  );
}

function Space({ rows }: { readonly rows: number }) {
  if (rows <= 0) return null;
  return (
    <tr class="space">
      <td colSpan={columns.length} style={{ height: `${rows * rowHeight}px` }} />
    </tr>
  );
}

function classOf(wide: true | undefined, number: true | undefined): string {
  return [wide && "wide", number && "number"].filter(Boolean).join(" ");
}
