// The first look: is it well, how much is going on, is something arriving that should not.

import { useContext, useState } from "preact/hooks";
import { Chart } from "../chart.js";
import type { Live } from "../live.js";
import { Failure } from "../parts.js";
import { type Period, PeriodChoice, useSeries } from "../past.js";
import { SettingsContext, useWords } from "../settings.js";
import { amount, bits, escaped, name, octets, moment as shownMoment } from "../shown.js";

export function Overview({ live: { overview, moments } }: { readonly live: Live }) {
  const words = useWords();
  const w = words.overview;
  const { language } = useContext(SettingsContext);
  const [period, setPeriod] = useState<Period>("live");
  const { series, failure } = useSeries(moments, period);
  if (overview === undefined) return <p>{words.sessions.loading}</p>;
  const { at } = series;
  const perSecond = (value: number) =>
    `${amount(Math.round(10 * value) / 10)}${words.unit.perSecond}`;
  const countOf = (value: number) => amount(Math.round(10 * value) / 10);
  const { incident, moment, addresses, ledger, limits } = overview;
  const warnings = language === "ja" ? overview.warningsJapanese : overview.warnings;
  return (
    <>
      <h1 class="unseen">{words.pages.overview}</h1>
      {incident === null ? null : (
        <p class="notice warn">
          <b>{w.incidentNow(incident.number, amount(incident.perSecond))}</b> (
          {name(incident.reason)}) <a href={`#/incidents/${incident.number}`}>{w.look}</a>
        </p>
      )}
      {warnings.length === 0 ? null : (
        <section class="notice warn" aria-label={w.warnings}>
          <ul>
            {warnings.map((warning) => (
              <li key={warning}>{escaped(warning, 512)}</li>
            ))}
          </ul>
        </section>
      )}
      <div class="tiles">
        <Tile
          label={w.sessions}
          value={moment.sessions}
          of={limits.sessionsMax}
          link="#/sessions"
        />
        <Tile label={w.connections} value={moment.connections} of={limits.connectionsMax} />
        <Tile label={w.addresses} value={addresses.leased} of={addresses.size} />
        <Tile label={w.blocks} value={moment.blocks} link="#/blocks" />
        <Tile label={w.ledger} value={ledger.held} link="#/ledger" />
        <Tile label={w.stuck} value={ledger.stuck} link="#/ledger" />
      </div>
      <PeriodChoice period={period} onPeriod={setPeriod} />
      <Failure of={failure} />
      <div class="charts">
        <Chart
          title={w.traffic}
          at={at}
          show={bits}
          lines={[
            { label: w.up, tone: 1, values: series.up },
            { label: w.down, tone: 2, values: series.down },
          ]}
        />
        <Chart
          title={w.sessions}
          at={at}
          show={countOf}
          lines={[{ label: w.sessions, tone: 1, values: series.sessions }]}
        />
        <Chart
          title={w.logIns}
          at={at}
          show={perSecond}
          lines={[
            { label: w.taken, tone: 1, values: series.taken },
            { label: w.refused, tone: 3, values: series.refusals },
          ]}
        />
        <Chart
          title={w.unwanted}
          help={w.unwantedHelp}
          at={at}
          show={perSecond}
          lines={[{ label: w.refused, tone: 3, values: series.unwanted }]}
        />
        <Chart
          title={w.processor}
          at={at}
          show={(value) => `${amount(Math.round(value))} %`}
          lines={[
            { label: w.main, tone: 1, values: series.processor },
            { label: w.workers, tone: 2, values: series.workers },
          ]}
        />
        <Chart
          title={w.memory}
          at={at}
          show={octets}
          lines={[
            { label: w.main, tone: 1, values: series.memory },
            { label: w.workers, tone: 2, values: series.workersMemory },
          ]}
        />
        <Chart
          title={w.ledger}
          help={w.ledgerHelp}
          at={at}
          show={countOf}
          lines={[{ label: w.ledger, tone: 2, values: series.held }]}
        />
      </div>
      <p class="quiet">
        {w.since}: {shownMoment(overview.startedAt, language)} · {w.version}: {overview.version} ·{" "}
        {w.store}: {name(overview.store.health)}
      </p>
    </>
  );
}

function Tile(props: {
  readonly label: string;
  readonly value: number;
  readonly of?: number;
  readonly link?: string;
}) {
  const value = (
    <>
      <b>{props.value}</b>
      {props.of === undefined ? null : <small> / {props.of}</small>}
    </>
  );
  return (
    <div class="tile">
      <span>{props.link === undefined ? props.label : <a href={props.link}>{props.label}</a>}</span>
      <span class="value">{value}</span>
    </div>
  );
}
