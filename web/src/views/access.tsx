// Who may use the console, and tokens of machines: an administrator's.
import { useContext, useState } from "preact/hooks";
import {
  type ConsoleUserShown,
  type Role,
  roles,
  type TokenMade,
  type TokenRole,
  type TokenShown,
} from "../../../src/console/console-contract.js";
import { send } from "../api.js";
import { Confirmed, Failure, NewPassword, Table, useAction, useLoaded } from "../parts.js";
import { SettingsContext, useWords } from "../settings.js";
import { moment, name } from "../shown.js";

export function Access() {
  const words = useWords();
  return (
    <>
      <h1>{words.pages.access}</h1>
      <p class="quiet">{words.access.what}</p>
      <Users />
      <Tokens />
    </>
  );
}

const pathOf = (user: string) => `/console-users/${encodeURIComponent(user)}`;

function Users() {
  const w = useWords().access;
  const { value, failure, reload } = useLoaded<{ users: ConsoleUserShown[] }>("/console-users");
  const action = useAction();
  const act = (method: string, path: string, body?: object) =>
    action.run(() => send(method, path, body).then(reload));
  return (
    <section aria-label={w.users}>
      <h2>{w.users}</h2>
      <Failure of={failure ?? action.failure} />
      <AddUser busy={action.busy} onAdd={(given) => act("POST", "/console-users", given)} />
      {value === undefined ? null : (
        <Table label={w.users} heads={[w.name, w.role, w.state, [w.logIns], w.password, ""]}>
          {value.users.map((user) => (
            <User key={user.name} user={user} busy={action.busy} act={act} />
          ))}
        </Table>
      )}
    </section>
  );
}

function User(props: {
  readonly user: ConsoleUserShown;
  readonly busy: boolean;
  act(method: string, path: string, body?: object): void;
}) {
  const words = useWords();
  const w = words.access;
  const { language } = useContext(SettingsContext);
  const { user, busy, act } = props;
  const shown = name(user.name);
  const path = pathOf(user.name);
  const turned = user.enabled ? words.accounts.disable : words.accounts.enable;
  return (
    <tr>
      <td>{shown}</td>
      <td>
        <RoleChoice
          label={`${w.role}: ${shown}`}
          role={user.role}
          busy={busy}
          onRole={(role) => act("PATCH", path, { role })}
        />
      </td>
      <td>{user.enabled ? words.accounts.enabled : words.accounts.disabled}</td>
      <td class="number">{user.logIns}</td>
      <td>{moment(user.changedAt, language)}</td>
      <td>
        <div class="actions">
          <button
            type="button"
            disabled={busy}
            aria-label={`${turned}: ${shown}`}
            onClick={() => act("PATCH", path, { enabled: !user.enabled })}
          >
            {turned}
          </button>
          <NewPassword
            of={shown}
            least={12}
            busy={busy}
            onGiven={(password) => act("PUT", `${path}/password`, { password })}
          />
          <Confirmed
            label={words.accounts.remove}
            question={w.sure(shown)}
            yes={words.accounts.remove}
            busy={busy}
            onYes={() => act("DELETE", path)}
          />
        </div>
      </td>
    </tr>
  );
}

function RoleChoice(props: {
  readonly label: string;
  readonly role: Role;
  readonly busy: boolean;
  onRole(role: Role): void;
}) {
  const words = useWords();
  return (
    <select
      aria-label={props.label}
      disabled={props.busy}
      value={props.role}
      onChange={({ currentTarget }) => {
        const role = roles.find((one) => one === currentTarget.value);
        if (role !== undefined) props.onRole(role);
      }}
    >
      {roles.map((role) => (
        <option key={role} value={role}>
          {words.role[role]}
        </option>
      ))}
    </select>
  );
}

type NewUser = { readonly name: string; readonly role: Role; readonly password: string };
const nobody: NewUser = { name: "", role: "viewer", password: "" };

