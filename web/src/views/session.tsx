// One session: what it is, how it was negotiated, what it carries; and its end.
import { useContext, useRef } from "preact/hooks";
import type { SessionDetail } from "../../../src/console/contract.js";
import { send } from "../api.js";
import { Confirmed, Facts, Failure, useAction, useLoaded } from "../parts.js";
import { SettingsContext, useWords } from "../settings.js";
import type { Rights } from "../shell.js";
import { amount, bits, duration, escaped, moment, name, octets } from "../shown.js";
import { PastSessions } from "./past-sessions.js";
import { SessionCharts } from "./session-charts.js";

export function Session({ id, rights }: { readonly id: number; readonly rights: Rights }) {
  const words = useWords();
  const w = words.session;
  const { language } = useContext(SettingsContext);
  const { value: found, failure, reload } = useLoaded<SessionDetail>(`/sessions/${id}`, 2_000);
  // One that ends while it is looked at stays on the page as it was last.
  const last = useRef<SessionDetail>(undefined);
  if (found !== undefined) last.current = found;
  const value = found ?? (last.current?.id === id ? last.current : undefined);
  const action = useAction();
  const gone = failure?.status === 404;
  return (
    <>
      <p>
        <a href="#/sessions">{w.back}</a>
      </p>
      <h1>
        {w.title(id)} {value === undefined ? null : name(value.user)}
      </h1>
      {gone ? <p role="status">{w.gone}</p> : <Failure of={failure} />}
      <Failure of={action.failure} />
      {value === undefined ? null : (
        <>
          {gone ? null : value.ending !== null ? (
            <p role="status">{w.done}</p>
          ) : rights.acts ? (
            <Confirmed
              label={w.disconnect}
              question={w.sure(name(value.user))}
              busy={action.busy}
              onYes={() => action.run(() => send("POST", "/disconnect", { id }).then(reload))}
            />
          ) : null}
          <div class="columns">
            <section>
              <h2>{w.facts}</h2>
              <Facts of={factsOf(value, words, language)} />
            </section>
            <section>
              <h2>{w.counters}</h2>
              <Facts of={countersOf(value, words)} />
            </section>
          </div>
          {value.history === null ? (
            <p>{w.noTraffic}</p>
          ) : (
            <SessionCharts history={value.history} />
          )}
          <h2>{w.dialogue}</h2>
          <ol class="dialogue">
            {value.dialogue.map((line, at) => (
              <li key={at}>{escaped(line, 256)}</li>
            ))}
          </ol>
          {value.user === null ? null : <PastSessions user={value.user} />}
        </>
      )}
    </>
  );
}

type AllWords = ReturnType<typeof useWords>;

function factsOf(one: SessionDetail, words: AllWords, language: "en" | "ja") {
  const w = words.session;
  const client = [one.peersHostName, one.peersVendorString].filter((text) => text !== "");
  const rate = (perSecond: number | null) => (perSecond === null ? w.unlimited : bits(perSecond));
  return [
    [words.sessions.user, name(one.user)],
    [words.sessions.peer, one.peerAddress],
    [
      words.sessions.address,
      [one.framedAddress, one.framedPrefix].filter(Boolean).join(", ") || "–",
    ],
    [words.sessions.phase, one.phase],
    [w.calledAt, moment(one.calledAt, language)],
    [words.sessions.up, one.upAt === null ? "–" : duration(Date.now() - one.upAt)],
    [w.profile, one.profile],
    [w.authentication, one.authentication ?? "–"],
    [w.encryption, one.encryption],
    [w.client, name(client.join(", "), 128)],
    [w.mru, one.ppp === null ? "–" : String(one.ppp.peersMru)],
    [w.routes, one.routes.join(", ") || "–"],
    [w.rate, `${rate(one.upBitsPerSecond)} / ${rate(one.downBitsPerSecond)}`],
  ] as const;
}

function countersOf({ counters }: SessionDetail, words: AllWords) {
  const w = words.session;
  return [
    [words.sessions.received, octets(counters.receivedOctets)],
    [words.sessions.sent, octets(counters.sentOctets)],
    [w.packets, `${amount(counters.receivedPackets)} / ${amount(counters.sentPackets)}`],
    [words.sessions.loss, String(counters.lost)],
    [w.reordered, String(counters.reordered)],
    [w.dropped, String(counters.dropped)],
    [words.sessions.rtt, `${counters.roundTripMs.toFixed(1)} ${words.unit.ms}`],
    [w.idle, duration(counters.idleMs)],
  ] as const;
}
