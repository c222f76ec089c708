// The event stream as the page sees it: the newest overview, and a quarter of an hour of moments.
import type { History, Moment, Overview } from "../../src/console/overview-contract.js";
import { get } from "./api.js";

export type Live = {
  readonly overview: Overview | undefined;
  readonly moments: readonly Moment[];
  readonly connected: boolean;
};

export const nothingYet: Live = { overview: undefined, moments: [], connected: false };

/** Calls `tell` with each change, until the returned function is called. */
export function watch(tell: (live: Live) => void, ended: () => void): () => void {
  let live = nothingYet;
  let most = 900;
  const set = (next: Partial<Live>) => {
    live = { ...live, ...next };
    tell(live);
  };
  const stream = new EventSource("/v1/events");
  stream.addEventListener("overview", ({ data }) => {
    const overview = JSON.parse(data as string) as Overview;
    const known = live.moments.at(-1)?.at ?? 0;
    const moments = overview.moment.at > known ? [...live.moments, overview.moment] : live.moments;
    set({ overview, moments: moments.slice(-most), connected: true });
  });
  stream.addEventListener("ended", () => {
    stream.close();
    ended();
  });
  // The browser tries again by itself, but for an answer that refuses: then the log-in is over.
  stream.addEventListener("error", () => {
    set({ connected: false });
    if (stream.readyState === EventSource.CLOSED) get("/overview").catch(() => {});
  });
  get<History>("/history")
    .then((history) => {
      most = Math.max(most, history.moments.length);
      const last = history.moments.at(-1)?.at ?? 0;
      set({ moments: [...history.moments, ...live.moments.filter(({ at }) => at > last)] });
    })
    .catch(() => {});
  return () => stream.close();
}
