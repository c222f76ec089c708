// Small parts that several pages are made of.
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { get, Refused } from "./api.js";
import { useWords } from "./settings.js";

export type Loaded<T> = {
  readonly value: T | undefined;
  readonly failure: Refused | undefined;
  reload(): void;
};

/** Reads `path` at once, when it changes, and every `everyMs` while the page is seen. */
export function useLoaded<T>(path: string, everyMs?: number): Loaded<T> {
  const [found, setFound] = useState<{ path: string; value?: T; failure?: Refused }>({ path });
  const newest = useRef(0);
  const reload = useCallback(() => {
    const turn = ++newest.current;
    get<T>(path).then(
      (value) => turn === newest.current && setFound({ path, value }),
      (failure: Refused) => turn === newest.current && setFound({ path, failure }),
    );
  }, [path]);
  useEffect(() => {
    reload();
    if (everyMs === undefined) return;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
  const here = found.path === path ? found : undefined;
  return { value: here?.value, failure: here?.failure, reload };
}

export function Failure({ of }: { readonly of: Refused | undefined }) {
  const words = useWords();
  if (of === undefined) return null;
  return (
    <p class="notice bad" role="alert">
      {textOf(of, words.trouble)}
    </p>
  );
}

/** What was refused, and what helps, in the language of the page. */
export function textOf(refused: Refused, words: ReturnType<typeof useWords>["trouble"]): string {
  if (!(refused instanceof Refused)) return String(refused);
  if (refused.reason === "unreachable") return words.unreachable;
  if (refused.reason === "role") return words.role;
  return words.other(refused.reason, refused.message, refused.remedy);
}

/** Runs what a person asked for, once at a time, and keeps what went wrong. */
export function useAction(): {
  readonly busy: boolean;
  readonly failure: Refused | undefined;
  run(act: () => Promise<unknown>): void;
} {
  const [state, setState] = useState<{ busy: boolean; failure?: Refused }>({ busy: false });
  const run = (act: () => Promise<unknown>) => {
    if (state.busy) return;
    setState({ busy: true });
    act().then(
      () => setState({ busy: false }),
      (failure: Refused) => setState({ busy: false, failure }),
    );
  };
  return { busy: state.busy, failure: state.failure, run };
}

/** A change that ends something asks once more, in place. */
export function Confirmed(props: {
  readonly label: string;
  readonly question: string;
  /** What is on the button that does it. */
  readonly yes?: string;
  readonly busy: boolean;
  onYes(): void;
}) {
  const words = useWords();
  const [asked, setAsked] = useState(false);
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (asked) yes.current?.focus();
  }, [asked]);
  if (!asked) {
    return (
      <button type="button" class="danger" disabled={props.busy} onClick={() => setAsked(true)}>
        {props.label}
      </button>
    );
  }
  return (
    <fieldset class="confirm" aria-label={props.question}>
      <span>{props.question}</span>
      <button
        type="button"
        class="danger"
        ref={yes}
        disabled={props.busy}
        onClick={() => {
          setAsked(false);
          props.onYes();
        }}
      >
        {props.yes ?? words.session.yes}
      </button>
      <button type="button" onClick={() => setAsked(false)}>
        {words.session.no}
      </button>
    </fieldset>
  );
}

/** A field for another password, once it is asked for. */
export function NewPassword(props: {
  readonly of: string;
  readonly least?: number;
  readonly busy: boolean;
  onGiven(password: string): void;
}) {
  const w = useWords().accounts;
  const [open, setOpen] = useState(false);
  const [password, setPassword] = useState("");
  if (!open) {
    return (
      <button
        type="button"
        disabled={props.busy}
        aria-label={`${w.setPassword}: ${props.of}`}
        onClick={() => setOpen(true)}
      >
        {w.setPassword}
      </button>
    );
  }
  const submit = (event: Event) => {
    event.preventDefault();
    props.onGiven(password);
    setPassword("");
    setOpen(false);
  };
  return (
    <form class="inline" onSubmit={submit}>
      <input
        type="password"
        autocomplete="new-password"
        aria-label={`${w.password}: ${props.of}`}
        required
        minLength={props.least}
        value={password}
        onInput={({ currentTarget }) => setPassword(currentTarget.value)}
      />
      <button type="submit" disabled={props.busy}>
        {w.save}
      </button>
    </form>
  );
}

export function Facts({ of }: { readonly of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** On a phone a row's cells stand by themselves: each has its column's head beside it (style.css). */
function useHeads(heads: readonly (string | readonly [string])[]) {
  const body = useRef<HTMLTableSectionElement>(null);
  // Before it is painted: no row is seen without them.
  useLayoutEffect(() => {
    for (const row of body.current?.rows ?? []) {
      for (const [at, cell] of [...row.cells].entries()) {
        const head = heads[at] ?? "";
        cell.dataset.head = typeof head === "string" ? head : head[0];
      }
    }
  });
  return body;
}

/** A table as wide as it must be: it scrolls by itself, not the page. */
export function Table(props: {
  readonly label: string;
  /** Those in brackets are of numbers. */
  readonly heads: readonly (string | readonly [string])[];
  readonly children: ComponentChildren;
}) {
  const body = useHeads(props.heads);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <section class="scroll" aria-label={props.label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {props.heads.map((head, at) => (
              <th key={at} scope="col" class={typeof head === "string" ? "" : "number"}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>{props.children}</tbody>
      </table>
    </section>
  );
}
