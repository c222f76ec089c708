// What each field of the configuration that the console may change is for, in Japanese; in English the schema
// says it.
export const descriptions: Readonly<Record<string, string>> = {
  "announce.hostName": "ログインの前に、すべての発呼者に伝えるホスト名 (Host Name)。",
  "announce.vendorString": "すべての発呼者に伝えるベンダー名 (Vendor Name)。",
  "defaultProfile.authentication": "ログインの方式。この順で求めます。",
  "defaultProfile.encryption.required":
    "暗号化なしの通信を認めません。平文のパケットは受け取らず、送りもしません。",
  "defaultProfile.encryption.bits": "合意してよい MPPE の強度。",
  "defaultProfile.encryption.stateful":
    "ステートフル MPPE を求める相手と、それに合意してよいかどうか。",
  "addresses.pool":
    "セッションに渡すアドレス。プレフィックス (ネットワークとブロードキャストのアドレスは除く) と範囲 (全体を使う)。",
  "addresses.exclude": "決して渡さないアドレス。",
  "addresses.gateway":
    "各セッションのサーバー側の端。auto はプールの最初のアドレス。セッションには渡しません。",
  "addresses.ipv6Prefix": "各セッションはこの中の /64 を受け取ります。なければ IPv6 は運びません。",
  "client.dns": "ネームサーバーのリスト。host はこのホスト自身のもの。",
  "client.dns6": "ルーター広告で伝えるネームサーバー。",
  "client.wins": "WINS サーバー。",
  "client.domain": "DHCP で尋ねるクライアントに伝える DNS ドメイン。",
  "client.routes":
    "このサーバーの背後のプレフィックス。DHCP で尋ねるクライアントに伝えます (オプション 121 と 249)。",
  "network.tun": "すべてのセッションのネットワークインターフェースの名前。",
  "network.mtu": "セッションに送る最大のパケット。",
  "network.mru": "クライアントに送ってもらう最大のパケット。",
  "network.forwarding":
    "auto: カーネルの転送を、必要な間だけ有効にし、元に戻します。off: 触れません。",
  "network.nat.enabled": "セッションはこのホストのアドレスで外へ出ます。",
  "network.nat.uplink": "このインターフェースの方へだけ。なければ、自身のもの以外すべて。",
  "network.proxyArp":
    "このインターフェースで、セッションの代わりに ARP に答えます。プールがその LAN にある場合です。",
  "network.clientToClient": "セッション同士が互いに届くかどうか。",
  "network.reachHost": "セッションからこのホスト自身に届くかどうか。DNS には常に届きます。",
  "gre.sendWindow":
    "RFC 2637 4.2 節の送信ウィンドウ。off は、実際に使われているすべての相手と同じで、はるかに速くなります。",
  "calls.incoming":
    "発呼者が自ら申し出る呼 (Incoming-Call-Request) を受けるかどうか。アクセス集線装置は、そこに着信した者をこうして引き渡します。",
  "users.firstAccount": "最初の起動で作るアカウントの名前。",
  "users.sessionsPerUser": "特に指定のないアカウントの同時セッション数。",
  "users.atSessionLimit": "上限に達し、最も古いセッションがまだ生きているときの動作。",
  "users.rateUp": "クライアントから。そのユーザーのセッションの合計。超えたものは破棄します。",
  "users.rateDown": "クライアントへ。同様です。",
  "guard.block":
    "ログインに失敗する、クライアントが送らないものを送る、接続が多すぎる送信元を、一定の時間ブロックします。",
  "guard.allow":
    "ここからのクライアントは決してブロックせず、送信元や /24 ごとの上限にも縛りません。",
  "accounting.interimSeconds": "中間の記録の間隔。0 は、なし。",
  "accounting.retentionDays": "記録を残す期間。",
  "log.level": "書く行の重要度の下限。",
  "log.format": "auto: 端末では読みやすい形、ほかではすべて JSON。",
  "limits.control.connectionsMax": "同時の TCP 接続",
  "limits.control.startDeadlineMs": "受け付けから、Start-Control-Connection-Request が揃うまで",
  "limits.control.messageDeadlineMs": "その後のメッセージの、最初のオクテットから揃うまで",
  "limits.control.callDeadlineMs": "開始の応答から最初の呼まで",
  "limits.control.authenticatedDeadlineMs": "受け付けから、ログインしたセッションまで",
  "limits.control.echoIdleMs": "こちらが Echo-Request を送るまでの無通信",
  "limits.control.echoReplyMs": "その応答を待つ時間",
  "limits.control.stopReplyMs": "停止時に Stop-Control-Connection-Reply を待つ時間",
  "limits.control.outputOctetsMax": "相手の TCP が受け取らないオクテット。超えたら閉じる",
  "limits.control.messagesPerSecond": "一つの接続の、毎秒の制御メッセージ",
  "limits.control.messagesBurst": "そのうち一度に来てよい数",
  "limits.control.overRateMs": "このレートをこれだけの間超えたら閉じる",
  "limits.control.callsPerConnectionMax": "一つの制御コネクションの呼",
  "limits.control.callIdQuarantineMs": "呼のあと Call ID を休ませる時間",
  "limits.ppp.restartMs": "RFC 1661 の再送タイマー",
  "limits.ppp.configureMax": "RFC 1661 の Max-Configure",
  "limits.ppp.terminateMax": "RFC 1661 の Max-Terminate",
  "limits.ppp.failureMax": "RFC 1661 の Max-Failure",
  "limits.ppp.packetsPerPhaseMax": "一つの段階で受け取るネゴシエーションのパケット",
  "limits.ppp.phaseDeadlineMs": "ログインの一つの段階",
  "limits.ppp.renegotiationsPerHourMax": "1 時間以内の再ネゴシエーション",
  "limits.ppp.echoRepliesPerSecond": "毎秒答える LCP Echo-Request",
  "limits.ppp.echoIntervalMs": "LCP Echo-Request の間隔",
  "limits.ppp.echoFailuresMax": "応答のないものがいくつ続けば、リンクが死んだとみなすか",
  "limits.ppp.probeMs": "ユーザーが上限に達したとき、最も古いセッションの応答を待つ時間",
  "limits.ppp.doubtMs": "PPP を終わらせる、またはやり直させるものについて、偽造のしるしを待つ時間",
  "limits.ppp.authenticationTriesMax": "一つのセッションで試せるログイン",
  "limits.plane.reorderPacketsMax":
    "先のものが欠けている間、一つのフローのために取っておくパケット",
  "limits.plane.reorderOctetsMax": "そのオクテット数",
  "limits.plane.reorderMs": "それらを取っておく時間",
  "limits.plane.icmpPerSecondMax": "ゲートウェイが毎秒送る ICMP エラー",
  ...guardDescriptions(),
  "limits.guard.logInFailuresMax": "あるアドレスからのあるユーザーを待たせるまでの、ログインの失敗",
  "limits.guard.blockFailedLogIns": "ブロックするまでの、10 分間の一つのアドレスのログインの失敗",
  "limits.guard.blockMalformed": "同じく、不正な制御メッセージ",
  "limits.guard.blockConnections": "同じく、レートを超えた接続",
  "limits.guard.blockMinMs": "最初のブロックの長さ",
  "limits.guard.blockMaxMs": "倍にしていった最も長いもの",
  "limits.incident.windowMs": "インシデントかどうかは、これだけの間の平均で判断する",
  "limits.incident.floorPerSecond": "毎秒の拒否がこれ以下なら、決してインシデントではない",
  "limits.incident.ceilingPerSecond": "毎秒の拒否がこれを超えたら、必ずインシデントである",
  "limits.incident.quietMs": "これだけの間静かなら、終わったとみなす",
  "limits.incident.summaryMs": "続く間、ログに書く間隔",
  "limits.access.sessionsMax": "同時のセッション",
  "limits.access.backendPendingMax": "アカウントのストアを待つ要求",
  "limits.access.backendDeadlineMs": "その答えを待つ時間",
  "limits.hooks.atOnceMax": "同時に走るフック",
  "limits.hooks.runMs": "一つのフック",
  "limits.hooks.queueMax": "待っているフック",
  "limits.admin.connectionsMax": "管理ソケットの接続",
  "limits.admin.logLinesPerMinute": "同じ種類のログの行、毎分",
  "limits.admin.logSourceLinesPerMinute": "ログインのないもののログの行、毎分、一つのアドレスの",
  "limits.admin.logPrefixLinesPerMinute": "一つの /24 の",
  "limits.admin.logStrangersLinesPerMinute": "全体の",
};

/** Bounds of strangers come in threes: of one address, of a /24, of all. */
function guardDescriptions(): Record<string, string> {
  const of = { source: "一つのアドレスの", prefix: "一つの /24 の", "": "全体の" };
  const what = {
    ConnectionsPerSecond: "新しい接続、毎秒",
    HalfOpenMax: "まだ始まっていない接続",
    UnprovenMax: "ログインのない接続",
    MessagesPerSecond: "ログインのないものの制御メッセージ、毎秒",
    CallsPerSecond: "ログインのないものの呼、毎秒",
    CallingMax: "ログインのない呼",
    FramesPerSecond: "ログインのないものの PPP フレーム、毎秒",
    LogInsPerSecond: "照合するログイン、毎秒",
  };
  return Object.fromEntries(
    Object.entries(what).flatMap(([name, meaning]) =>
      Object.entries(of).map(([whose, text]) => {
        const key = whose === "" ? `${name[0]?.toLowerCase()}${name.slice(1)}` : `${whose}${name}`;
        return [`limits.guard.${key}`, `${text}${meaning}`];
      }),
    ),
  );
}
