// A bulletin of an incident in English.
import type { Words } from "./words.js";

export const english: Words = {
  title: (kind, goesOn) => `${goesOn ? "Being refused" : "Refused"}: ${titles[kind]}`,
  headings: {
    summary: "Summary",
    affected: "Affected",
    notAffected: "Not affected",
    notKnown: "Not known",
    effect: "Effect on this server",
    mitigating: "Mitigating factors",
    done: "What was done",
    toDo: "What to do",
    questions: "Questions and answers",
    revisions: "Revisions",
  },
  labels: {
    bulletin: "Bulletin",
    severity: "Severity",
    published: "Published",
    updated: "Updated",
    revision: "Revision",
    state: "State",
  },
  state: {
    open: "it goes on",
    quiet: "over",
    "server-stopped": "not over when the server was stopped",
    "server-lost": "not over when the server was killed; the figures are the last it wrote down",
  },
  about: {
    "gre-malformed":
      "GRE packets that RFC 2637 does not allow, from whoever can reach IP protocol 47. No log-in and no call are needed to send them.",
    "gre-no-call":
      "Well-formed GRE packets of calls that do not exist. No log-in is needed to send them.",
    "in-call":
      "Packets into calls that are alive and that the call's own peer does not send: repeated, out of the window, or not decrypting to anything plausible.",
    control:
      "Control messages on TCP port 1723 that RFC 2637 does not allow, or not in the state in which they came. No log-in is needed to send them.",
    negotiation: "PPP negotiation as no client does it: malformed, endless or never finished.",
    "log-ins": "Log-ins that fail, more than people mistype.",
    "too-many":
      "More connections, calls or messages at once than strangers may have, or connections that say nothing.",
    other: "A mixture of what nobody asked for.",
  },
  products: {
    "windows-nt-4":
      "Windows NT 4.0 as a PPTP server without the update of Microsoft Security Bulletin MS01-009 (CVE-2001-0017): enough packets with one malformation, which was never published, exhaust its kernel memory. Whether these packets have that malformation is not known.",
    "windows-2000": "Windows 2000: not affected by MS01-009, as that bulletin says.",
    pptpd:
      "pptpd (Poptop): nothing is known here beyond what holdfast's own published runs show of it (docs/BENCHMARKS.md).",
  },
  summary: {
    when: (begin, end) =>
      end === undefined
        ? `Since ${begin} more has been refused than usual, and it goes on.`
        : `From ${begin} to ${end} more was refused than usual.`,
    amount: (refused, peak, over) =>
      `${refused} in all, at most ${peak} in a second; it counts as an incident above ${over} a second.`,
  },
  here: {
    unharmed: (version) => `holdfast ${version}, this server: no session was lost to it.`,
    harmed: (version, lost) =>
      `holdfast ${version}, this server: sessions that ended meanwhile for a cause that neither their users nor you wished: ${lost}. Whether this stream is the cause is not established.`,
    harmedNotKnown: (version) => `holdfast ${version}: see what was lost under Affected.`,
    alike: "Any PPTP server that can be reached can be sent the same.",
  },
  effect: {
    sessions: (atBegin, lost, others) =>
      `Sessions at its begin: ${atBegin}. Lost meanwhile: ${lost}. Ended as their users, you or a limit wished: ${others}.`,
    logIns: (succeeded, refused) =>
      `Log-ins meanwhile: ${succeeded} succeeded, ${refused} refused.`,
    processor: (percent) => `The main process took ${percent} % of one processor.`,
    causes: (list) => `Ends by cause: ${list}.`,
  },
  mitigating: {
    givenBack:
      "What is refused keeps nothing: whatever it took is given back at once (holdfast ledger shows what is held).",
    kernelFilter: "The kernel's filter refuses such packets before a process of the server wakes.",
    kernelDropped: (connections, gre) =>
      `The kernel dropped ${connections} attempts to connect and ${gre} GRE packets of blocked sources.`,
    heldLogIns: "After a failure the next log-in of that name from that source has to wait.",
  },
  done: {
    refused: (count, reason) => `${count} refused: ${reason}`,
    blocked: (address, reason) => `${address} was blocked: ${reason}`,
    more: (count) => `and ${count} more`,
    nothingBlocked: "No source was blocked.",
  },
  toDo: {
    nothing: "Nothing has to be done for the server's sake.",
    proven: (address, count) =>
      `${address} sent at least ${count}, proven by a TCP handshake: block it for longer (holdfast block ${address}), or in a firewall in front.`,
    forged: (address, count) =>
      `${address}: about ${count} GRE packets, source may be forged. Do not block it for that alone, it may be somebody else's; the provider upstream can tell where they come from.`,
    notSampled:
      "Where the GRE packets came from is not known: only the eBPF filter can tell (packaging/refusal.conf).",
    lost: (number) =>
      `Sessions were lost: look at holdfast incidents show ${number} and at the log, and report it as SECURITY.md says if a stranger's packets are the cause.`,
    logIns:
      "See in the log which names were tried, give those accounts long passwords, and disable those that nobody needs (holdfast user disable).",
    busy: "The processor was busy: a firewall in front should let in only the sources that have clients.",
  },
  questions: {
    sources: {
      question: "Can the source addresses be trusted?",
      answer:
        "Those proven by a TCP handshake can: whoever used them received our answers. Those of GRE packets may be forged by anybody, and each of them says so.",
    },
    restart: {
      question: "Must the server be restarted?",
      answer:
        "No. Nothing of a refused packet stays, and the processor is free again once the stream stops.",
    },
    ms01009: {
      question: "Is this the attack of MS01-009?",
      answer:
        "It is of that kind: malformed packets from strangers, in numbers. The malformation that NT 4.0 kept memory for was never published, so nobody can say of a packet that it has it. Everything malformed is refused alike here.",
    },
    password: (succeeded) => ({
      question: "Was a password found?",
      answer: `What was refused failed. Log-ins that succeeded meanwhile: ${succeeded}; whether each was its owner's cannot be told from here: compare holdfast sessions with who was expected.`,
    }),
    inCall: {
      question: "Could these packets read or change somebody's traffic?",
      answer:
        "What was refused reached no session. That PPTP's encryption can be broken by who records a log-in is true all the same: docs/SECURITY-MODEL.md.",
    },
    noCall: {
      question: "Where do packets of no call come from?",
      answer:
        "A few come from clients whose call has just ended. A stream of them is a scan, guessed Call IDs, or a machine that was not told that its call is over.",
    },
  },
  revisions: {
    begins: (refused, severity) => `Published: ${refused} refused so far, severity ${severity}.`,
    severity: (refused, severity) => `Severity is now ${severity}; ${refused} refused so far.`,
    blocked: (refused) => `Sources are blocked; ${refused} refused so far.`,
    ends: (refused, severity) => `Ended: ${refused} refused in all, severity ${severity}.`,
  },
};

const titles = {
  "gre-malformed": "a stream of malformed GRE packets",
  "gre-no-call": "a stream of GRE packets of no live call",
  "in-call": "forged or repeated packets into live calls",
  control: "malformed or misplaced control messages",
  negotiation: "PPP negotiation that no client does",
  "log-ins": "failing log-ins in numbers",
  "too-many": "a flood of connections and messages",
  other: "a stream that nobody asked for",
} as const;
