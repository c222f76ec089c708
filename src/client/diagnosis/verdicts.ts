// Every way a session can fail to come or to last: an exit code of its own, what is wrong, what helps.
// docs/OPERATIONS.md lists them; a test holds the two against each other.

type Entry = {
  readonly exitCode: number;
  /** Whether dialling again by itself may help, and harms nobody. */
  readonly again: boolean;
  readonly message: string;
  readonly remedy: string;
};

/** `{…}` is filled in from the findings. */
export const verdicts = {
  "name-unresolved": {
    exitCode: 10,
    again: true,
    message: "{server} has no IPv4 address",
    remedy: "check the name, or give an address; see that a name server can be reached",
  },
  unreachable: {
    exitCode: 11,
    again: true,
    message: "there is no way to {target} ({errno})",
    remedy: "see the route: ip route get {address}",
  },
  "tcp-refused": {
    exitCode: 12,
    again: true,
    message: "{target} refuses the TCP connection ({errno})",
    remedy: "see that a PPTP server runs there and listens on that port",
  },
  "tcp-timeout": {
    exitCode: 13,
    again: true,
    message: "no answer from {target} ({errno})",
    remedy: "see that it is up and that TCP gets there through the firewalls between",
  },
  "not-pptp": {
    exitCode: 14,
    again: true,
    message: "what answers on {target} does not speak PPTP ({cause})",
    remedy: "see that it is the server you mean, and that no proxy or portal stands in between",
  },
  "control-refused": {
    exitCode: 15,
    again: true,
    message: "the server refuses the control connection ({codes})",
    remedy: "ask whoever runs it: it may take calls from certain addresses only, or be full",
  },
  "address-in-use": {
    exitCode: 16,
    again: true,
    message: "another client behind this address already has a call ({codes})",
    remedy:
      "end that one, or wait until the server has forgotten it; behind a router, see that it has a PPTP helper",
  },
  "call-refused": {
    exitCode: 17,
    again: true,
    message: "the server takes the connection but refuses the call ({codes})",
    remedy: "it may be full or take no calls: ask whoever runs it, or try later",
  },
  "gre-blocked": {
    exitCode: 18,
    again: true,
    message: "the control connection works but no GRE packet came back",
    remedy:
      "a router or provider on the way blocks IP protocol 47: turn on its PPTP pass-through; a router that has none lets one client at a time through",
  },
  "gre-one-way": {
    exitCode: 19,
    again: true,
    message: "GRE packets come from the server, but ours do not reach it",
    remedy: "let IP protocol 47 out, here and on every router and firewall on the way",
  },
  "lcp-failed": {
    exitCode: 20,
    again: true,
    message: "the two ends found no common link terms ({cause})",
    remedy: "see the server's log; if it is a line that loops back, GRE is being reflected",
  },
  "method-refused": {
    exitCode: 21,
    again: false,
    message: "the server offers only {methods}; allowed are {allowed}",
    remedy:
      "have it offer MS-CHAPv2; --auth allows others, which show the password or give no proof of the server",
  },
  "no-log-in": {
    exitCode: 22,
    again: false,
    message: "the server asks for no log-in, so it can not prove itself",
    remedy: "do not go on: turn authentication on there",
  },
  "wrong-password": {
    exitCode: 23,
    again: false,
    message: "wrong user name or password (691)",
    remedy: "type both again; some servers want DOMAIN\\name",
  },
  "log-in-hours": {
    exitCode: 24,
    again: false,
    message: "this account may not log in at this hour (646)",
    remedy: "try within its hours, or have them changed on the server",
  },
  "account-disabled": {
    exitCode: 25,
    again: false,
    message: "the account is disabled (647)",
    remedy: "have it enabled on the server",
  },
  "password-expired": {
    exitCode: 26,
    again: false,
    message: "the password has expired (648)",
    remedy: "have a new one set on the server",
  },
  "no-dial-in": {
    exitCode: 27,
    again: false,
    message: "the account has no right to dial in (649)",
    remedy: "have it given that right on the server",
  },
  "log-in-unanswered": {
    exitCode: 28,
    again: true,
    message: "the server did not say whether the log-in is right",
    remedy: "its accounts may be out of reach: try later, or ask whoever runs it",
  },
  "server-not-proven": {
    exitCode: 29,
    again: false,
    message: "the server did not prove that it knows the password",
    remedy: "do not go on: it is another server than the one you mean",
  },
  "encryption-refused": {
    exitCode: 30,
    again: false,
    message: "encryption refused: wanted is {wanted}, the server has {offered}",
    remedy:
      "turn MPPE-128 on there; --mppe allows weaker keys, --encryption none sends everything in the clear",
  },
  "encryption-wanted": {
    exitCode: 31,
    again: false,
    message: "the server ended the session after the log-in; it seems to want encryption",
    remedy: "leave --encryption none out",
  },
  "address-refused": {
    exitCode: 32,
    again: true,
    message: "logged in, but the server gave no address ({cause})",
    remedy: "it may have none left, or this account another session: ask whoever runs it",
  },
  "ended-by-server": {
    exitCode: 33,
    again: true,
    message: "the server ended the session ({cause})",
    remedy: "see its log for the reason: a limit, an administrator, a restart",
  },
  "connection-lost": {
    exitCode: 34,
    again: true,
    message: "the connection to the server was lost ({cause})",
    remedy: "see the network between; it is dialled again unless --once says otherwise",
  },
  "local-trouble": {
    exitCode: 35,
    again: true,
    message: "the session ended on this side ({cause})",
    remedy: "see the messages above; a fault of ours is worth a report",
  },
} as const satisfies Record<string, Entry>;

export type VerdictName = keyof typeof verdicts;

export type Verdict = {
  readonly name: VerdictName;
  readonly exitCode: number;
  readonly again: boolean;
  readonly message: string;
  readonly remedy: string;
};

export function verdict(name: VerdictName, words: Readonly<Record<string, string>>): Verdict {
  const { exitCode, again, message, remedy } = verdicts[name];
  const fill = (text: string) => text.replaceAll(/\{(\w+)\}/g, (_, word) => words[word] ?? "?");
  return { name, exitCode, again, message: fill(message), remedy: fill(remedy) };
}
