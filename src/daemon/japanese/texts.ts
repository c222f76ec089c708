// Texts of this server in Japanese, for the console: what a field expects, what is wrong with a configuration
// and what to write, when a change counts, and the warnings of the first page. One that is not known here stays
// as it is, in English.
type Made = (...parts: string[]) => string;
type Rule = readonly [english: RegExp, made: Made];

/** The whole of a text; what varies is handed on in the order it stands in. */
function rule(english: string, made: Made | string): Rule {
  const escaped = english.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&").replaceAll("…", "(.+?)");
  return [new RegExp(`^${escaped}$`, "s"), typeof made === "string" ? () => made : made];
}

const expectations: readonly Rule[] = [
  rule("true or false", "true か false"),
  rule("a whole number from … to …", (min, max) => `${min} から ${max} までの整数`),
  rule("one of …", (choices) => `次のいずれか: ${choices}`),
  rule("a list of at most … (…)", (most, of) => `最大 ${most} 個のリスト (${inJapanese(of)})`),
  rule("a list of prefixes and ranges", "プレフィックスと範囲のリスト"),
  rule("addresses, prefixes and ranges", "アドレス、プレフィックス、範囲"),
  rule("a list of 40, 56 and 128", "40、56、128 のリスト"),
  rule("a list of …", (of) => `次のもののリスト: ${of}`),
  rule("40, 56 or 128", "40、56、128 のいずれか"),
  rule("auto, or an IPv4 address", "auto、または IPv4 アドレス"),
  rule("host, or a list of at most … IPv4 addresses", (most) => {
    return `host、または最大 ${most} 個の IPv4 アドレスのリスト`;
  }),
  rule("an IPv6 prefix of length 32 to 64", "長さ 32 から 64 の IPv6 プレフィックス"),
  rule("IPv6 addresses", "IPv6 アドレス"),
  rule("IPv4 addresses", "IPv4 アドレス"),
  rule("IPv4 prefixes", "IPv4 プレフィックス"),
  rule("an IPv4 address", "IPv4 アドレス"),
  rule("an IPv6 address", "IPv6 アドレス"),
  rule("an IPv4 prefix such as …", (such) => `${such} のような IPv4 プレフィックス`),
  rule("an IPv4 prefix", "IPv4 プレフィックス"),
  rule("an IPv4 prefix without host bits", "ホスト部が 0 の IPv4 プレフィックス"),
  rule("a prefix or a range of IPv4 addresses", "IPv4 アドレスのプレフィックスまたは範囲"),
  rule("a range of IPv4 addresses", "IPv4 アドレスの範囲"),
  rule("a range that begins with its lowest address", "小さいアドレスから始まる範囲"),
  rule("a domain name", "ドメイン名"),
  rule("a host name", "ホスト名"),
  rule(
    "an interface name: 1 to 15 letters, digits, '-', '_' or '.'",
    "インターフェース名: 英字、数字、'-'、'_'、'.' の 1 から 15 文字",
  ),
  rule("at most 63 printable ASCII characters", "印字可能な ASCII 文字、最大 63 文字"),
  rule("a user name of 1 to … characters", (most) => `1 から ${most} 文字のユーザー名`),
  rule(
    "unlimited, or bits a second from 8k to 100G with k, M or G for thousands",
    "unlimited、または 8k から 100G までのビット毎秒 (k、M、G は千、百万、十億)",
  ),
  rule("a value", "値"),
];

