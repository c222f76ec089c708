// Blocked sources: why, until when; lifted and added.
import { useContext, useState } from "preact/hooks";
import type { BlocksPage } from "../../../src/console/contract.js";
import { send } from "../api.js";
import { Failure, Table, useAction, useLoaded } from "../parts.js";
import { SettingsContext, useWords } from "../settings.js";
import type { Rights } from "../shell.js";
import { escaped, moment, name } from "../shown.js";

export function Blocks({ rights }: { readonly rights: Rights }) {
  const words = useWords();
  const w = words.blocks;
  const { language } = useContext(SettingsContext);
  const { value, failure, reload } = useLoaded<BlocksPage>("/blocks", 5_000);
  const action = useAction();
  const lift = (address: string) =>
    action.run(() => send("DELETE", `/blocks/${encodeURIComponent(address)}`).then(reload));
  return (
    <>
      <h1>{words.pages.blocks}</h1>
      <Failure of={failure ?? action.failure} />
      {rights.acts ? (
        <Add
          busy={action.busy}
          onAdd={(given) => action.run(() => send("POST", "/blocks", given).then(reload))}
        />
      ) : null}
      {value === undefined ? null : (
        <>
          {value.problem === null ? null : (
            <p class="notice warn">
              {w.notInKernel} {escaped(value.problem, 256)}
            </p>
          )}
          {value.blocks.length === 0 ? (
            <p>{w.none}</p>
          ) : (
            <Table label={words.pages.blocks} heads={[w.source, w.why, w.since, w.until, ""]}>
              {value.blocks.map(({ address, reason, since, until }) => (
                <tr key={address}>
                  <td>{address}</td>
                  <td>{name(reason, 128)}</td>
                  <td>{moment(since, language)}</td>
                  <td>{moment(until, language)}</td>
                  <td>
                    {rights.acts ? (
                      <button
                        type="button"
                        disabled={action.busy}
                        aria-label={`${w.lift}: ${address}`}
                        onClick={() => lift(address)}
                      >
                        {w.lift}
                      </button>
                    ) : null}
                  </td>
                </tr>
              ))}
            </Table>
          )}
          <p class="quiet">{w.dropped(value.dropped.connections, value.dropped.gre)}</p>
        </>
      )}
    </>
  );
}

type Given = { readonly address: string; readonly seconds: number; readonly reason: string };

function Add({ busy, onAdd }: { readonly busy: boolean; onAdd(given: Given): void }) {
  const w = useWords().blocks;
  const [address, setAddress] = useState("");
  const [hours, setHours] = useState(1);
  const [reason, setReason] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    onAdd({
      address,
      seconds: Math.round(hours * 3_600),
      reason: reason === "" ? "by hand" : reason,
    });
    setAddress("");
    setReason("");
  };
  return (
    <form class="bar" aria-label={w.add} onSubmit={submit}>
      <input
        aria-label={w.source}
        placeholder="203.0.113.7"
        required
        value={address}
        onInput={({ currentTarget }) => setAddress(currentTarget.value)}
      />
      <label>
        {w.hours}{" "}
        <input
          type="number"
          min="1"
          max="8760"
          required
          value={hours}
          onInput={({ currentTarget }) => setHours(currentTarget.valueAsNumber)}
        />
      </label>
      <input
        aria-label={w.why}
        placeholder={w.why}
        maxLength={128}
        value={reason}
        onInput={({ currentTarget }) => setReason(currentTarget.value)}
      />
      <button type="submit" disabled={busy}>
        {w.submit}
      </button>
    </form>
  );
}
