// VPN accounts: who may log in, and within which limits.
import { useContext, useState } from "preact/hooks";
import type { AccountShown, AccountsPage } from "../../../src/console/contract.js";
import { get, send } from "../api.js";
import { Confirmed, Failure, NewPassword, Table, useAction, useLoaded } from "../parts.js";
import { SettingsContext, useWords } from "../settings.js";
import type { Rights } from "../shell.js";
import { bits, moment, name } from "../shown.js";
import { AccountLimits } from "./account-limits.js";

const pageSize = 200;
const path = (account: string) => `/users/${encodeURIComponent(account)}`;

export function Accounts({ rights }: { readonly rights: Rights }) {
  const words = useWords();
  const w = words.accounts;
  const { value, failure, reload } = useLoaded<AccountsPage>(`/users?most=${pageSize}`);
  const [further, setFurther] = useState<readonly AccountShown[]>([]);
  const [end, setEnd] = useState(false);
  const [limited, setLimited] = useState<AccountShown>();
  const action = useAction();
  const all = [...(value?.accounts ?? []), ...further];
  const again = () => {
    setFurther([]);
    setEnd(false);
    reload();
  };
  const act = (method: string, to: string, body?: object) =>
    action.run(() => send(method, to, body).then(again));
  const more = async () => {
    const after = encodeURIComponent(all.at(-1)?.name ?? "");
    const page = await get<AccountsPage>(`/users?most=${pageSize}&after=${after}`);
    setFurther([...further, ...page.accounts]);
    setEnd(page.next === null);
  };
  const hasMore = value?.next !== null && value !== undefined && !end;
  return (
    <>
      <h1>{words.pages.accounts}</h1>
      <Failure of={failure ?? action.failure} />
      {rights.administers ? (
        <Add busy={action.busy} onAdd={(given) => act("POST", "/users", given)} />
      ) : null}
      {limited === undefined ? null : (
        <AccountLimits
          key={limited.accountId}
          account={limited}
          onDone={(changed) => {
            setLimited(undefined);
            if (changed) again();
          }}
        />
      )}
      {value !== undefined && all.length === 0 ? <p>{w.none}</p> : null}
      {all.length === 0 ? null : (
        <Table label={words.pages.accounts} heads={[w.name, w.state, w.limits, w.changed, ""]}>
          {all.map((account) => (
            <Row
              key={account.accountId}
              account={account}
              rights={rights}
              busy={action.busy}
              act={act}
              onLimits={() => setLimited(account)}
            />
          ))}
        </Table>
      )}
      {hasMore ? (
        <button type="button" disabled={action.busy} onClick={() => action.run(more)}>
          {w.more}
        </button>
      ) : null}
    </>
  );
}

function Row(props: {
  readonly account: AccountShown;
  readonly rights: Rights;
  readonly busy: boolean;
  act(method: string, path: string, body?: object): void;
  onLimits(): void;
}) {
  const words = useWords();
  const w = words.accounts;
  const { language } = useContext(SettingsContext);
  const { account, rights, busy, act } = props;
  const shown = name(account.name);
  const turn = account.enabled ? "disable" : "enable";
  return (
    <tr>
      <td>{shown}</td>
      <td>{account.enabled ? w.enabled : w.disabled}</td>
      <td>{limitsOf(account, w.sessionsMax)}</td>
      <td>{moment(account.changedAt, language)}</td>
      <td>
        <div class="actions">
          {rights.acts ? (
            <button
              type="button"
              disabled={busy}
              aria-label={`${account.enabled ? w.disable : w.enable}: ${shown}`}
              onClick={() => act("POST", `${path(account.name)}/${turn}`)}
            >
              {account.enabled ? w.disable : w.enable}
            </button>
          ) : null}
          {rights.administers ? (
            <>
              <button
                type="button"
                disabled={busy}
                aria-label={`${w.limits}: ${shown}`}
                onClick={() => props.onLimits()}
              >
                {w.limits}
              </button>
              <NewPassword
                of={shown}
                busy={busy}
                onGiven={(password) => act("PUT", `${path(account.name)}/password`, { password })}
              />
              <Confirmed
                label={w.remove}
                question={w.sure(shown)}
                yes={w.remove}
                busy={busy}
                onYes={() => act("DELETE", path(account.name))}
              />
            </>
          ) : null}
        </div>
      </td>
    </tr>
  );
}

function limitsOf(account: AccountShown, sessions: (most: number) => string): string {
  const { upBitsPerSecond: up, downBitsPerSecond: down } = account;
  // Null: whatever the server's default is; 0: no limit.
  const rate = (most: number | null) => (most === null ? "–" : most === 0 ? "∞" : bits(most));
  const parts = [
    account.staticAddress,
    account.sessionsMax === null ? null : sessions(account.sessionsMax),
    up === null && down === null ? null : `${rate(up)} / ${rate(down)}`,
    account.hours,
    ...account.routes,
  ];
  return parts.filter((part) => part !== null).join(", ") || "–";
}

type Given = { readonly name: string; readonly password: string };

function Add({ busy, onAdd }: { readonly busy: boolean; onAdd(given: Given): void }) {
  const w = useWords().accounts;
  const [given, setGiven] = useState<Given>({ name: "", password: "" });
  const submit = (event: Event) => {
    event.preventDefault();
    onAdd(given);
    setGiven({ name: "", password: "" });
  };
  return (
    <form class="bar" aria-label={w.add} onSubmit={submit}>
      <input
        aria-label={w.name}
        placeholder={w.name}
        autocomplete="off"
        required
        value={given.name}
        onInput={({ currentTarget }) => setGiven({ ...given, name: currentTarget.value })}
      />
      <input
        type="password"
        autocomplete="new-password"
        aria-label={w.password}
        placeholder={w.password}
        required
        value={given.password}
        onInput={({ currentTarget }) => setGiven({ ...given, password: currentTarget.value })}
      />
      <button type="submit" disabled={busy}>
        {w.submit}
      </button>
    </form>
  );
}