function AddUser({ busy, onAdd }: { readonly busy: boolean; onAdd(given: NewUser): void }) {
  const words = useWords();
  const w = words.access;
  const [given, setGiven] = useState(nobody);
  const submit = (event: Event) => {
    event.preventDefault();
    onAdd(given);
    setGiven(nobody);
  };
  return (
    <form class="bar" aria-label={w.addUser} onSubmit={submit}>
      <input
        aria-label={w.name}
        placeholder={w.name}
        autocomplete="off"
        required
        pattern="[a-z0-9][a-z0-9._\-]{0,31}"
        title={w.nameShape}
        value={given.name}
        onInput={({ currentTarget }) => setGiven({ ...given, name: currentTarget.value })}
      />
      <RoleChoice
        label={w.role}
        role={given.role}
        busy={busy}
        onRole={(role) => setGiven({ ...given, role })}
      />
      <input
        type="password"
        autocomplete="new-password"
        aria-label={w.password}
        placeholder={w.passwordShape}
        required
        minLength={12}
        maxLength={256}
        value={given.password}
        onInput={({ currentTarget }) => setGiven({ ...given, password: currentTarget.value })}
      />
      <button type="submit" disabled={busy}>
        {w.addUser}
      </button>
    </form>
  );
}

function Tokens() {
  const words = useWords();
  const w = words.access;
  const { language } = useContext(SettingsContext);
  const { value, failure, reload } = useLoaded<{ tokens: TokenShown[] }>("/tokens");
  const [made, setMade] = useState<TokenMade>();
  const action = useAction();
  const add = (given: object) =>
    action.run(async () => {
      setMade(await send<TokenMade>("POST", "/tokens", given));
      reload();
    });
  const remove = (token: string) =>
    action.run(() => send("DELETE", `/tokens/${encodeURIComponent(token)}`).then(reload));
  return (
    <section aria-label={w.tokens}>
      <h2>{w.tokens}</h2>
      <Failure of={failure ?? action.failure} />
      <AddToken busy={action.busy} onAdd={add} />
      {made === undefined ? null : (
        <p class="notice" role="status">
          {w.once} <code class="secret">{made.token}</code>{" "}
          <button type="button" onClick={() => setMade(undefined)}>
            {w.taken}
          </button>
        </p>
      )}
      {value === undefined ? null : value.tokens.length === 0 ? (
        <p>{w.noTokens}</p>
      ) : (
        <Table label={w.tokens} heads={[w.name, w.role, w.until, ""]}>
          {value.tokens.map((token) => (
            <tr key={token.name}>
              <td>{name(token.name)}</td>
              <td>{token.role === "metrics" ? w.metrics : words.role[token.role]}</td>
              <td>{moment(token.expiresAt, language)}</td>
              <td>
                <Confirmed
                  label={words.accounts.remove}
                  question={w.sureToken(name(token.name))}
                  yes={words.accounts.remove}
                  busy={action.busy}
                  onYes={() => remove(token.name)}
                />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

const tokenRoles: readonly TokenRole[] = ["metrics", ...roles];

function AddToken({ busy, onAdd }: { readonly busy: boolean; onAdd(given: object): void }) {
  const words = useWords();
  const w = words.access;
  const [token, setToken] = useState("");
  const [role, setRole] = useState<TokenRole>("metrics");
  const [days, setDays] = useState(365);
  const submit = (event: Event) => {
    event.preventDefault();
    onAdd({ name: token, role, days });
    setToken("");
  };
  return (
    <form class="bar" aria-label={w.addToken} onSubmit={submit}>
      <input
        aria-label={w.name}
        placeholder={w.name}
        autocomplete="off"
        required
        pattern="[a-z0-9][a-z0-9._\-]{0,31}"
        title={w.nameShape}
        value={token}
        onInput={({ currentTarget }) => setToken(currentTarget.value)}
      />
      <select
        aria-label={w.role}
        value={role}
        onChange={({ currentTarget }) =>
          setRole(tokenRoles.find((one) => one === currentTarget.value) ?? "metrics")
        }
      >
        {tokenRoles.map((one) => (
          <option key={one} value={one}>
            {one === "metrics" ? w.metrics : words.role[one]}
          </option>
        ))}
      </select>
      <label>
        {w.days}{" "}
        <input
          type="number"
          min="1"
          max="3650"
          required
          value={days}
          onInput={({ currentTarget }) => setDays(currentTarget.valueAsNumber)}
        />
      </label>
      <button type="submit" disabled={busy}>
        {w.addToken}
      </button>
    </form>
  );
}
