// A bulletin in Japanese.
import { probe as bounds } from "../../limits.js";
import { callIdEvidence, startEvidence, type Words } from "./words.js";

const asked = (method: string) => () =>
  `Configure-Request が ${method} を要求(自発的に、または Configure-Nak で提案した後)`;
const acked = (bits: number) => () =>
  `MPPE-${bits}(ステートレス)だけの CCP Configure-Request に Configure-Ack`;
const seconds = (ms: number) => `${ms / 1_000} 秒`;

export const japanese: Words = {
  title: "PPTP サーバー診断書",
  labels: {
    server: "サーバー",
    at: "診断日時",
    startReply: "Start-Control-Connection-Reply",
    hostName: "ホスト名",
    vendor: "ベンダー",
    firmware: "ファームウェア改訂番号",
    version: "プロトコルバージョン",
    capabilities: "フレーミング、ベアラ能力",
    channels: "最大チャネル数",
    result: "結果コード、エラーコード",
    call: "Outgoing-Call-Reply",
    window: "受信ウィンドウ、処理遅延",
    connect: "TCP ハンドシェイク",
    restart: "LCP 再送タイマー",
    keepAlive: "キープアライブとアイドルのタイマー",
    slow: "確認不可(1 分以上かかり、診断はそこまで待たない)",
    mru: "MRU",
    offered: "受け入れる方式",
    refused: "受け入れない方式",
    unknown: "確認できなかった方式",
    none: "認証を要求しない",
    encryption: "暗号化",
    conformance: "不正または想定外のメッセージへの応答",
    silence: "何も送らない接続",
    closedAfter: "切断まで",
    stillOpen: `${seconds(bounds.silenceMs)}後も開いたまま`,
    findings: "所見",
    noFindings: "調べた範囲で報告すべき点なし",
    evidence: "根拠",
    remedy: "対策",
    facts: "サーバーが示した内容",
    methods: "認証",
  },
  notSeen: {
    "no-privilege": "確認不可: raw ソケットに CAP_NET_RAW が必要(root で実行)",
    "no-call": "確認不可: サーバーが呼を受け入れない",
    "no-gre": "確認不可: 呼は受け入れられたが GRE パケットが返らない",
    "no-start": "確認不可: 制御接続が確立しない",
    "out-of-time": "確認不可: サーバーの応答が遅すぎる",
  },
  noStrengths: {
    "no-log-in": "ログイン前は確認不可(-u ユーザー名 を指定)",
    "no-ms-chap-v2": "確認不可: ログインは MS-CHAPv2 で行うが、このサーバーは受け入れない",
    refused: "確認不可: ログインが拒否された",
    "not-proven": "確認不可: サーバーがパスワードを知ることを証明しない",
    "no-ccp": "サーバーが CCP に応答しない: 暗号化なし",
    "no-privilege": "確認不可: raw ソケットに CAP_NET_RAW が必要(root で実行)",
    "no-call": "確認不可: サーバーが呼を受け入れない",
    "no-gre": "確認不可: GRE パケットが返らない",
    "no-start": "確認不可: 制御接続が確立しない",
    "out-of-time": "確認不可: ログインに時間がかかりすぎた",
  },
  startFailure: {
    silent: `${seconds(bounds.replyMs)}以内に応答なし`,
    closed: "サーバーが接続を閉じた",
    "not-pptp": "受信内容が PPTP ではない",
  },
  cases: {
    echo: "Echo-Request",
    "echo-reply-unasked": "要求していない Echo-Reply",
    "cdn-no-call": "存在しない呼の Call-Disconnect-Notify",
    "sli-no-call": "存在しない呼の Set-Link-Info",
    "sccrq-again": "2 度目の Start-Control-Connection-Request",
    "ocrq-short": "Length が 24 の Outgoing-Call-Request(正しくは 168)",
    "ccrq-no-call": "存在しない呼の Call-Clear-Request",
  },
  outcomes: {
    answered: "応答あり",
    ignored: "無視、接続は維持",
    closed: "接続を切断",
    silent: "応答なし、続く Echo-Request にも応答なし",
    "not-tried": "未実施: 接続が終了済み",
  },
  answers: {
    accepted: "受け入れる",
    refused: "拒否",
    unanswered: "応答なし、またはサーバーがセッションを終えたため未確認",
  },
  findings: {
    "no-authentication": {
      behaviour: "サーバーは認証を要求しない。",
      evidence: () => "最初の LCP Configure-Request に Authentication-Protocol オプションがない",
      remedy: "MS-CHAPv2 を必須にする(pppd: auth, require-mschap-v2)。",
    },
    pap: {
      behaviour: "サーバーは PAP を受け入れる。パスワードが平文でネットワークを流れる。",
      evidence: asked("PAP"),
      remedy: "MS-CHAPv2 だけを許可する(pppd: refuse-pap, require-mschap-v2)。",
    },
    "chap-md5": {
      behaviour:
        "サーバーは CHAP-MD5 を受け入れる。鍵が得られないため、そのセッションは暗号化されない。",
      evidence: asked("CHAP-MD5"),
      remedy: "MS-CHAPv2 だけを許可する(pppd: refuse-chap, require-mschap-v2)。",
    },
    "ms-chap-v1": {
      behaviour:
        "サーバーは MS-CHAPv1 を受け入れる。サーバーの証明がなく、鍵がセッションごとに変わらない。",
      evidence: asked("MS-CHAPv1"),
      remedy: "MS-CHAPv2 だけを許可する(pppd: refuse-mschap, require-mschap-v2)。",
    },
    "ms-chap-v2": {
      behaviour:
        "サーバーは MS-CHAPv2 を受け入れる(PPTP で最良の方式)。ログインを記録した者は 2^56 個の DES 鍵の総当たりでパスワードのハッシュを復元できる。",
      evidence: asked("MS-CHAPv2"),
      remedy:
        "長い乱数パスワードでも防げない。信頼できるネットワーク上でだけ使い、別のプロトコルへの移行を計画する。",
    },
    "mppe-none": {
      behaviour: "サーバーは何も暗号化しない。",
      evidence: () => "どの MPPE 強度にも Configure-Ack がない",
      remedy: "MPPE-128 を必須にする(pppd: require-mppe-128)。",
    },
    "mppe-40": {
      behaviour: "サーバーは 40 ビット鍵の MPPE を受け入れる。どの計算機でも総当たりで解ける。",
      evidence: acked(40),
      remedy: "MPPE-128 を必須にする(pppd: require-mppe-128)。",
    },
    "mppe-56": {
      behaviour: "サーバーは 56 ビット鍵の MPPE を受け入れる。総当たりで解ける。",
      evidence: acked(56),
      remedy: "MPPE-128 を必須にする(pppd: require-mppe-128)。",
    },
    "mppe-stateful": {
      behaviour:
        "サーバーはステートフル MPPE を受け入れる。パケット損失のたびにリセットまで止まり、鍵は 256 パケット使われる。",
      evidence: () => "MPPE-128(ステートフル)の CCP Configure-Request に Configure-Ack",
      remedy: "ステートレスモードを必須にする(pppd: mppe-stateful を指定しない)。",
    },
    "short-length": {
      behaviour: "サーバーはメッセージ型に合わない Length を信じる。",
      evidence: () => "Length が 24 の Outgoing-Call-Request に OCRP 1(接続)",
      remedy: "サーバーを更新するか、Length を検査するものに替える(RFC 2637 §1.4)。",
    },
    deaf: {
      behaviour: "想定外のメッセージ 1 つの後、サーバーが一切応答しなくなる。",
      evidence: ({ conformance }) =>
        conformance.flatMap(({ name, outcome }) => (outcome === "silent" ? [name] : [])).join(", "),
      remedy: "サーバーを更新する。それまでは既知のアドレスだけに TCP 1723 を開く。",
    },
    "start-twice": {
      behaviour: "サーバーは開始済みの制御接続を再び開始する。",
      evidence: () => "同じ接続での 2 度目の SCCRQ に SCCRP 1(成功)",
      remedy: "サーバーを更新する(RFC 2637 §3.1.1: 状態ごとに受けるメッセージが決まる)。",
    },
    "clear-closes": {
      behaviour: "存在しない呼の切断要求で、接続全体が終わる。",
      evidence: () => "Call ID 65534 の CCRQ の後に接続が閉じた",
      remedy: "1 接続 1 呼なら無害。複数の呼が 1 接続を共有する場合は問題となる。",
    },
    "silent-connection": {
      behaviour: "サーバーは何も送らない接続を保ち続ける。数千本で満杯になる。",
      evidence: () => `1 オクテットも送らずに ${seconds(bounds.silenceMs)}後も開いたまま`,
      remedy: "ファイアウォールで送信元ごとの接続数を制限し、既知のアドレスだけを通す。",
    },
    "call-ids": {
      behaviour: "サーバーの Call ID は推測できる。偽造 GRE パケットの鍵も推測できる。",
      evidence: callIdEvidence,
      remedy: "サーバーを更新する。境界で送信元アドレスの偽装を遮断する。",
    },
    "names-itself": {
      behaviour: "サーバーはログイン前に、誰にでも自身の素性を明かす。",
      evidence: startEvidence,
      remedy: "設定できるなら、中立的なホスト名とベンダー名にする。",
    },
    "no-gre": {
      behaviour: "呼は受け入れられるが、GRE パケットが返らない。",
      evidence: () => `OCRP 1 から ${seconds(bounds.lcpMs)}以内に LCP パケットなし`,
      remedy: "途中の全ファイアウォールとルーターで IP プロトコル 47 を双方向に通す。",
    },
    "never-answers": {
      behaviour: "ポートは開いているが、PPTP を話すものがない。",
      evidence: () => `${seconds(bounds.replyMs)}以内に SCCRP なし`,
      remedy: "サーバーの停止、またはプロキシやファイアウォールの代理応答を疑う。",
    },
    "not-pptp": {
      behaviour: "そのポートでは PPTP 以外のものが待ち受けている。",
      evidence: () => "最初のオクテット列が制御メッセージではない(Length、Magic Cookie または型)",
      remedy: "アドレスとポート(--port)を確認する。",
    },
    "closes-at-start": {
      behaviour: "サーバーは Start-Control-Connection-Request で接続を閉じる。",
      evidence: () => "SCCRP なしで接続が閉じた",
      remedy: "サーバーのログを見る。このアドレスの拒否(tcp wrappers)か満杯の可能性がある。",
    },
    "start-refused": {
      behaviour: "サーバーは制御接続を拒否する。",
      evidence: ({ start }) => `SCCRP ${start?.resultCode}/${start?.errorCode}`,
      remedy: "2: 一般エラー、3: 既に存在、4: 許可なし、5: バージョン(RFC 2637 §2.2)。",
    },
    "no-call": {
      behaviour: "サーバーは呼を受け入れない。",
      evidence: ({ call }) =>
        call === undefined ? "OCRP なし" : `OCRP ${call.resultCode}/${call.errorCode}`,
      remedy: "サーバーのログを見る。満杯か、ここからの呼を受けない設定の可能性がある。",
    },
  },
};