const problems: readonly Rule[] = [
  rule("expected a section with keys", "その下にキーが必要です"),
  rule("expected …", (what) => `指定できる値: ${inJapanese(what)}`),
  rule("write for example …", (example) => `記入例: ${example}`),
  rule("indent its keys below it: …", (keys) => `次のキーを字下げして下に書く: ${keys}`),
  rule("cannot be changed from here", "ここからは変更できません"),
  rule("change it in the file, then: …", (command) => `ファイルで変更し、次を実行する: ${command}`),
  rule("the file uses aliases (*name)", "ファイルが別名 (*name) を使っています"),
  rule("change it there by hand", "ファイルを手で変更する"),
  rule("a method is listed twice", "同じ方式が二度書かれています"),
  rule("a strength is listed twice", "同じ強度が二度書かれています"),
  rule("list each once", "それぞれ一度だけ書く"),
  rule(
    "no client can ever connect: encryption is required and … gives no keys",
    (methods) => `どのクライアントも接続できません: 暗号化が必須なのに ${methods} は鍵を生みません`,
  ),
  rule(
    "no client can ever connect: encryption is required and no strength is allowed",
    "どのクライアントも接続できません: 暗号化が必須なのに、許された強度がありません",
  ),
  rule("add ms-chap-v2, or write …", (what) => `ms-chap-v2 を加えるか、${what} と書く`),
  rule("write bits: [128], or required: false", "bits: [128]、または required: false と書く"),
  rule(
    "a client that settles for … is turned away: it gives no keys",
    (methods) => `${methods} を選んだクライアントは断られます: 鍵を生まないからです`,
  ),
  rule("remove …, or write encryption: …", (what, how) => {
    return `${what} を除くか、encryption: ${how} と書く`;
  }),
  rule(
    "… needs passwords in clear: they are then kept, encrypted, beside their hash, and accounts made before must be given their password again",
    (which) =>
      `${which} には平文のパスワードが必要です: 暗号化してハッシュと並べて保管され、以前に作ったアカウントにはパスワードを設定し直す必要があります`,
  ),
  rule("use ms-chap-v2 where clients can", "クライアントが使えるところでは ms-chap-v2 を使う"),
  rule("… is on: its log-ins and its encryption give nearly no protection", (name) => {
    return `${name} が有効です: そのログインと暗号化は、ほとんど保護になりません`;
  }),
  rule(
    "keep its from: and on: narrow, and remove it when the last such client is gone",
    "その from: と on: を狭く保ち、最後のそのようなクライアントがなくなったら除く",
  ),
  rule("… lies in the pool: a client would be given this host's address", (address) => {
    return `${address} はプールの中にあります: クライアントにこのホストのアドレスを渡すことになります`;
  }),
  rule("add it to addresses.exclude", "addresses.exclude に加える"),
  rule("… has … addresses", (range, special) => `${range} は ${special} のアドレスを含みます`),
  rule("write a private range", "プライベートの範囲を書く"),
  rule("overlaps …", (other) => `${other} と重なります`),
  rule("join the two or shorten one", "二つをつなげるか、一方を短くする"),
  rule(
    "nothing is left for sessions after the gateway",
    "ゲートウェイを除くと、セッションの分が残りません",
  ),
  rule(
    "nothing is left for sessions after exclusions and the gateway",
    "除外とゲートウェイを除くと、セッションの分が残りません",
  ),
  rule("write a larger pool", "より大きいプールを書く"),
  rule(
    "… addresses are more than …",
    (count, most) => `${count} 個のアドレスは上限 ${most} を超えます`,
  ),
  rule(
    "write a smaller pool; a session takes one address",
    "より小さいプールを書く。一つのセッションは一つのアドレスを使う",
  ),
  rule("… is listened on: GRE to it would loop into its own tunnel", (address) => {
    return `${address} は待ち受けに使われています: そこへの GRE が自分のトンネルに回り込みます`;
  }),
  rule("write auto, or an address of its own", "auto、またはそれ専用のアドレスを書く"),
  rule("its length is …", (length) => `長さが ${length} です`),
  rule("write a prefix of length 32 to 64", "長さ 32 から 64 のプレフィックスを書く"),
  rule(
    "neither a global nor a unique local prefix",
    "グローバルでもユニークローカルでもないプレフィックスです",
  ),
  rule("write one from 2000::/3 or fd00::/8", "2000::/3 か fd00::/8 の中のものを書く"),
  rule(
    "… prefixes of length 64 for … addresses: the last sessions get no IPv6",
    (prefixes, size) =>
      `長さ 64 のプレフィックスは ${prefixes}、アドレスは ${size}: 最後のほうのセッションは IPv6 を得られません`,
  ),
  rule("write a shorter prefix", "より短いプレフィックスを書く"),
  rule("… is less than IPv6 needs", (value) => `${value} は IPv6 に必要な大きさに足りません`),
  rule(
    "write at least 1280, or remove addresses.ipv6Prefix",
    "1280 以上を書くか、addresses.ipv6Prefix を除く",
  ),
  rule(
    "… servers: IPCP carries two, the others only reach clients that ask by DHCP",
    (count) =>
      `サーバーが ${count} 台です: IPCP が運べるのは 2 台で、残りは DHCP で尋ねるクライアントにだけ届きます`,
  ),
  rule("put the two that matter first", "重要な 2 台を先に書く"),
  rule("no session has IPv6", "IPv6 を持つセッションがありません"),
  rule("add addresses.ipv6Prefix, or remove dns6", "addresses.ipv6Prefix を加えるか、dns6 を除く"),
  rule("… is the interface of the sessions themselves", (tun) => {
    return `${tun} はセッション自身のインターフェースです`;
  }),
  rule(
    "name the interface towards the other network",
    "もう一方のネットワークの側のインターフェースを指定する",
  ),
  rule("NAT is off: it has no effect", "NAT が無効なので、効果がありません"),
  rule("write enabled: true", "enabled: true と書く"),
  rule(
    "NAT without forwarding works only where someone else turns forwarding on",
    "転送なしの NAT は、ほかの誰かが転送を有効にするところでだけ働きます",
  ),
  rule("write forwarding: auto", "forwarding: auto と書く"),
  rule(
    "with NAT on, hosts of that LAN see this host's address, not the session's",
    "NAT が有効だと、その LAN のホストにはセッションではなくこのホストのアドレスが見えます",
  ),
  rule("turn one of the two off", "二つのうち一方を無効にする"),
  rule("… makes outer packets larger than 1500 octets: they are fragmented", (mtu) => {
    return `${mtu} では外側のパケットが 1500 オクテットを超え、断片化されます`;
  }),
  rule("write at most 1456", "1456 以下を書く"),
  rule("passwords of the console pass … in the clear", (address) => {
    return `コンソールのパスワードが ${address} を平文で通ります`;
  }),
  rule(
    "write auto, unless a proxy on this host is all that gets there",
    "そこに届くのがこのホストのプロキシーだけでない限り、auto と書く",
  ),
  rule("later than authenticatedDeadlineMs (…)", (ms) => {
    return `authenticatedDeadlineMs (${ms}) より後です`;
  }),
  rule(
    "smaller than messagesPerSecond (…)",
    (count) => `messagesPerSecond (${count}) より小さい値です`,
  ),
  rule("longer than phaseDeadlineMs (…): nothing would ever be repeated", (ms) => {
    return `phaseDeadlineMs (${ms}) より長く、再送が一度も行われません`;
  }),
  rule("longer than … (…)", (name, ms) => `${name} (${ms}) より長い値です`),
  rule("write a smaller one", "より小さい値を書く"),
  rule("write at least that", "それ以上の値を書く"),
  rule("not valid YAML: …", (why) => `正しい YAML ではありません: ${why}`),
  rule(
    "PPTP runs over IPv4: write an IPv4 address",
    "PPTP は IPv4 の上で動くので、IPv4 アドレスを書く",
  ),
  rule("write four numbers from 0 to 255, such as …", (such) => {
    return `0 から 255 の数字を四つ、${such} のように書く`;
  }),
  rule("write an address, '/' and a length, such as …", (such) => {
    return `アドレス、'/'、長さを ${such} のように書く`;
  }),
  rule("write a prefix length from 0 to 32", "0 から 32 のプレフィックス長を書く"),
  rule("write …, or …", (one, other) => `${one}、または ${other} と書く`),
  rule("write both ends whole: …", (such) => `両端を省略せずに書く: ${such}`),
  rule("write for example …, which is ten million bits a second", (such) => {
    return `${such} (毎秒一千万ビット) のように書く`;
  }),
  rule("write … for no limit", (word) => `無制限なら ${word} と書く`),
  rule("… is below 8k: write … if you mean megabits a second", (text, other) => {
    return `${text} は 8k 未満です。メガビット毎秒なら ${other} と書く`;
  }),
  rule("… is above 100G: write … for no limit", (text, word) => {
    return `${text} は 100G を超えます。無制限なら ${word} と書く`;
  }),
  rule("write …", (what) => `${what} と書く`),
];

