// Bulletins: what was said of each incident, in the page's language.
import { useContext } from "preact/hooks";
import type { BulletinShown, BulletinsPage } from "../../../src/console/bulletin-contract.js";
import { More, useOlder } from "../older.js";
import { Facts, Failure, Table, useLoaded } from "../parts.js";
import { SettingsContext, useWords } from "../settings.js";
import { moment } from "../shown.js";

const pageSize = 50;
const everyMs = 10_000;

export function Bulletins() {
  const words = useWords();
  const w = words.bulletins;
  const { language } = useContext(SettingsContext);
  const path = `/bulletins?lang=${language}&most=${pageSize}`;
  const { loaded, all, failure, more } = useOlder(
    path,
    everyMs,
    ({ bulletins }: BulletinsPage) => bulletins,
  );
  return (
    <>
      <h1>{words.pages.bulletins}</h1>
      <Failure of={failure} />
      {loaded && all.length === 0 ? <p>{w.none}</p> : null}
      {all.length === 0 ? null : (
        <Table
          label={words.pages.bulletins}
          heads={[w.number, w.severity, w.what, w.state, w.published, w.updated, [w.revision]]}
        >
          {all.map((one) => (
            <tr key={one.number}>
              <td>
                <a href={`#/bulletins/${one.number}`}>{w.title(one.number)}</a>
              </td>
              <td>{one.severityName}</td>
              <td>{one.title}</td>
              <td>{one.goesOn ? <b>{one.state}</b> : one.state}</td>
              <td>{moment(one.published, language)}</td>
              <td>{moment(one.updated, language)}</td>
              <td class="number">{one.revision}</td>
            </tr>
          ))}
        </Table>
      )}
      <More label={w.more} onMore={more} />
    </>
  );
}

export function Bulletin({ number }: { readonly number: number }) {
  const w = useWords().bulletins;
  const { language } = useContext(SettingsContext);
  const path = `/bulletins/${number}?lang=${language}`;
  const { value, failure } = useLoaded<BulletinShown>(path, everyMs);
  return (
    <>
      <p>
        <a href="#/bulletins">{w.back}</a> <a href={`#/incidents/${number}`}>{w.incident}</a>
      </p>
      <h1>{value === undefined ? w.title(number) : `${w.title(number)}: ${value.title}`}</h1>
      <Failure of={failure} />
      {value === undefined ? null : <Told of={value} />}
    </>
  );
}

function Told({ of }: { readonly of: BulletinShown }) {
  const w = useWords().bulletins;
  const { language } = useContext(SettingsContext);
  return (
    <>
      <Facts
        of={[
          [w.severity, of.severityName],
          [w.state, of.state],
          [w.published, moment(of.published, language)],
          [w.updated, moment(of.updated, language)],
          [w.revision, String(of.revision)],
        ]}
      />
      {of.sections.map(({ name, heading, lines }) => (
        <section key={name}>
          <h2>{heading}</h2>
          <ul>
            {lines.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </section>
      ))}
      <h2>{of.questions.heading}</h2>
      {of.questions.items.map(({ question, answer }) => (
        <div key={question}>
          <h3>{question}</h3>
          <p>{answer}</p>
        </div>
      ))}
      <h2>{of.revisions.heading}</h2>
      <ol>
        {of.revisions.items.map((one) => (
          <li key={one.number} value={one.number}>
            {moment(one.at, language)}: {one.text}
          </li>
        ))}
      </ol>
    </>
  );
}
