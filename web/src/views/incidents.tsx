// Incidents: what arrived, from where, why it was refused, what was blocked, and what it did to the
// sessions, which should be nothing.
import { useContext, useState } from "preact/hooks";
import type { IncidentShown, IncidentsPage } from "../../../src/console/incident-contract.js";
import { Chart } from "../chart.js";
import type { Live } from "../live.js";
import { More, useOlder } from "../older.js";
import { Facts, Failure, Table, useLoaded } from "../parts.js";
import { type Period, PeriodChoice, useSeries } from "../past.js";
import { SettingsContext, useWords } from "../settings.js";
import { amount, duration, moment, name } from "../shown.js";

const pageSize = 50;
const everyMs = 5_000;

function mostOf(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([, a], [, b]) => b - a);
}

function lastedMs({ begin, end, seenAt }: IncidentShown): number {
  return (end ?? seenAt) - begin;
}

function endedOf({ sessionsEnded }: IncidentShown): number {
  return Object.values(sessionsEnded).reduce((sum, count) => sum + count, 0);
}

export function Incidents({ live: { moments } }: { readonly live: Live }) {
  const words = useWords();
  const w = words.incidents;
  const { language } = useContext(SettingsContext);
  const { loaded, all, failure, more } = useOlder(
    `/incidents?most=${pageSize}`,
    everyMs,
    ({ incidents }: IncidentsPage) => incidents,
  );
  const [period, setPeriod] = useState<Period>("day");
  const past = useSeries(moments, period);
  return (
    <>
      <h1>{words.pages.incidents}</h1>
      <Failure of={failure ?? past.failure} />
      <PeriodChoice period={period} onPeriod={setPeriod} />
      <Chart
        title={w.timeline}
        at={past.series.at}
        show={(count) => `${amount(Math.round(10 * count) / 10)}${words.unit.perSecond}`}
        lines={[{ label: words.overview.unwanted, tone: 3, values: past.series.unwanted }]}
      />
      {loaded && all.length === 0 ? <p>{w.none}</p> : null}
      {all.length === 0 ? null : (
        <Table
          label={words.pages.incidents}
          heads={[w.number, w.begin, w.lasted, [w.refused], [w.peak], w.reason, [w.effect]]}
        >
          {all.map((one) => (
            <tr key={one.number}>
              <td>
                <a href={`#/incidents/${one.number}`}>{w.title(one.number)}</a>
              </td>
              <td>{moment(one.begin, language)}</td>
              <td>{one.end === null ? <b>{w.going}</b> : duration(lastedMs(one))}</td>
              <td class="number">{amount(one.refused)}</td>
              <td class="number">{amount(one.peakPerSecond)}</td>
              <td>{name(mostOf(one.reasons)[0]?.[0] ?? "")}</td>
              <td class="number">{endedOf(one)}</td>
            </tr>
          ))}
        </Table>
      )}
      <More label={w.more} onMore={more} />
    </>
  );
}

export function Incident({ number }: { readonly number: number }) {
  const words = useWords();
  const w = words.incidents;
  const { language } = useContext(SettingsContext);
  const { value, failure } = useLoaded<IncidentShown>(`/incidents/${number}`, everyMs);
  return (
    <>
      <p>
        <a href="#/incidents">{w.back}</a>
      </p>
      <h1>{w.title(number)}</h1>
      <Failure of={failure} />
      {value === undefined ? null : (
        <>
          <Facts
            of={[
              [w.begin, moment(value.begin, language)],
              [w.lasted, value.end === null ? w.going : duration(lastedMs(value))],
              [w.refused, amount(value.refused)],
              [w.peak, amount(value.peakPerSecond)],
            ]}
          />
          <h2>{w.what}</h2>
          <Bars of={mostOf(value.reasons)} />
          <h2>{w.where}</h2>
          <Sources of={value} />
          <h2>{w.effectTitle}</h2>
          <Effect of={value} />
          <h2>{w.blocked}</h2>
          {value.blocked.length === 0 ? (
            <p>{w.nothingBlocked}</p>
          ) : (
            <ul>
              {value.blocked.map(({ address, reason }) => (
                <li key={address}>
                  {address}: {name(reason, 128)}
                </li>
              ))}
              {value.blockedMore > 0 ? <li>+ {value.blockedMore}</li> : null}
            </ul>
          )}
          <p>{words.blocks.dropped(value.dropped.connections, value.dropped.gre)}</p>
        </>
      )}
    </>
  );
}

function Effect({ of }: { readonly of: IncidentShown }) {
  const w = useWords().incidents;
  const ended = mostOf(of.sessionsEnded).map(([cause, count]) => `${cause} ${count}`);
  return (
    <>
      <p>
        {ended.length === 0
          ? w.effectNone(of.sessionsAtBegin)
          : w.effectSome(of.sessionsAtBegin, ended.join(", "))}
      </p>
      <p>
        {w.logIns(of.logIns, of.logInsRefused)} {w.processor(of.processorPercent)}
      </p>
    </>
  );
}

function Sources({ of: { sources } }: { readonly of: IncidentShown }) {
  const w = useWords().incidents;
  if (sources.length === 0) return <p>–</p>;
  return (
    <ul class="bars">
      {sources.map(({ address, count, mayBeForged }) => (
        <li key={`${address}${mayBeForged}`}>
          <span>
            {address} <small>{mayBeForged ? w.forged : w.proven}</small>
          </span>
          <Meter value={count} most={Math.max(...sources.map((one) => one.count))} />
          <b class="number">{amount(count)}</b>
        </li>
      ))}
    </ul>
  );
}

export function Bars({ of }: { readonly of: readonly (readonly [string, number])[] }) {
  const most = Math.max(1, ...of.map(([, count]) => count));
  return (
    <ul class="bars">
      {of.map(([label, count]) => (
        <li key={label}>
          <span>{name(label)}</span>
          <Meter value={count} most={most} />
          <b class="number">{amount(count)}</b>
        </li>
      ))}
    </ul>
  );
}

function Meter({ value, most }: { readonly value: number; readonly most: number }) {
  return (
    <span class="meter" aria-hidden="true">
      <span style={{ width: `${(100 * value) / Math.max(1, most)}%` }} />
    </span>
  );
}
