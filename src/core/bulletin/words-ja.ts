// A bulletin of an incident in Japanese.
import type { Words } from "./words.js";

export const japanese: Words = {
  title: (kind, goesOn) => `${titles[kind]}を${goesOn ? "拒否しています" : "拒否しました"}`,
  headings: {
    summary: "概要",
    affected: "影響を受けるもの",
    notAffected: "影響を受けないもの",
    notKnown: "不明なもの",
    effect: "このサーバーへの影響",
    mitigating: "影響を緩和する要素",
    done: "実施した対処",
    toDo: "推奨する対応",
    questions: "よく寄せられる質問",
    revisions: "更新履歴",
  },
  labels: {
    bulletin: "セキュリティ情報",
    severity: "深刻度",
    published: "公開日",
    updated: "最終更新日",
    revision: "版",
    state: "状態",
  },
  state: {
    open: "継続中",
    quiet: "終息",
    "server-stopped": "サーバー停止時に終息していませんでした",
    "server-lost": "サーバーの強制終了時に終息していませんでした (数値は最後に記録されたものです)",
  },
  about: {
    "gre-malformed":
      "RFC 2637 が認めない形式の GRE パケットです。IP プロトコル 47 が届く相手なら誰でも、ログインも呼の確立もなしに送信できます。",
    "gre-no-call":
      "存在しない呼を指す、形式の正しい GRE パケットです。ログインなしに送信できます。",
    "in-call":
      "確立済みの呼に対する、本来の相手が送らないはずのパケットです。重複、ウィンドウ外、または復号しても妥当な内容にならないものを指します。",
    control:
      "TCP ポート 1723 への制御メッセージのうち、RFC 2637 が認めない形式、またはその状態では認められないものです。ログインなしに送信できます。",
    negotiation:
      "通常のクライアントが行わない PPP ネゴシエーションです。形式が不正なもの、終わらないもの、完了しないものを指します。",
    "log-ins": "入力ミスでは説明できない数のログイン失敗です。",
    "too-many":
      "未認証の相手に許される数を超える接続、呼、メッセージ、または何も送らない接続です。",
    other: "要求されていない通信が混在したものです。",
  },
  products: {
    "windows-nt-4":
      "Microsoft セキュリティ情報 MS01-009 (CVE-2001-0017) の修正プログラムを適用していない、PPTP サーバーとしての Windows NT 4.0。特定の不正な形式 (詳細は公表されていません) のパケットを多数受け取ると、カーネルメモリが枯渇します。今回のパケットがその形式に該当するかどうかは不明です。",
    "windows-2000": "Windows 2000。MS01-009 に、影響を受けないと記載されています。",
    pptpd:
      "pptpd (Poptop)。holdfast が公開しているベンチマークの結果 (docs/BENCHMARKS.md) に示されている以上のことは分かりません。",
  },
  summary: {
    when: (begin, end) =>
      end === undefined
        ? `${begin} から通常より多くの通信を拒否しており、現在も継続しています。`
        : `${begin} から ${end} まで、通常より多くの通信を拒否しました。`,
    amount: (refused, peak, over) =>
      `合計 ${refused} 件、最大で毎秒 ${peak} 件です。毎秒 ${over} 件を超えるとインシデントとみなします。`,
  },
  here: {
    unharmed: (version) =>
      `このサーバー (holdfast ${version})。これにより失われたセッションはありません。`,
    harmed: (version, lost) =>
      `このサーバー (holdfast ${version})。この間に ${lost} 件のセッションが、利用者も管理者も意図しない原因で終了しました。この通信が原因かどうかは確認されていません。`,
    harmedNotKnown: (version) =>
      `holdfast ${version}。失われたものについては「影響を受けるもの」をご覧ください。`,
    alike: "到達可能な PPTP サーバーであれば、同じ通信を受ける可能性があります。",
  },
  effect: {
    sessions: (atBegin, lost, others) =>
      `開始時のセッションは ${atBegin} 件です。この間に ${lost} 件が失われ、${others} 件が利用者、管理者、または制限の定めるとおりに終了しました。`,
    logIns: (succeeded, refused) =>
      `この間のログインは、成功 ${succeeded} 件、拒否 ${refused} 件です。`,
    processor: (percent) => `メインプロセスの使用率は、プロセッサー 1 個の ${percent} % でした。`,
    causes: (list) => `終了の原因別の件数: ${list}`,
  },
  mitigating: {
    givenBack:
      "拒否した通信のために保持され続けるものはありません。使われた資源は直ちに返却されます (holdfast ledger で確認できます)。",
    kernelFilter:
      "このようなパケットは、サーバーのプロセスが動く前にカーネルのフィルターが拒否します。",
    kernelDropped: (connections, gre) =>
      `ブロック中の送信元からの接続要求 ${connections} 件と GRE パケット ${gre} 件を、カーネルが破棄しました。`,
    heldLogIns: "ログインに失敗すると、同じ送信元からの同じ名前による次のログインは待たされます。",
  },
  done: {
    refused: (count, reason) => `${count} 件を拒否: ${reason}`,
    blocked: (address, reason) => `${address} をブロック: ${reason}`,
    more: (count) => `ほか ${count} 件`,
    nothingBlocked: "ブロックした送信元はありません。",
  },
  toDo: {
    nothing: "サーバーのために必要な対応はありません。",
    proven: (address, count) =>
      `${address} は少なくとも ${count} 件を送信しました (TCP の接続確立により確認済み)。より長くブロックするか (holdfast block ${address})、手前のファイアウォールでブロックしてください。`,
    forged: (address, count) =>
      `${address}: 約 ${count} 件の GRE パケット。送信元は偽装されている可能性があります。無関係な第三者のアドレスかもしれないため、これだけを理由にブロックしないでください。実際の発信元は上位のプロバイダーが調べられます。`,
    notSampled:
      "GRE パケットの送信元は不明です。eBPF フィルターを使うと分かります (packaging/refusal.conf)。",
    lost: (number) =>
      `セッションが失われました。holdfast incidents show ${number} とログを確認し、第三者のパケットが原因であれば SECURITY.md に従って報告してください。`,
    logIns:
      "試された名前をログで確認し、該当するアカウントには長いパスワードを設定し、不要なアカウントは無効にしてください (holdfast user disable)。",
    busy: "プロセッサーの負荷が高くなりました。クライアントのいる送信元だけを手前のファイアウォールで許可してください。",
  },
  questions: {
    sources: {
      question: "送信元アドレスは信用できますか。",
      answer:
        "TCP の接続確立で確認されたものは信用できます。その相手はこちらの応答を受け取っています。GRE パケットの送信元は誰にでも偽装できるため、そのつど明記しています。",
    },
    restart: {
      question: "サーバーの再起動は必要ですか。",
      answer:
        "必要ありません。拒否したパケットのために残るものはなく、通信が止まればプロセッサーの負荷も元に戻ります。",
    },
    ms01009: {
      question: "これは MS01-009 の攻撃ですか。",
      answer:
        "同じ種類のものです (第三者からの多数の不正な形式のパケット)。NT 4.0 がメモリを解放しなかった形式は公表されていないため、個々のパケットが該当するかどうかは誰にも判断できません。ここでは不正な形式のものをすべて同じように拒否します。",
    },
    password: (succeeded) => ({
      question: "パスワードは破られましたか。",
      answer: `拒否したログインはすべて失敗しています。この間に ${succeeded} 件のログインが成功しましたが、本人によるものかどうかはここからは分かりません。holdfast sessions の内容を、接続しているはずの利用者と照合してください。`,
    }),
    inCall: {
      question: "これらのパケットで通信を盗み見たり改ざんしたりできますか。",
      answer:
        "拒否したパケットはどのセッションにも届いていません。ただし、ログインを記録した相手が PPTP の暗号を破れることに変わりはありません (docs/SECURITY-MODEL.md)。",
    },
    noCall: {
      question: "存在しない呼のパケットはどこから来るのですか。",
      answer:
        "少数であれば、呼が終わった直後のクライアントからのものです。多数続く場合は、スキャン、推測された Call ID、または呼の終了を知らされていない機器によるものです。",
    },
  },
  revisions: {
    begins: (refused, severity) =>
      `公開: この時点までの拒否 ${refused} 件、深刻度「${severity}」。`,
    severity: (refused, severity) =>
      `深刻度を「${severity}」に変更: この時点までの拒否 ${refused} 件。`,
    blocked: (refused) => `送信元をブロック: この時点までの拒否 ${refused} 件。`,
    ends: (refused, severity) => `終息: 拒否の合計 ${refused} 件、深刻度「${severity}」。`,
  },
};

const titles = {
  "gre-malformed": "不正な形式の大量の GRE パケット",
  "gre-no-call": "存在しない呼への大量の GRE パケット",
  "in-call": "確立済みの呼への偽造または重複したパケット",
  control: "不正な形式または状態に合わない制御メッセージ",
  negotiation: "通常のクライアントが行わない PPP ネゴシエーション",
  "log-ins": "多数のログイン失敗",
  "too-many": "過剰な数の接続とメッセージ",
  other: "要求されていない大量の通信",
} as const;
