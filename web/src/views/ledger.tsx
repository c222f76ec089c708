// The ledger: what is held, by kind and over time. The picture of the promise.
import { useContext, useState } from "preact/hooks";
import type { LedgerPage } from "../../../src/console/contract.js";
import { Chart } from "../chart.js";
import type { Live } from "../live.js";
import { Failure, Table, useLoaded } from "../parts.js";
import { type Period, PeriodChoice, useSeries } from "../past.js";
import { SettingsContext, useWords } from "../settings.js";
import { amount, moment, name } from "../shown.js";
import { Bars } from "./incidents.js";

export function Ledger({ live: { overview, moments } }: { readonly live: Live }) {
  const words = useWords();
  const w = words.ledger;
  const { language } = useContext(SettingsContext);
  const stuck = useLoaded<LedgerPage>("/ledger?state=stuck", 5_000);
  const returning = useLoaded<LedgerPage>("/ledger?state=returning", 5_000);
  const lines = [...(stuck.value?.lines ?? []), ...(returning.value?.lines ?? [])];
  const [period, setPeriod] = useState<Period>("live");
  const { series, failure } = useSeries(moments, period);
  const kinds = Object.entries(overview?.ledger.byKind ?? {}).sort(([, a], [, b]) => b - a);
  return (
    <>
      <h1>{words.pages.ledger}</h1>
      <p class="quiet">{words.overview.ledgerHelp}</p>
      <Failure of={stuck.failure ?? returning.failure ?? failure} />
      <PeriodChoice period={period} onPeriod={setPeriod} />
      <Chart
        title={w.time}
        at={series.at}
        show={(value) => amount(Math.round(10 * value) / 10)}
        lines={[
          { label: w.held, tone: 2, values: series.held },
          { label: words.overview.sessions, tone: 1, values: series.sessions },
          { label: words.overview.connections, tone: 3, values: series.connections },
        ]}
      />
      <h2>{w.title}</h2>
      <Bars of={kinds} />
      <h2>{w.lines}</h2>
      {lines.length === 0 ? (
        <p>{w.fine}</p>
      ) : (
        <Table label={w.lines} heads={[w.kind, w.owner, w.detail, w.since, w.state, w.why]}>
          {lines.map((line) => (
            <tr key={line.id}>
              <td>{line.what}</td>
              <td>{name(line.owner)}</td>
              <td>{name(line.detail)}</td>
              <td>{moment(line.since, language)}</td>
              <td>{line.state}</td>
              <td>{name(line.why, 128)}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
