// What the server refuses, by its reason, in Japanese with what helps. The server's own words, which name the
// value that was refused, stay beside it.
export const refusals: Readonly<Record<string, string>> = {
  // Accounts and console users.
  "unknown-account": "そのアカウントはありません。一覧を読み直してください",
  exists: "その名前はすでに使われています。別の名前にするか、既存のものを変更してください",
  "bad-name": "この名前は使えません。印字できる UTF-8 の 1 から 256 オクテットにしてください",
  "bad-password":
    "このパスワードは使えません。制御文字を含まない 1 から 256 オクテットにしてください",
  "bad-terms": "制限の値が正しくありません",
  "address-taken": "その固定アドレスは使えません。別のアドレスを指定してください",
  "routes-overlap":
    "その経路は使えません。プール、サーバーのアドレス、ほかのアカウントの経路と重ならないプレフィックスにしてください",
  "too-many-accounts": "アカウントの数が上限です。使っていないものを削除してください",
  "too-many": "数が上限です。先に一つ削除してください",
  "last-administrator": "最後の管理者です。先に別の管理者を作ってください",
  unknown: "それはありません。一覧を読み直してください",
  // Sessions, incidents, blocks.
  "unknown-session": "そのセッションはもうありません",
  "no-session": "そのセッションはもうありません",
  "unknown-incident": "そのインシデントはありません",
  "unknown-bulletin": "そのセキュリティ情報はありません",
  "no-address": "アドレスまたはプレフィックスを入力してください",
  "too-wide": "ネットワークが広すぎます",
  overlaps: "すでにあるブロックと重なります。先にそれを解除してください",
  "allowed-source":
    "guard.allow にあるため、ブロックされません。先に guard.allow から外してください",
  "not-blocked": "ブロックされていません",
  "too-long": "期間が長すぎます",
  // The configuration.
  "no-file": "設定ファイルがありません",
  unreadable: "設定ファイルを読めません",
  "not-writable": "サーバーは設定ファイルに書けません。ファイルを手で変更してください",
  "changed-meanwhile":
    "その間に設定ファイルが変わりました。読み直してから、もう一度変更してください",
  configuration: "設定に誤りがあります",
  "not-applied": "設定を有効にできませんでした",
  // Asking.
  "no-such-route": "サーバーはこの要求を知りません。ページを読み直してください",
  "no-json": "要求を読めません。ページを読み直してください",
  "bad-shape": "入力した値の形が正しくありません",
  "too-large": "要求が大きすぎます",
  "too-many-streams": "同時に見ているページが多すぎます。使っていないページを閉じてください",
  "too-many-tries": "ログインの試行が多すぎます。しばらくしてからやり直してください",
  "wrong-password": "名前またはパスワードが違います",
  internal: "サーバーの内部で失敗しました。ログを見てください",
  "bad-path": "パスは / で始めてください",
  "file-exists": "そのファイルはすでにあります。別の名前にしてください",
  // The store.
  full: "ディスクがいっぱいです。状態ディレクトリのディスクを空けてください",
  locked: "別のプロセスがデータベースをロックしています。それを終わらせてください",
  corrupt: "データベースが壊れています。サーバーを止め、最新のバックアップに置き換えてください",
  closed: "サーバーは停止中です",
  "queue-full": "ディスクが要求に追いつきません。しばらくしてからやり直してください",
  failed: "データベースへの読み書きに失敗しました",
};
