// The console's event stream (server-sent events): the overview once a second, for as long as the
// log-in lasts. A reader that does not read misses moments; nothing piles up for it.
import type { ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Context } from "hono";
import { web as limits } from "../../limits/web.js";
import { adminFault } from "../admin/port.js";
import { fault } from "../admin/routes.js";
import { type ConsoleEnv, securityHeaders } from "./gate.js";

export type StreamTerms = {
  /** Calls at each moment, until the lease is given back. */
  readonly listen: (told: () => void) => Disposable;
  /** What is told, as JSON: made once a moment for all. */
  readonly news: () => string;
};

type Stream = { readonly outgoing: ServerResponse; readonly lasts: () => Promise<boolean> };

export class EventStreams {
  readonly #streams = new Set<Stream>();
  #listening: Disposable | undefined;

  constructor(readonly terms: StreamTerms) {}

  /** `lasts` is asked at each moment: an ended log-in or token ends the stream. */
  answer(c: Context<ConsoleEnv>, lasts: () => Promise<boolean>): Response {
    if (this.#streams.size >= limits.streamsMax) return fault(c, tooMany, 429);
    const { outgoing } = c.env;
    outgoing.writeHead(200, {
      ...securityHeaders,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    const stream = { outgoing, lasts };
    this.#streams.add(stream);
    this.#listening ??= this.terms.listen(() => this.#beat());
    outgoing.once("close", () => this.#left(stream));
    tell(outgoing, this.terms.news());
    return RESPONSE_ALREADY_SENT;
  }

  #beat(): void {
    let news: string | undefined;
    for (const { outgoing, lasts } of this.#streams) {
      lasts().then((lasting) => {
        if (!lasting) return end(outgoing);
        if (outgoing.writableEnded || outgoing.writableNeedDrain) return;
        news ??= this.terms.news();
        tell(outgoing, news);
      });
    }
  }

  #left(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    this.#listening?.[Symbol.dispose]();
    this.#listening = undefined;
  }
}

function tell(outgoing: ServerResponse, news: string): void {
  outgoing.write(`event: overview\ndata: ${news}\n\n`);
}

function end(outgoing: ServerResponse): void {
  if (outgoing.writableEnded) return;
  const { socket, writableNeedDrain } = outgoing;
  // A reader that does not read would not take this either.
  if (writableNeedDrain) socket?.destroy();
  else outgoing.end("event: ended\ndata: {}\n\n", () => socket?.destroySoon());
}

const tooMany = adminFault(
  "refused",
  "too-many-streams",
  "too many pages look on at once",
  "close one of them",
);