/** When a change counts, or why it waits: of the table in config/reload.ts. */
const changes: readonly Rule[] = [
  rule("at once", "直ちに"),
  rule("told to the next caller", "次の発呼者に伝える"),
  rule("told to the next session, by DHCP at once", "次のセッションに、DHCP では直ちに伝える"),
  rule("for the next log-in", "次のログインから"),
  rule("for the next session", "次のセッションから"),
  rule("for the next call", "次の呼から"),
  rule("for the next connection", "次の接続から"),
  rule(
    "for the next connection; blocks that are in force stay",
    "次の接続から。有効なブロックは残る",
  ),
  rule("for the next record", "次の記録から"),
  rule("for the next notice", "次の通知から"),
  rule("the kernel's settings are recorded and put back", "カーネルの設定は記録され、元に戻される"),
  rule("the table is written anew in one transaction", "表は一つのトランザクションで書き直される"),
  rule("names the nftables table", "nftables の表の名前になる"),
  rule("the store is open in it", "ストアがその中で開いている"),
  rule("settled before the server starts", "サーバーの起動前に決まる"),
  rule("they hold the flows", "フローを持っている"),
  rule("the data workers have chosen theirs", "データワーカーがもう選んでいる"),
  rule("it is loaded before privileges are dropped", "権限を捨てる前に読み込まれる"),
  rule("calls are bound to the address they came to", "呼は着信したアドレスに結び付いている"),
  rule("leases and the route of the pool are out", "リースとプールの経路が出ている"),
  rule("the interface carries the sessions", "インターフェースがセッションを運んでいる"),
  rule("set on the interface", "インターフェースに設定される"),
  rule(
    "neighbour entries of leased addresses are out",
    "貸し出したアドレスの近隣エントリーが出ている",
  ),
  rule("it listens already", "もう待ち受けている"),
  rule("weighed against the descriptors at start", "起動時に記述子と照らし合わせる"),
  rule("Call IDs rest already", "Call ID がもう休んでいる"),
  rule("Call IDs are out already", "Call ID がもう使われている"),
  rule("the sockets listen already", "ソケットがもう待ち受けている"),
  rule("the data worker has taken them", "データワーカーがもう受け取っている"),
  rule("places and rates are counted by them", "場所とレートがそれで数えられている"),
  rule("the watch has taken them", "監視がもう受け取っている"),
  rule("queues are sized by them", "待ち行列の大きさがそれで決まっている"),
  rule("the socket and the log have taken them", "ソケットとログがもう受け取っている"),
  rule("not known to apply while running", "動作中に有効になるとは限らない"),
];

