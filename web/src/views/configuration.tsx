// The configuration in effect: read by all, changed by administrators, in a form or as a file.
import { useContext, useState } from "preact/hooks";
import type { Reloaded } from "../../../src/console/contract.js";
import type { ConfigShown } from "../../../src/console/log-contract.js";
import { send } from "../api.js";
import { Failure, useAction, useLoaded } from "../parts.js";
import { SettingsContext, useWords } from "../settings.js";
import type { Rights } from "../shell.js";
import { escaped } from "../shown.js";
import { ConfigForm } from "./config-form.js";
import { Notices } from "./notices.js";

export function Configuration({ rights }: { readonly rights: Rights }) {
  const words = useWords();
  const w = words.configuration;
  const { value, failure, reload } = useLoaded<ConfigShown>("/config");
  const { language } = useContext(SettingsContext);
  const [done, setDone] = useState<Reloaded>();
  const action = useAction();
  const apply = async () => {
    setDone(undefined);
    setDone(await send<Reloaded>("POST", `/reload?lang=${language}`));
    reload();
  };
  return (
    <>
      <h1>{words.pages.configuration}</h1>
      <Failure of={failure ?? action.failure} />
      <p class="quiet">{w.how(value?.file ?? w.noFile)}</p>
      {rights.administers ? (
        <button type="button" disabled={action.busy} onClick={() => action.run(apply)}>
          {w.reload}
        </button>
      ) : null}
      {done === undefined ? null : <Done of={done} />}
      <Notices rights={rights} />
      {rights.administers ? (
        <>
          <h2>{w.form}</h2>
          <ConfigForm
            onChanged={(changed) => {
              setDone(changed);
              reload();
            }}
          />
        </>
      ) : null}
      <h2>{w.file}</h2>
      {value === undefined ? null : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
        <section class="scroll" tabIndex={0} aria-label={words.pages.configuration}>
          <pre>{value.text}</pre>
        </section>
      )}
    </>
  );
}

function Done({ of: { applied, needsRestart, warnings } }: { readonly of: Reloaded }) {
  const w = useWords().configuration;
  const same = applied.length + needsRestart.length === 0;
  const list = (title: string, items: readonly string[]) =>
    items.length === 0 ? null : (
      <>
        <h2>{title}</h2>
        <ul>
          {items.map((item) => (
            <li key={item}>{escaped(item, 512)}</li>
          ))}
        </ul>
      </>
    );
  return (
    <div role="status">
      {same ? <p>{w.same}</p> : null}
      {list(
        w.applied,
        applied.map(({ key, why }) => `${key}: ${why}`),
      )}
      {list(
        w.needsRestart,
        needsRestart.map(({ key, why }) => `${key}: ${why}`),
      )}
      {list(w.warnings, warnings)}
    </div>
  );
}
