// The sessions that the same user had before: what accounting kept of them.
import { useContext } from "preact/hooks";
import type { AccountingPage } from "../../../src/console/contract.js";
import { Failure, Table, useLoaded } from "../parts.js";
import { SettingsContext, useWords } from "../settings.js";
import { duration, moment, name, octets } from "../shown.js";

const most = 20;

export function PastSessions({ user }: { readonly user: string }) {
  const words = useWords();
  const w = words.session;
  const { language } = useContext(SettingsContext);
  const path = `/accounting?user=${encodeURIComponent(user)}&most=${most}`;
  const { value, failure } = useLoaded<AccountingPage>(path);
  const lines = value?.lines.filter(({ endedAt }) => endedAt !== null) ?? [];
  return (
    <>
      <h2>{w.before}</h2>
      <Failure of={failure} />
      {value === undefined ? null : lines.length === 0 ? (
        <p>{w.noneBefore}</p>
      ) : (
        <Table
          label={w.before}
          heads={[
            words.incidents.begin,
            [words.incidents.lasted],
            words.sessions.peer,
            words.sessions.address,
            [words.sessions.received],
            [words.sessions.sent],
            w.cause,
          ]}
        >
          {lines.map((line) => (
            <tr key={line.number}>
              <td>{moment(line.startedAt, language)}</td>
              <td class="number">{duration((line.endedAt ?? line.countedAt) - line.startedAt)}</td>
              <td>{line.peerAddress}</td>
              <td>{[line.framedAddress, line.framedPrefix].filter(Boolean).join(", ") || "–"}</td>
              <td class="number">{octets(line.octetsIn)}</td>
              <td class="number">{octets(line.octetsOut)}</td>
              <td>{name(line.cause)}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