/** Of status.ts and what it is told at the start. */
const warnings: readonly Rule[] = [
  rule(
    "LEGACY PROFILE … IS ON: whoever it matches may log in by methods that are broken outright and encrypt with keys that are found in minutes",
    (name) =>
      `旧式プロファイル ${name} が有効です: 一致する者は、完全に破られた方式でログインし、数分で見つかる鍵で暗号化できます`,
  ),
  rule("the store is in trouble: …", (what) => `ストアに障害があります: ${what}`),
  rule("a data worker is …: its sessions cannot run", (state) => {
    return `データワーカーが ${state} の状態です: そのセッションは動けません`;
  }),
  rule("the TUN was deleted; it is put right", "TUN が削除されました。直しています"),
  rule(
    "the TUN is down or has lost its address; it is put right",
    "TUN が停止したか、アドレスを失いました。直しています",
  ),
  rule("the TUN was deleted and cannot be put right: …; …", (why, remedy) => {
    return `TUN が削除され、直せません: ${why}。対処: ${remedy}`;
  }),
  rule("the TUN is down or has lost its address and cannot be put right: …; …", (why, remedy) => {
    return `TUN が停止したか、アドレスを失い、直せません: ${why}。対処: ${remedy}`;
  }),
  rule("the TUN lacks a route: …; …", (why, remedy) => {
    return `TUN の経路が欠けています: ${why}。対処: ${remedy}`;
  }),
  rule("blocked sources are refused at the accept, not dropped by the kernel: …", (why) => {
    return `ブロック中の送信元を、カーネルが破棄するのではなく接続の受け付け時に拒否しています: ${why}`;
  }),
  rule("busy: new strangers are turned away", "混雑しています: 新しく来た者を断っています"),
  rule("no console: …", (why) => `コンソールがありません: ${why}`),
  rule("notices by … fail: …", (way, why) => {
    return `通知を送れません (${way === "mail" ? "メール" : "Webhook"}): ${why}`;
  }),
  rule("… leases are stuck: see holdfast ledger", (count) => {
    return `${count} 件が返却できていません: holdfast ledger を参照`;
  }),
  rule(
    "runs under root's user number without root's power, not as its own user: …",
    (why) =>
      `専用のユーザーではなく、root の権限を持たない root のユーザー番号で動いています: ${why}`,
  ),
  rule(
    "Node … has had no security fixes since …: holdfast runs, but use a supported release (README, Requirements)",
    (line, since) =>
      `Node ${line} は ${since} 以降、セキュリティ修正を受けていません: holdfast は動きますが、サポート中の版を使ってください (README の「必要なもの」)`,
  ),
  rule(
    "limits.control.connectionsMax is …, but … descriptors allow … connections: raise the limit to … (LimitNOFILE in the unit, ulimit -n)",
    (wanted, descriptors, allowed, limit) =>
      `limits.control.connectionsMax は ${wanted} ですが、記述子 ${descriptors} で許される接続は ${allowed} です: 上限を ${limit} に上げてください (ユニットの LimitNOFILE、ulimit -n)`,
  ),
];

const rules = [...expectations, ...problems, ...changes, ...warnings];

/** `text` in Japanese, or as it is where it is not known. */
export function inJapanese(text = ""): string {
  return knownInJapanese(text) ?? text;
}

export function knownInJapanese(text: string): string | undefined {
  for (const [english, made] of rules) {
    const found = english.exec(text);
    if (found !== null) return made(...found.slice(1));
  }
  return undefined;
}

/** A line as formatProblem writes it; of another form, as it is. */
export function problemInJapanese(line: string): string {
  const parts = /^(.*?: (?:[\w.[\]]+: )?)(.*?)(?:; found (.*?))?\. Remedy: (.*)\.$/s.exec(line);
  if (parts === null) return inJapanese(line);
  const [, place = "", message, found, remedy] = parts;
  const value = found === undefined ? "" : ` (現在の値: ${found})`;
  return `${place}${inJapanese(message)}${value}。対処: ${inJapanese(remedy)}。`;
}
