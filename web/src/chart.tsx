// Lines over time, by uPlot: drawn on a canvas, so its newest values are also given as text.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

export type Line = {
  readonly label: string;
  /** Null: a gap. */
  readonly values: readonly (number | null)[];
  readonly tone: number;
};

type Props = {
  readonly title: string;
  readonly help?: string;
  /** Unix ms. */
  readonly at: readonly number[];
  readonly lines: readonly Line[];
  readonly show: (value: number) => string;
};

export function Chart({ title, help, at, lines, show }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const shape = lines.map(({ label, tone }) => `${label}${tone}`).join();
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const made = new uPlot(optionsOf(element, lines, show), [[], ...lines.map(() => [])], element);
    plot.current = made;
    const fit = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    fit.observe(element);
    const redraw = () => made.redraw();
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", redraw);
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      fit.disconnect();
      themes.disconnect();
      scheme.removeEventListener("change", redraw);
      made.destroy();
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData([at.map((ms) => ms / 1_000), ...lines.map(({ values }) => [...values])]);
  });
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        {help === undefined ? null : <small>{help}</small>}
        <ul class="legend">
          {lines.map(({ label, values, tone }) => (
            <li key={label}>
              <span class={`dot tone${tone}`} aria-hidden="true" />
              {label} <b>{shownOf(values.at(-1), show)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot" ref={place} aria-hidden="true" />
    </figure>
  );
}

const height = 150;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsOf(
  element: HTMLElement,
  lines: readonly Line[],
  show: (value: number) => string,
): uPlot.Options {
  const axis = {
    stroke: () => colour("--quiet"),
    grid: { stroke: () => colour("--line"), width: 1 },
  };
  return {
    width: element.clientWidth || 300,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(most * 1.1, 1)] } },
    axes: [
      {
        ...axis,
        size: 30,
        values: (_plot, ticks, _axis, _space, step) => ticks.map((tick) => clock(tick, step)),
      },
      { ...axis, size: 84, values: (_plot, ticks) => ticks.map(show) },
    ],
    series: [
      {},
      ...lines.map(({ label, tone }) => ({
        label,
        stroke: () => colour(`--tone${tone}`),
        width: 2,
        points: { show: false },
      })),
    ],
  };
}

function shownOf(value: number | null | undefined, show: (value: number) => string): string {
  return value === null || value === undefined ? "–" : show(value);
}

/** Of ticks that are days apart, and of a midnight among hours, the date. */
function clock(seconds: number, stepSeconds: number): string {
  const at = new Date(seconds * 1_000);
  const midnight = at.getHours() + at.getMinutes() + at.getSeconds() === 0;
  if (stepSeconds >= 86_400 || (midnight && stepSeconds >= 3_600)) {
    const language = document.documentElement.lang || "en";
    return new Intl.DateTimeFormat(language, { month: "numeric", day: "numeric" }).format(at);
  }
  const parts = [at.getHours(), at.getMinutes(), ...(stepSeconds < 60 ? [at.getSeconds()] : [])];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
