// What one session carried since its first traffic, and how: rates, loss and order, round trip, by slots of time.
import type { SessionHistoryShown } from "../../../src/console/contract.js";
import { Chart } from "../chart.js";
import { useWords } from "../settings.js";
import { amount, bits, duration } from "../shown.js";

export function SessionCharts({ history }: { readonly history: SessionHistoryShown }) {
  const words = useWords();
  const w = words.session;
  const { beginAt, slotMs, slots } = history;
  const at = slots.map((_, place) => beginAt + place * slotMs);
  // The newest is not over yet.
  const lasted = (place: number) =>
    place < slots.length - 1 ? slotMs : Math.min(slotMs, Math.max(1_000, Date.now() - at[place]!));
  const rate = (name: "receivedOctets" | "sentOctets") =>
    slots.map((slot, place) => (8_000 * slot[name]) / lasted(place));
  const share = (name: "lost" | "reordered") =>
    slots.map((slot) => {
      const all = slot.receivedPackets + slot.lost;
      return all === 0 ? null : (100 * slot[name]) / all;
    });
  return (
    <>
      <p class="quiet">{w.historyOf(duration(slots.length * slotMs), duration(slotMs))}</p>
      <div class="charts">
        <Chart
          title={w.traffic}
          at={at}
          show={bits}
          lines={[
            { label: words.overview.up, tone: 1, values: rate("receivedOctets") },
            { label: words.overview.down, tone: 2, values: rate("sentOctets") },
          ]}
        />
        <Chart
          title={w.lossTitle}
          at={at}
          show={(value) => `${value === 0 ? "0" : value.toFixed(2)} %`}
          lines={[
            { label: words.sessions.loss, tone: 3, values: share("lost") },
            { label: w.reordered, tone: 1, values: share("reordered") },
          ]}
        />
        <Chart
          title={words.sessions.rtt}
          at={at}
          show={(value) => `${amount(value)} ${words.unit.ms}`}
          lines={[
            {
              label: words.sessions.rtt,
              tone: 2,
              values: slots.map(({ roundTripMs }) => roundTripMs),
            },
          ]}
        />
      </div>
    </>
  );
}
