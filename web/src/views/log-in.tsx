// The first page: name and password.
import { useState } from "preact/hooks";
import type { ConsoleSessionShown } from "../../../src/console/console-contract.js";
import { logIn, type Refused } from "../api.js";
import { type Settings, useWords } from "../settings.js";
import { SettingsChoice } from "../shell.js";

type Props = {
  /** There was a log-in before, and it is over. */
  readonly ended: boolean;
  readonly settings: Settings;
  onSettings(next: Settings): void;
  onLogIn(found: ConsoleSessionShown): void;
};

export function LogIn({ ended, settings, onSettings, onLogIn }: Props) {
  const words = useWords();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState(ended ? words.logIn.ended : "");
  const submit = (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setSaid("");
    logIn(name, password).then(onLogIn, ({ status, reason, message, remedy }: Refused) => {
      setBusy(false);
      setPassword("");
      if (status === 401) setSaid(words.logIn.wrong);
      else if (status === 429) setSaid(words.logIn.tooMany);
      else if (status === 0) setSaid(words.trouble.unreachable);
      else setSaid(words.trouble.other(reason, message, remedy));
    });
  };
  return (
    <main class="log-in">
      <h1>{words.title}</h1>
      <form onSubmit={submit}>
        <h2>{words.logIn.title}</h2>
        <label>
          {words.logIn.name}
          <input
            name="name"
            autocomplete="username"
            autocapitalize="none"
            required
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
        <label>
          {words.logIn.password}
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={({ currentTarget }) => setPassword(currentTarget.value)}
          />
        </label>
        <p class="said" role="alert">
          {said}
        </p>
        <button type="submit" class="main" disabled={busy}>
          {words.logIn.submit}
        </button>
        <small>{words.logIn.hint}</small>
      </form>
      <div class="choices">
        <SettingsChoice settings={settings} onSettings={onSettings} />
      </div>
    </main>
  );
}
