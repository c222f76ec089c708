// The configuration as a form: what is changed is checked by the server as a whole, a wrong value is told at its
// field, and what is right is written into the file and applied.
import { useContext, useState } from "preact/hooks";
import type {
  ConfigChanged,
  ConfigField,
  ConfigFields,
} from "../../../src/console/config-contract.js";
import { send } from "../api.js";
import { type Described, Field } from "../field.js";
import { Failure, useAction, useLoaded } from "../parts.js";
import { SettingsContext, useWords } from "../settings.js";
import { escaped } from "../shown.js";

type Given = ReadonlyMap<string, string>;

export function ConfigForm({ onChanged }: { onChanged(done: ConfigChanged): void }) {
  const w = useWords().configuration;
  const { language } = useContext(SettingsContext);
  const { value, failure, reload } = useLoaded<ConfigFields>(`/config/fields?lang=${language}`);
  const [given, setGiven] = useState<Given>(new Map());
  const [found, setFound] = useState<ConfigChanged>();
  const [search, setSearch] = useState("");
  const action = useAction();
  if (value === undefined) return <Failure of={failure} />;
  const { fields, writable, digest } = value;
  const change = (key: string, text: string) => {
    const kept = fields.find((one) => one.key === key)?.text;
    const next = new Map(given);
    if (text === kept) next.delete(key);
    else next.set(key, text);
    setGiven(next);
  };
  const submit = async (apply: boolean) => {
    const changes = [...given].map(([key, text]) => ({ key, text }));
    const done = await send<ConfigChanged>("POST", `/config/changes?lang=${language}`, {
      ...{ digest, apply, changes },
    });
    setFound(done);
    if (!done.written) return;
    setGiven(new Map());
    reload();
    onChanged(done);
  };
  const errorOf = (key: string) => {
    const problem = found?.problems.find((one) => one.key === key || one.key.startsWith(`${key}[`));
    return problem && w.wrong(problem.message, problem.found, problem.remedy);
  };
  const known = new Set(fields.map(({ key }) => key));
  const elsewhere = (found?.problems ?? []).filter(
    ({ key }) => !known.has(key.split("[")[0] ?? ""),
  );
  const sought = fields.filter(({ key, description }) =>
    `${key} ${description}`.toLowerCase().includes(search.toLowerCase()),
  );
  const sections = [...new Set(sought.map(({ key }) => sectionOf(key)))];
  const wrong = new Set((found?.problems ?? []).map(({ key }) => sectionOf(key)));
  const idle = given.size === 0 || action.busy;
  return (
    <form
      aria-label={w.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!idle && writable) action.run(() => submit(true));
      }}
    >
      {writable ? null : <p class="notice warn">{w.notWritable}</p>}
      <Failure of={action.failure ?? failure} />
      {elsewhere.map(({ key, message, remedy }) => (
        <p class="notice bad" role="alert" key={key + message}>
          {escaped(`${key}: ${w.wrong(message, "", remedy)}`, 512)}
        </p>
      ))}
      <div class="bar sticky">
        <input
          type="search"
          aria-label={w.search}
          placeholder={w.search}
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
        <button type="button" disabled={idle} onClick={() => action.run(() => submit(false))}>
          {w.check}
        </button>
        <button type="submit" class="main" disabled={idle || !writable}>
          {w.save(given.size)}
        </button>
        <button type="button" disabled={idle} onClick={() => setGiven(new Map())}>
          {w.undo}
        </button>
      </div>
      {found !== undefined && !found.written && found.problems.length === 0 ? (
        <p role="status">{w.right(found.needsRestart.map(({ key }) => key).join(", "))}</p>
      ) : null}
      {sections.map((section) => (
        <details key={section} open={search !== "" || wrong.has(section) ? true : undefined}>
          <summary>{section}</summary>
          <div class="fields">
            {sought
              .filter(({ key }) => sectionOf(key) === section)
              .map((field) => (
                <One
                  key={field.key}
                  field={field}
                  text={given.get(field.key) ?? field.text}
                  changed={given.has(field.key)}
                  error={errorOf(field.key)}
                  onText={(text) => change(field.key, text)}
                />
              ))}
          </div>
        </details>
      ))}
    </form>
  );
}

/** Of limits a few words are told, of the rest whole sentences. */
function sentence(text: string, stop: string): string {
  return text === "" || text.endsWith(stop) ? text : `${text}${stop}`;
}

function sectionOf(key: string): string {
  return key.split(".").slice(0, -1).join(".");
}

function One(props: {
  readonly field: ConfigField;
  readonly text: string;
  readonly changed: boolean;
  readonly error: string | undefined;
  onText(text: string): void;
}) {
  const w = useWords().configuration;
  const { field, text, changed, error } = props;
  const marks = [
    field.byDefault && !changed ? w.byDefault : null,
    field.change === "needs restart" ? w.restart : null,
  ].filter((mark) => mark !== null);
  const help = (
    <>
      {sentence(field.description, w.stop)}{" "}
      {field.kind === "number" || field.kind === "text" ? w.expected(field.expected) : null}{" "}
      {marks.length === 0 ? null : <b>{marks.join(" · ")}</b>}
    </>
  );
  return (
    <Field label={field.key} help={help} error={error}>
      {(described) => (
        <Input field={field} text={text} described={described} onText={props.onText} />
      )}
    </Field>
  );
}

function Input(props: {
  readonly field: ConfigField;
  readonly text: string;
  readonly described: Described;
  onText(text: string): void;
}) {
  const { field, text, described, onText } = props;
  if (field.kind === "choice" || field.kind === "yes-no") {
    const choices = field.kind === "choice" ? field.choices : ["true", "false"];
    return (
      <select
        {...described}
        value={text}
        onChange={({ currentTarget }) => onText(currentTarget.value)}
      >
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    );
  }
  return (
    <input
      {...described}
      inputMode={field.kind === "number" ? "numeric" : "text"}
      placeholder={field.example}
      spellcheck={false}
      autocomplete="off"
      maxLength={4_096}
      value={text}
      onInput={({ currentTarget }) => onText(currentTarget.value)}
    />
  );
}
