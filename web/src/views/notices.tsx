// Who is told of incidents and troubles, how that goes, and a test of it.
import { useContext, useState } from "preact/hooks";
import type { NoticesShown, NoticeTested } from "../../../src/console/notice-contract.js";
import { send } from "../api.js";
import { Facts, Failure, useAction, useLoaded } from "../parts.js";
import { SettingsContext, useWords } from "../settings.js";
import type { Rights } from "../shell.js";
import { escaped, moment, name } from "../shown.js";

const everyMs = 10_000;

export function Notices({ rights }: { readonly rights: Rights }) {
  const w = useWords().notices;
  const { value, failure, reload } = useLoaded<NoticesShown>("/notices", everyMs);
  const [tested, setTested] = useState<NoticeTested>();
  const action = useAction();
  const tries = async () => {
    setTested(undefined);
    setTested(await send<NoticeTested>("POST", "/notices/test"));
    reload();
  };
  const on = value?.ways.filter((way) => way.on) ?? [];
  return (
    <>
      <h2>{w.title}</h2>
      <Failure of={failure ?? action.failure} />
      {value !== undefined && on.length === 0 ? <p>{w.none}</p> : null}
      {on.map((way) => (
        <Way key={way.way} of={way} />
      ))}
      {rights.administers && on.length > 0 ? (
        <button type="button" disabled={action.busy} onClick={() => action.run(tries)}>
          {w.test}
        </button>
      ) : null}
      {tested === undefined ? null : (
        <ul role="status">
          {tested.results.map(({ way, problem }) => (
            <li key={way}>
              {w.way[way]}: {problem === null ? w.arrived : w.failed(escaped(problem, 256))}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Way({ of }: { readonly of: NoticesShown["ways"][number] }) {
  const w = useWords().notices;
  const { language } = useContext(SettingsContext);
  const { lastFailure: last } = of;
  return (
    <Facts
      of={[
        [w.way[of.way], name(of.destination, 512)],
        [w.waiting, String(of.waiting)],
        [w.sent, String(of.sent)],
        [w.givenUp, String(of.givenUp)],
        [w.lastSent, moment(of.lastSentAt, language)],
        [
          w.lastFailure,
          last === null ? "–" : `${moment(last.at, language)} ${escaped(last.message, 256)}`,
        ],
      ]}
    />
  );
}
