// What one VPN account may: its limits, as a form. An empty field is no limit, or the server's default.
import { useState } from "preact/hooks";
import type { AccountShown, AccountTermsGiven } from "../../../src/console/contract.js";
import { Refused, send } from "../api.js";
import { Field } from "../field.js";
import { Failure, textOf, useAction } from "../parts.js";
import { useWords } from "../settings.js";
import { name } from "../shown.js";

const numbers = [
  ...(["sessionsMax", "sessionSecondsMax", "idleSecondsMax", "octetsMax"] as const),
  ...(["upBitsPerSecond", "downBitsPerSecond"] as const),
] as const;
const times = ["validFrom", "validUntil"] as const;
const texts = ["staticAddress", "routes", "hours"] as const;
type Name = (typeof numbers | typeof times | typeof texts)[number];

type Form = Readonly<Record<Name, string>> & {
  readonly atSessionLimit: string;
  readonly dialIn: boolean;
};

/** How a refusal begins that does not begin with the field's own name. */
const fieldOfWords: readonly (readonly [RegExp, Name])[] = [
  [/^the static address /, "staticAddress"],
  [/^the hours /, "hours"],
  [/^the account would end /, "validUntil"],
  [/route/, "routes"],
];

export function AccountLimits(props: {
  readonly account: AccountShown;
  onDone(changed: boolean): void;
}) {
  const words = useWords();
  const w = words.accounts;
  const { account } = props;
  const [form, setForm] = useState(() => formOf(account));
  const action = useAction();
  const failed = fieldOf(action.failure);
  const set = (changed: Partial<Form>) => setForm({ ...form, ...changed });
  const submit = (event: Event) => {
    event.preventDefault();
    action.run(async () => {
      await send("PATCH", `/users/${encodeURIComponent(account.name)}`, termsOf(form));
      props.onDone(true);
    });
  };
  const error = (field: string) =>
    failed === field && action.failure !== undefined
      ? textOf(action.failure, words.trouble)
      : undefined;
  const input = (field: Name, type: "text" | "number" | "datetime-local", help: string) => (
    <Field key={field} label={w.terms[field]} help={help} error={error(field)}>
      {(described) => (
        <input
          {...described}
          // Preact's types want the one kind of input known beforehand.
          type={type as "number"}
          min={type === "number" ? (field.endsWith("PerSecond") ? 0 : 1) : undefined}
          step={type === "number" ? 1 : undefined}
          autocomplete="off"
          value={form[field]}
          onInput={({ currentTarget }) => set({ [field]: currentTarget.value })}
        />
      )}
    </Field>
  );
  return (
    <section class="card" aria-label={w.limitsOf(name(account.name))}>
      <h2>{w.limitsOf(name(account.name))}</h2>
      <Failure of={failed === undefined ? action.failure : undefined} />
      <form onSubmit={submit}>
        <div class="fields">
          <Field label={w.terms.dialIn} help={w.help.dialIn} error={error("dialIn")}>
            {(described) => (
              <input
                {...described}
                type="checkbox"
                checked={form.dialIn}
                onChange={({ currentTarget }) => set({ dialIn: currentTarget.checked })}
              />
            )}
          </Field>
          {input("sessionsMax", "number", w.help.byDefault)}
          <Field
            label={w.terms.atSessionLimit}
            help={w.help.atSessionLimit}
            error={error("atSessionLimit")}
          >
            {(described) => (
              <select
                {...described}
                value={form.atSessionLimit}
                onChange={({ currentTarget }) => set({ atSessionLimit: currentTarget.value })}
              >
                <option value="">{w.help.server}</option>
                <option value="refuse-new">{w.help.refuseNew}</option>
                <option value="end-oldest">{w.help.endOldest}</option>
              </select>
            )}
          </Field>
          {input("staticAddress", "text", w.help.staticAddress)}
          {input("routes", "text", w.help.routes)}
          {input("upBitsPerSecond", "number", w.help.rate)}
          {input("downBitsPerSecond", "number", w.help.rate)}
          {input("sessionSecondsMax", "number", w.help.none)}
          {input("idleSecondsMax", "number", w.help.none)}
          {input("octetsMax", "number", w.help.octets)}
          {input("validFrom", "datetime-local", w.help.none)}
          {input("validUntil", "datetime-local", w.help.none)}
          {input("hours", "text", w.help.hours)}
        </div>
        <div class="bar">
          <button type="submit" class="main" disabled={action.busy}>
            {w.save}
          </button>
          <button type="button" onClick={() => props.onDone(false)}>
            {words.session.no}
          </button>
        </div>
      </form>
    </section>
  );
}

/** Which field a refusal is about; undefined: none of them. */
function fieldOf(failure: Refused | undefined): string | undefined {
  if (!(failure instanceof Refused)) return undefined;
  const { message } = failure;
  const named = /^([a-zA-Z]+)(?:\.[0-9]+)?(?:: | is )/.exec(message)?.[1] ?? "";
  const known = [...numbers, ...times, ...texts, "atSessionLimit", "dialIn"];
  return (
    known.find((one) => one === named) ?? fieldOfWords.find(([words]) => words.test(message))?.[1]
  );
}

function formOf(account: AccountShown): Form {
  const text = (value: string | number | null) => (value === null ? "" : String(value));
  return {
    staticAddress: text(account.staticAddress),
    routes: account.routes.join(", "),
    hours: text(account.hours),
    sessionsMax: text(account.sessionsMax),
    sessionSecondsMax: text(account.sessionSecondsMax),
    idleSecondsMax: text(account.idleSecondsMax),
    octetsMax: text(account.octetsMax),
    upBitsPerSecond: text(account.upBitsPerSecond),
    downBitsPerSecond: text(account.downBitsPerSecond),
    validFrom: localText(account.validFrom),
    validUntil: localText(account.validUntil),
    atSessionLimit: text(account.atSessionLimit),
    dialIn: account.dialIn,
  };
}

function termsOf(form: Form): AccountTermsGiven {
  const number = (name: (typeof numbers)[number]) =>
    form[name] === "" ? null : Number(form[name]);
  const time = (name: (typeof times)[number]) =>
    form[name] === "" ? null : new Date(form[name]).getTime();
  const { atSessionLimit } = form;
  return {
    dialIn: form.dialIn,
    staticAddress: form.staticAddress.trim() || null,
    routes: form.routes.split(/[\s,]+/).filter((route) => route !== ""),
    hours: form.hours.trim() || null,
    sessionsMax: number("sessionsMax"),
    sessionSecondsMax: number("sessionSecondsMax"),
    idleSecondsMax: number("idleSecondsMax"),
    octetsMax: number("octetsMax"),
    upBitsPerSecond: number("upBitsPerSecond"),
    downBitsPerSecond: number("downBitsPerSecond"),
    validFrom: time("validFrom"),
    validUntil: time("validUntil"),
    atSessionLimit:
      atSessionLimit === "refuse-new" || atSessionLimit === "end-oldest" ? atSessionLimit : null,
  };
}

/** As `datetime-local` has it: this browser's own time, to the minute. */
function localText(unixMs: number | null): string {
  if (unixMs === null) return "";
  const at = new Date(unixMs - new Date(unixMs).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
}
