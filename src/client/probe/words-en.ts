// A bulletin in English.
import { probe as bounds } from "../../limits.js";
import { callIdEvidence, startEvidence, type Words } from "./words.js";

const asked = (method: string) => () =>
  `its Configure-Request asks for ${method}, by itself or after a Configure-Nak that suggests it`;
const acked = (bits: number) => () =>
  `Configure-Ack to a CCP Configure-Request for MPPE-${bits} alone, stateless`;
const seconds = (ms: number) => `${ms / 1_000} s`;

export const english: Words = {
  title: "PPTP server: bulletin",
  labels: {
    server: "server",
    at: "looked at",
    startReply: "Start-Control-Connection-Reply",
    hostName: "host name",
    vendor: "vendor",
    firmware: "firmware revision",
    version: "protocol version",
    capabilities: "framing, bearer capabilities",
    channels: "maximum channels",
    result: "result, error code",
    call: "Outgoing-Call-Reply",
    window: "receive window, processing delay",
    connect: "TCP handshake",
    restart: "LCP restart timer",
    keepAlive: "keep-alive and idle timers",
    slow: "not visible: they take a minute and more, and a probe does not stay so long",
    mru: "MRU",
    offered: "offered",
    refused: "not offered",
    unknown: "not found out",
    none: "wants no log-in",
    encryption: "encryption",
    conformance: "ill-formed and unexpected messages",
    silence: "a connection that says nothing",
    closedAfter: "closed after",
    stillOpen: `still open after ${seconds(bounds.silenceMs)}`,
    findings: "Findings",
    noFindings: "nothing to report of what was looked at",
    evidence: "evidence",
    remedy: "remedy",
    facts: "What it tells",
    methods: "authentication",
  },
  notSeen: {
    "no-privilege": "not visible: a raw socket needs CAP_NET_RAW (run it as root)",
    "no-call": "not visible: the server accepted no call",
    "no-gre": "not visible: the call was accepted, and no GRE packet came back",
    "no-start": "not visible: there was no control connection",
    "out-of-time": "not visible: the server answered too late",
  },
  noStrengths: {
    "no-log-in": "not visible before a log-in (give -u USER)",
    "no-ms-chap-v2": "not visible: the log-in is by MS-CHAPv2, which this server does not offer",
    refused: "not visible: the log-in was refused",
    "not-proven": "not visible: the server did not prove that it knows the password",
    "no-ccp": "the server answers no CCP: there is no encryption",
    "no-privilege": "not visible: a raw socket needs CAP_NET_RAW (run it as root)",
    "no-call": "not visible: the server accepted no call",
    "no-gre": "not visible: no GRE packet came back",
    "no-start": "not visible: there was no control connection",
    "out-of-time": "not visible: the log-in took too long",
  },
  startFailure: {
    silent: `no answer within ${seconds(bounds.replyMs)}`,
    closed: "the server closed the connection instead",
    "not-pptp": "what came is not PPTP",
  },
  cases: {
    echo: "Echo-Request",
    "echo-reply-unasked": "Echo-Reply that nobody asked for",
    "cdn-no-call": "Call-Disconnect-Notify of no call",
    "sli-no-call": "Set-Link-Info of no call",
    "sccrq-again": "a second Start-Control-Connection-Request",
    "ocrq-short": "Outgoing-Call-Request with Length 24 (168 is right)",
    "ccrq-no-call": "Call-Clear-Request of no call",
  },
  outcomes: {
    answered: "answered",
    ignored: "ignored, the connection lives on",
    closed: "connection closed",
    silent: "no answer, nor to the Echo-Request after it",
    "not-tried": "not tried: the connection had ended",
  },
  answers: {
    accepted: "accepted",
    refused: "refused",
    unanswered: "no answer, or not asked: the server had ended the session",
  },
  findings: {
    "no-authentication": {
      behaviour: "The server asks for no log-in.",
      evidence: () => "its first LCP Configure-Request has no Authentication-Protocol option",
      remedy: "Require MS-CHAPv2 (pppd: auth, require-mschap-v2).",
    },
    pap: {
      behaviour: "The server takes PAP: the password crosses the network in the clear.",
      evidence: asked("PAP"),
      remedy: "Allow MS-CHAPv2 alone (pppd: refuse-pap, require-mschap-v2).",
    },
    "chap-md5": {
      behaviour: "The server takes CHAP-MD5: it gives no keys, so such a session is not encrypted.",
      evidence: asked("CHAP-MD5"),
      remedy: "Allow MS-CHAPv2 alone (pppd: refuse-chap, require-mschap-v2).",
    },
    "ms-chap-v1": {
      behaviour:
        "The server takes MS-CHAPv1: it does not prove itself, and its keys do not change between sessions.",
      evidence: asked("MS-CHAPv1"),
      remedy: "Allow MS-CHAPv2 alone (pppd: refuse-mschap, require-mschap-v2).",
    },
    "ms-chap-v2": {
      behaviour:
        "The server takes MS-CHAPv2, the best that PPTP has: whoever records a log-in recovers the password's hash by trying 2^56 DES keys.",
      evidence: asked("MS-CHAPv2"),
      remedy:
        "Long random passwords do not help against it: carry PPTP over networks you trust, and plan for another protocol.",
    },
    "mppe-none": {
      behaviour: "The server encrypts nothing.",
      evidence: () => "no Configure-Ack to any MPPE strength",
      remedy: "Require MPPE-128 (pppd: require-mppe-128).",
    },
    "mppe-40": {
      behaviour: "The server takes MPPE with 40-bit keys, which any computer finds by trying.",
      evidence: acked(40),
      remedy: "Require MPPE-128 (pppd: require-mppe-128).",
    },
    "mppe-56": {
      behaviour: "The server takes MPPE with 56-bit keys, which are found by trying.",
      evidence: acked(56),
      remedy: "Require MPPE-128 (pppd: require-mppe-128).",
    },
    "mppe-stateful": {
      behaviour:
        "The server takes stateful MPPE: a lost packet stops the session until a reset, and keys last 256 packets.",
      evidence: () => "Configure-Ack to a CCP Configure-Request for MPPE-128, stateful",
      remedy: "Require stateless mode (pppd: leave mppe-stateful out).",
    },
    "short-length": {
      behaviour: "The server believes a Length that its message type cannot have.",
      evidence: () => "OCRP 1 (connected) to an Outgoing-Call-Request whose Length is 24",
      remedy: "Update the server, or have one in its place that checks Length (RFC 2637 §1.4).",
    },
    deaf: {
      behaviour: "After one unexpected message the server answers nothing more.",
      evidence: ({ conformance }) =>
        conformance.flatMap(({ name, outcome }) => (outcome === "silent" ? [name] : [])).join(", "),
      remedy: "Update the server; until then let only known addresses reach TCP 1723.",
    },
    "start-twice": {
      behaviour: "The server starts a control connection that is started already.",
      evidence: () => "SCCRP 1 (success) to a second SCCRQ on the same connection",
      remedy: "Update the server (RFC 2637 §3.1.1: a state has its messages).",
    },
    "clear-closes": {
      behaviour: "Clearing a call that is not there ends the whole connection.",
      evidence: () => "the connection closed after CCRQ with Call ID 65534",
      remedy: "Harmless with one call a connection; matters where several share one.",
    },
    "silent-connection": {
      behaviour: "The server keeps a connection that says nothing: a few thousand fill it.",
      evidence: () => `open, without one octet sent, after ${seconds(bounds.silenceMs)}`,
      remedy: "Bound connections per source in the firewall; let only known addresses in.",
    },
    "call-ids": {
      behaviour: "The server's Call IDs can be guessed: so can the key of a forged GRE packet.",
      evidence: callIdEvidence,
      remedy: "Update the server; filter forged source addresses at the border.",
    },
    "names-itself": {
      behaviour: "The server tells anybody what it is, before any log-in.",
      evidence: startEvidence,
      remedy: "Where it can be set, give a neutral host name and vendor.",
    },
    "no-gre": {
      behaviour: "The call is accepted, and no GRE packet comes back.",
      evidence: () => `no LCP packet within ${seconds(bounds.lcpMs)} of OCRP 1`,
      remedy: "Let IP protocol 47 through, both ways, in every firewall and router between.",
    },
    "never-answers": {
      behaviour: "The port is open, and nothing speaks PPTP behind it.",
      evidence: () => `no SCCRP within ${seconds(bounds.replyMs)}`,
      remedy: "See whether the server hangs, or a proxy or firewall answers in its place.",
    },
    "not-pptp": {
      behaviour: "Something else than PPTP listens on that port.",
      evidence: () => "the first octets are no control message (Length, Magic Cookie or type)",
      remedy: "Check address and port (--port).",
    },
    "closes-at-start": {
      behaviour: "The server closes the connection at Start-Control-Connection-Request.",
      evidence: () => "connection closed without SCCRP",
      remedy: "See the server's log: it may bar this address (tcp wrappers) or be full.",
    },
    "start-refused": {
      behaviour: "The server refuses the control connection.",
      evidence: ({ start }) => `SCCRP ${start?.resultCode}/${start?.errorCode}`,
      remedy:
        "2: general error, 3: there is one already, 4: not authorised, 5: version (RFC 2637 §2.2).",
    },
    "no-call": {
      behaviour: "The server accepts no call.",
      evidence: ({ call }) =>
        call === undefined ? "no OCRP" : `OCRP ${call.resultCode}/${call.errorCode}`,
      remedy: "See the server's log: it may be full, or take no calls from here.",
    },
  },
};
