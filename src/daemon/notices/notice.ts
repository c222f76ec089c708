// What a notice says: of an incident its bulletin, of a trouble what is wrong and what to do, of a test
// that it is one. Every string in it is printable: nothing of it is a header, an escape or a mark.
import { printable } from "../../base/printable.js";
import type { Language } from "../../base/severity.js";
import type { Bulletin } from "../../core/bulletin/bulletin.js";
import { bulletinText, headline } from "../../core/bulletin/forms.js";
import { told } from "../../core/bulletin/told.js";
import { notice as limits } from "../../limits/bulletin.js";
import type { NoticeBody, NoticeEvent } from "../../store/port.js";
import { type BulletinNews, isoMoment } from "../bulletins.js";
import type { Trouble } from "./troubles.js";
import { wordsOf } from "./words.js";

export type NoticeOrigin = {
  readonly instance: string;
  readonly host: string;
  readonly version: string;
};

export type Notice = {
  /** What it is about: another of the same key that is an update takes its place. */
  readonly key: string;
  readonly event: NoticeEvent;
  readonly body: NoticeBody;
};

const eventOf: Readonly<Record<BulletinNews, NoticeEvent>> = {
  ...{ begins: "begin", ends: "end", severity: "update", blocked: "update", update: "update" },
};

export function bulletinNotice(
  bulletin: Bulletin,
  news: BulletinNews,
  language: Language,
  origin: NoticeOrigin,
): Notice {
  const made = told(bulletin, language, isoMoment);
  const title = `${made.severityName}: ${headline(made)}`;
  const key = `incident ${bulletin.number}`;
  const text = bulletinText(made, isoMoment);
  const { severity } = made;
  return noticeOf(origin, language, key, eventOf[news], { title, text, severity }, made);
}

export function troubleNotice(
  trouble: Trouble,
  event: "begin" | "end",
  language: Language,
  origin: NoticeOrigin,
): Notice {
  const { title, text } = wordsOf[language].trouble[trouble.kind](trouble, event === "end");
  const severity = event === "end" ? "info" : "high";
  return noticeOf(origin, language, `trouble ${trouble.kind}`, event, { title, text, severity });
}

export function testNotice(language: Language, origin: NoticeOrigin): Notice {
  const { title, text } = wordsOf[language].test;
  return noticeOf(origin, language, "test", "test", { title, text, severity: "info" });
}

function noticeOf(
  { instance, host, version }: NoticeOrigin,
  language: Language,
  key: string,
  event: NoticeEvent,
  said: Pick<NoticeBody, "severity" | "text"> & { readonly title: string },
  bulletin?: object,
): Notice {
  const words = wordsOf[language];
  const shown = { instance: printable(instance), host: printable(host, 253), version };
  const foot = words.foot(shown.instance, shown.host, printable(version));
  return {
    key,
    event,
    body: {
      ...{ event, key, language, severity: said.severity, ...shown },
      subject: `[holdfast ${shown.instance}] ${words.event[event]} ${said.title}`,
      text: `${said.text.slice(0, limits.charactersMax)}\n-- \n${foot}\n`,
      ...(bulletin === undefined ? {} : { bulletin }),
    },
  };
}
