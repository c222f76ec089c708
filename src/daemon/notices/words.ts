// What notices say beside bulletins, in each language.
import type { Language } from "../../base/severity.js";
import type { NoticeEvent } from "../../store/port.js";
import { isoMoment } from "../bulletins.js";
import type { Trouble, TroubleKind } from "./troubles.js";

type Said = { readonly title: string; readonly text: string };

type Words = {
  readonly event: Readonly<Record<NoticeEvent, string>>;
  readonly foot: (instance: string, host: string, version: string) => string;
  readonly test: Said;
  readonly trouble: Readonly<Record<TroubleKind, (trouble: Trouble, over: boolean) => Said>>;
};

const english: Words = {
  event: { begin: "BEGIN", update: "UPDATE", end: "END", test: "TEST" },
  foot: (instance, host, version) => `holdfast ${version}, instance ${instance} on ${host}`,
  test: {
    title: "a test",
    text: "Somebody asked for a test of notices. If you can read this, they arrive.",
  },
  trouble: {
    certificate: ({ value }, over) =>
      over
        ? {
            title: "the console's certificate is renewed",
            text: `It is valid until ${isoMoment(value)}.`,
          }
        : {
            title: "the console's certificate ends soon",
            text: `It is valid until ${isoMoment(value)}. One that the console made itself is renewed at the next start; one named by console.certificate must be replaced before that.`,
          },
    disk: ({ value }, over) =>
      over
        ? { title: "there is room on the disk again", text: `${value} % of it are free.` }
        : {
            title: "the disk of the state directory is nearly full",
            text: `${value} % of it are free. Without room no accounting, block, incident or account can be written; sessions go on. Make room, or shorten accounting.retentionDays.`,
          },
    store: (_trouble, over) =>
      over
        ? { title: "the store is well again", text: "What waited is being written." }
        : {
            title: "the store is in trouble",
            text: "The database cannot be written or read: holdfast status and the log say why. Accounting waits in memory, within bounds; log-ins fail while accounts cannot be read.",
          },
    pool: ({ value }, over) =>
      over
        ? { title: "the address pool has room again", text: `${value} % of it are leased.` }
        : {
            title: "the address pool is nearly used up",
            text: `${value} % of it are leased. Once all are, a further log-in is refused. Give addresses.pool more, or end sessions that nobody uses.`,
          },
  },
};

const japanese: Words = {
  event: { begin: "[発生]", update: "[更新]", end: "[終息]", test: "[テスト]" },
  foot: (instance, host, version) => `holdfast ${version}、インスタンス ${instance} (${host})`,
  test: {
    title: "テスト",
    text: "通知のテストが要求されました。これが読めていれば、通知は届いています。",
  },
  trouble: {
    certificate: ({ value }, over) =>
      over
        ? {
            title: "コンソールの証明書が更新されました",
            text: `有効期限は ${isoMoment(value)} です。`,
          }
        : {
            title: "コンソールの証明書の有効期限が近づいています",
            text: `有効期限は ${isoMoment(value)} です。コンソール自身が作成した証明書は次回の起動時に更新されます。console.certificate で指定した証明書は、期限までに差し替えてください。`,
          },
    disk: ({ value }, over) =>
      over
        ? { title: "ディスクの空きが回復しました", text: `空き容量は ${value} % です。` }
        : {
            title: "状態ディレクトリのディスクの空きが残りわずかです",
            text: `空き容量は ${value} % です。空きがなくなると、課金記録、ブロック、インシデント、アカウントを書き込めません (セッションは継続します)。空き容量を増やすか、accounting.retentionDays を短くしてください。`,
          },
    store: (_trouble, over) =>
      over
        ? { title: "データベースが復旧しました", text: "保留されていた内容を書き込んでいます。" }
        : {
            title: "データベースに障害が発生しています",
            text: "データベースの読み書きができません。原因は holdfast status とログで確認できます。課金記録は上限の範囲でメモリに保留されます。アカウントを読み出せない間、ログインは失敗します。",
          },
    pool: ({ value }, over) =>
      over
        ? { title: "アドレスプールに余裕が戻りました", text: `使用率は ${value} % です。` }
        : {
            title: "アドレスプールの残りがわずかです",
            text: `使用率は ${value} % です。使い切ると新しいログインは拒否されます。addresses.pool を拡げるか、使われていないセッションを終了してください。`,
          },
  },
};

export const wordsOf: Readonly<Record<Language, Words>> = { en: english, ja: japanese };
