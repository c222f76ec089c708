// What stands around every page: the menu, how the server is, language, colours, log-out.
import type { ComponentChild } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ConsoleSessionShown, Role } from "../../src/console/console-contract.js";
import { send } from "./api.js";
import type { Live } from "./live.js";
import { type Settings, useWords } from "./settings.js";
import { name } from "./shown.js";
import { Access } from "./views/access.js";
import { Accounts } from "./views/accounts.js";
import { Blocks } from "./views/blocks.js";
import { Bulletin, Bulletins } from "./views/bulletins.js";
import { Configuration } from "./views/configuration.js";
import { Incident, Incidents } from "./views/incidents.js";
import { Ledger } from "./views/ledger.js";
import { Log } from "./views/log.js";
import { Overview } from "./views/overview.js";
import { Session } from "./views/session.js";
import { Sessions } from "./views/sessions.js";

const pages = [
  ...(["overview", "sessions", "incidents", "bulletins", "blocks"] as const),
  ...(["accounts", "ledger", "log", "configuration", "access"] as const),
] as const;
type Page = (typeof pages)[number];

type Route = { readonly page: Page; readonly id: number | undefined };

function routeOf(hash: string): Route {
  const [, word = "", id] = /^#\/([a-z]+)(?:\/([0-9]{1,15}))?$/.exec(hash) ?? [];
  const page = pages.find((one) => one === word) ?? "overview";
  return { page, id: id === undefined ? undefined : Number(id) };
}

export type Rights = { readonly acts: boolean; readonly administers: boolean };

function rightsOf(role: Role): Rights {
  return { acts: role !== "viewer", administers: role === "administrator" };
}

/** Whoever may not read a page is not led to it. */
function pagesOf({ administers }: Rights): readonly Page[] {
  return pages.filter((page) => administers || page !== "access");
}

type Props = {
  readonly me: ConsoleSessionShown;
  readonly live: Live;
  readonly settings: Settings;
  onSettings(next: Settings): void;
  onLogOut(): void;
};

export function Shell({ me, live, settings, onSettings, onLogOut }: Props) {
  const words = useWords();
  const [route, setRoute] = useState(() => routeOf(location.hash));
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    const moved = () => {
      setRoute(routeOf(location.hash));
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  const logOut = () => {
    send("POST", "/log-out").then(onLogOut, onLogOut);
  };
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {words.skip}
      </button>
      <header>
        <strong class="mark">holdfast</strong>
        <State live={live} />
        <span class="grow" />
        <SettingsChoice settings={settings} onSettings={onSettings} />
        <span class="who">
          {name(me.name)} <small>{words.role[me.role]}</small>
        </span>
        <button type="button" onClick={logOut}>
          {words.logOut}
        </button>
      </header>
      <nav aria-label={words.menu}>
        {pagesOf(rightsOf(me.role)).map((page) => (
          <a key={page} href={`#/${page}`} aria-current={page === route.page ? "page" : undefined}>
            {words.pages[page]}
          </a>
        ))}
      </nav>
      <main ref={main} tabIndex={-1}>
        {contentOf(route, live, rightsOf(me.role))}
      </main>
    </>
  );
}

function contentOf({ page, id }: Route, live: Live, rights: Rights): ComponentChild {
  switch (page) {
    case "overview":
      return <Overview live={live} />;
    case "sessions":
      return id === undefined ? <Sessions /> : <Session id={id} rights={rights} />;
    case "incidents":
      return id === undefined ? <Incidents live={live} /> : <Incident number={id} />;
    case "bulletins":
      return id === undefined ? <Bulletins /> : <Bulletin number={id} />;
    case "blocks":
      return <Blocks rights={rights} />;
    case "accounts":
      return <Accounts rights={rights} />;
    case "ledger":
      return <Ledger live={live} />;
    case "log":
      return <Log />;
    case "configuration":
      return <Configuration rights={rights} />;
    case "access":
      return rights.administers ? <Access /> : <Overview live={live} />;
  }
}

/** How it is, in a word and a colour; the word alone is enough. */
function State({ live: { overview, connected } }: { readonly live: Live }) {
  const words = useWords();
  if (overview === undefined) return null;
  const [tone, text] = !connected
    ? ["bad", words.state.offline]
    : !overview.ready
      ? ["bad", words.state.notReady]
      : overview.incident !== null
        ? ["warn", words.state.incident]
        : overview.warnings.length > 0
          ? ["warn", words.state.warnings]
          : ["good", words.state.well];
  return (
    <span class={`state ${tone}`} role="status">
      {text}
    </span>
  );
}

export function SettingsChoice(props: Pick<Props, "settings" | "onSettings">) {
  const words = useWords();
  const { settings, onSettings } = props;
  return (
    <>
      <select
        aria-label={words.language}
        value={settings.language}
        onChange={({ currentTarget }) =>
          onSettings({ ...settings, language: currentTarget.value === "ja" ? "ja" : "en" })
        }
      >
        <option value="en">English</option>
        <option value="ja">日本語</option>
      </select>
      <select
        aria-label={words.theme.label}
        value={settings.theme}
        onChange={({ currentTarget: { value } }) =>
          onSettings({ ...settings, theme: value === "light" || value === "dark" ? value : "auto" })
        }
      >
        <option value="auto">{words.theme.auto}</option>
        <option value="light">{words.theme.light}</option>
        <option value="dark">{words.theme.dark}</option>
      </select>
    </>
  );
}
