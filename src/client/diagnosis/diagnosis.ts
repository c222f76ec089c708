// The checklist of one call: what happened goes in, lines that are decided and at the end one verdict
// come out. Pure: the caller brings names, sockets and time.
import { formatIpv4, type Ipv4 } from "../../base/ip.js";
import { printable } from "../../base/printable.js";
import type { EndCause } from "../../core/access/ports.js";
import type { ClientEvent } from "../../core/client.js";
import { Findings, methodNames, type Wish } from "./findings.js";
import { judge } from "./judge.js";
import { type Checked, type Step, stepOrder } from "./steps.js";
import { type Verdict, verdict } from "./verdicts.js";

export class Diagnosis {
  readonly #found: Findings;
  readonly #decided = new Set<Step>();

  constructor(wish: Wish) {
    this.#found = new Findings(wish);
  }

  /** Undefined: the name has no address. */
  resolved(address: Ipv4 | undefined): readonly Checked[] {
    this.#found.address = address;
    if (address === undefined) return [];
    return this.#ok("name", formatIpv4(address));
  }

  connected(): readonly Checked[] {
    this.#found.reached = true;
    return this.#ok("tcp", `port ${this.#found.wish.port}`);
  }

  dialFailed(errno: string): void {
    if (!this.#found.reached) this.#found.errno = errno;
  }

  handle(event: ClientEvent, nowMs: number): readonly Checked[] {
    const found = this.#found;
    switch (event.kind) {
      case "Established": {
        found.controlled = true;
        const said = [event.hostName, event.vendorString].filter((text) => text !== "");
        return this.#ok("control", said.map((text) => printable(text)).join(", "));
      }
      case "CallUp":
        found.calledAt = nowMs;
        return this.#ok(
          "call",
          `Call ID ${event.terms.callId}, the server's ${event.terms.peersCallId}`,
        );
      case "Told":
        found.codes = event;
        return [];
      case "FrameReceived":
        found.received = true;
        return [];
      case "RequestAnswered":
        found.answered = true;
        return this.#ok("gre", "");
      case "LinkUp":
        found.linked = true;
        return this.#ok("lcp", "");
      case "MethodAsked":
        found.methods.add(event.method);
        return [];
      case "AuthenticationRefused":
        found.failureCode = event.code;
        return [];
      case "Authenticated":
        found.authenticated = true;
        return this.#ok("authentication", methodNames[event.method]);
      case "EncryptionOffered":
        found.offered = event.bits;
        return [];
      case "Encrypted":
        found.encrypted = true;
        return this.#ok(
          "encryption",
          `MPPE-${event.bits} ${event.stateful ? "stateful" : "stateless"}`,
        );
      case "Ipv4Up":
        return this.#addressed(event.ours, event.peers);
      default:
        return [];
    }
  }

  /** Over, and not because we asked: the line at which it stopped, and why. */
  ended(
    cause: EndCause,
    nowMs: number,
  ): { readonly lines: readonly Checked[]; readonly verdict: Verdict } {
    const found = this.#found;
    const name = judge(found, cause, nowMs);
    const told = verdict(name, found.words(cause));
    const step = stepOrder.find((one) => !this.#decided.has(one));
    if (step === undefined || found.up) return { lines: [], verdict: told };
    this.#decided.add(step);
    return { lines: [{ step, state: "failed", detail: told.message }], verdict: told };
  }

  #addressed(ours: Ipv4, peers: Ipv4): readonly Checked[] {
    const plain: Checked = {
      step: "encryption",
      state: "none",
      detail: "everything is in the clear",
    };
    const encryption = this.#found.encrypted ? [] : [plain];
    this.#found.up = true;
    this.#decided.add("encryption");
    const text = `${formatIpv4(ours)}, the server's ${formatIpv4(peers)}`;
    return [...encryption, ...this.#ok("address", text)];
  }

  /** A step is told once; a renegotiation changes nothing of what was reached. */
  #ok(step: Step, detail: string): readonly Checked[] {
    if (this.#decided.has(step)) return [];
    this.#decided.add(step);
    return [{ step, state: "ok", detail }];
  }
}
