// The log, live: the newest lines, filtered here.
import { useEffect, useState } from "preact/hooks";
import type { LogLine, LogPage } from "../../../src/console/log-contract.js";
import { get, type Refused } from "../api.js";
import { Failure } from "../parts.js";
import { useWords } from "../settings.js";
import { escaped } from "../shown.js";

const everyMs = 2_000;
const shownMost = 500;
const levels = ["error", "warn", "info", "debug", "trace"] as const;

function useLines() {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const [failure, setFailure] = useState<Refused>();
  useEffect(() => {
    let last = 0;
    let over = false;
    const read = async () => {
      try {
        const page: LogPage = await get(`/log?after=${last}`);
        if (over) return;
        last = page.lines.at(-1)?.number ?? last;
        if (page.lines.length > 0) setLines((all) => [...all, ...page.lines].slice(-shownMost));
        setFailure(undefined);
      } catch (refused) {
        if (!over) setFailure(refused as Refused);
      }
    };
    void read();
    const timer = setInterval(() => document.visibilityState === "visible" && read(), everyMs);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, []);
  return { lines, failure };
}

export function Log() {
  const words = useWords();
  const w = words.log;
  const { lines, failure } = useLines();
  const [least, setLeast] = useState<(typeof levels)[number]>("info");
  const [search, setSearch] = useState("");
  const wanted = search.toLowerCase();
  const shown = lines
    .filter(({ level }) => levels.indexOf(level) <= levels.indexOf(least))
    .filter((one) => `${one.line} ${one.fields}`.toLowerCase().includes(wanted))
    .reverse();
  return (
    <>
      <h1>{words.pages.log}</h1>
      <div class="bar">
        <select
          aria-label={w.level}
          value={least}
          onChange={({ currentTarget: { value } }) =>
            setLeast(levels.find((one) => one === value) ?? "info")
          }
        >
          {levels.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
        <input
          type="search"
          aria-label={w.search}
          placeholder={w.search}
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
      </div>
      <Failure of={failure} />
      {shown.length === 0 ? <p>{w.none}</p> : null}
      <ol class="log">
        {shown.map(({ number, at, level, line, fields }) => (
          <li key={number} class={level}>
            <time dateTime={new Date(at).toISOString()}>
              {new Date(at).toISOString().slice(11, 19)}
            </time>{" "}
            <b>{level}</b> {escaped(line, 256)} <Fields of={fields} />
          </li>
        ))}
      </ol>
    </>
  );
}

/** Each name apart from its value, so that no value can look like another field. */
function Fields({ of }: { readonly of: string }) {
  return (
    <small>
      {fieldsOf(of).map(([field, value]) => (
        <span key={field}>
          <i>{escaped(field, 64)}</i> {escaped(value, 512)}{" "}
        </span>
      ))}
    </small>
  );
}

/** Of a line that was cut, its text as it is. */
function fieldsOf(text: string): (readonly [string, string])[] {
  try {
    const fields = JSON.parse(text) as Record<string, unknown>;
    return Object.entries(fields).map(([field, value]) => {
      return [field, typeof value === "string" ? value : JSON.stringify(value)] as const;
    });
  } catch {
    return [["…", text]];
  }
}
