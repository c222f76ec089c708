// The data path as one machine: datagrams, TUN packets, commands and time in; packets and events out
// through sinks. It does no I/O, and nothing a peer sends makes it throw.
import { after, type Instant, instant } from "../base/instant.js";
import { never } from "../base/invariant.js";
import { type Bounds, plane as limits } from "../limits.js";
import { Ipv4Header } from "../wire/ipv4.js";
import { Ipv6Header } from "../wire/ipv6.js";
import type { PlaneCommand } from "../wire/worker-link.js";
import { PlaneContext, type Sinks } from "./context.js";
import type { DropReason } from "./drop-reason.js";
import { Flow, type Install } from "./flow.js";
import { Gateway } from "./gateway.js";
import { GatewayAnswers } from "./gateway-answers.js";
import { Inbound } from "./inbound.js";
import { FlowJudge } from "./judge.js";
import { MppeReceive } from "./mppe-receive.js";
import { MppeSend } from "./mppe-send.js";
import { Outbound } from "./outbound.js";

/** Commands that name a flow which must be there. */
type FlowCommand = Exclude<PlaneCommand, { kind: "Configure" | "Install" | "Ping" | "Stop" }>;

export class Engine {
  readonly #context: PlaneContext;
  readonly #gateway: Gateway;
  readonly #answers: GatewayAnswers;
  readonly #outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #header4 = new Ipv4Header();
  readonly #header6 = new Ipv6Header();
  #countersAt: Instant | undefined;

  /** `configured` are the bounds in force; those of src/limits.ts unless told otherwise. */
  constructor(sinks: Sinks, configured: Bounds<typeof limits> = limits) {
    this.#context = new PlaneContext(sinks, configured);
    this.#answers = new GatewayAnswers(this.#context);
    this.#gateway = new Gateway(this.#context, this.#answers);
    this.#outbound = new Outbound(this.#context, this.#answers);
    this.#answers.connect(this.#outbound);
    this.#inbound = new Inbound(this.#context, this.#gateway, this.#outbound);
  }

  get flows(): number {
    return this.#context.table.size;
  }

  /** Octets in all reorder buffers. */
  get reorderOctets(): number {
    return this.#context.reorderBudget.octets;
  }

  dropped(reason: DropReason): number {
    return this.#context.drops.get(reason);
  }

  /** A datagram from the raw socket, its IPv4 header first, at [start, end). */
  handleDatagram(octets: Uint8Array, start: number, end: number, now: Instant): void {
    this.#inbound.handle(octets, start, end, now);
    this.#dueCounters(now);
  }

  /** A packet from the TUN at [start, end). Its MSS option may be rewritten in place. */
  handleTunPacket(octets: Uint8Array, start: number, end: number, now: Instant): void {
    this.#outbound.handleTun(octets, start, end, now);
    this.#dueCounters(now);
  }

  /** `Stop` is the process's, not the engine's. */
  handleCommand(command: PlaneCommand, now: Instant): void {
    switch (command.kind) {
      case "Configure":
        this.#context.terms = command.gateway;
        this.#gateway.configure();
        return;
      case "Install":
        return this.#install(command, now);
      case "Ping":
        return this.#context.emit({ kind: "Pong", nonce: command.nonce });
      case "Stop":
        return;
      default:
        return this.#handleFlowCommand(command, now);
    }
  }

  handleTimeout(now: Instant): void {
    const { deadlines } = this.#context;
    for (let flow = deadlines.due(now); flow !== undefined; flow = deadlines.due(now)) {
      this.#handleFlowTimeout(flow, now);
    }
    if (this.#countersAt !== undefined && this.#countersAt <= now) this.#tellCounters(now);
    this.#dueCounters(now);
  }

  pollTimeout(): Instant | undefined {
    const flow = this.#context.deadlines.next()?.at;
    const counters = this.#countersAt;
    if (flow === undefined || counters === undefined) return flow ?? counters;
    return instant(Math.min(flow, counters));
  }

  /** Wipes every key: nothing works afterwards. */
  close(): void {
    for (const flow of [...this.#context.table.flows()]) this.#forget(flow);
  }

  #install(command: Install, now: Instant): void {
    const { sendWindow } = this.#context.terms;
    const known = this.#context.table.bySlot(command.flow);
    if (known !== undefined) {
      known.learn(command, sendWindow);
      return this.#context.emit({ kind: "Installed", flow: known.ref });
    }
    const { limits: configured, reorderBudget } = this.#context;
    const flow = new Flow(command, sendWindow, reorderBudget, now, configured);
    const hostTaken = flow.end === "host" && this.#outbound.hostFlow !== undefined;
    const why = hostTaken ? "this TUN has its session" : this.#context.table.add(flow);
    if (why !== undefined) {
      return this.#context.emit({ kind: "InstallRefused", flow: flow.ref, why });
    }
    if (flow.end === "host") this.#outbound.hostFlow = flow;
    this.#context.emit({ kind: "Installed", flow: flow.ref });
  }

  #handleFlowCommand(command: FlowCommand, now: Instant): void {
    const flow = this.#context.table.bySlot(command.flow);
    if (flow === undefined) {
      if (command.kind === "Encrypt") wipeTerms(command);
      return this.#context.drop(undefined, "stale-generation");
    }
    switch (command.kind) {
      case "Remove":
        this.#forget(flow);
        return this.#context.emit({
          kind: "Removed",
          flow: flow.ref,
          counters: flow.counters(now),
        });
      case "Send":
        return this.#outbound.sendFrame(flow, command.frame, now);
      case "Link":
        flow.peersMru = command.peersMru;
        flow.mru = command.mru;
        flow.acfc = command.acfc;
        flow.pfc = command.pfc;
        return;
      case "Encrypt":
        return this.#encrypt(flow, command);
      case "Network4":
        if (command.network === undefined) return this.#context.table.closeNetwork4(flow);
        return this.#context.table.openNetwork4(
          flow,
          command.network.address,
          command.network.routes,
        );
      case "Network6":
        return this.#network6(flow, command.network, now);
      case "Rate":
        return this.#rate(flow, command, now);
      case "Resync":
        flow.resync = command.echoReply;
        return;
      case "Flush":
        if (command.side === "send") flow.send?.flush();
        return;
      default:
        return never(command);
    }
  }

  #encrypt(flow: Flow, command: Extract<FlowCommand, { kind: "Encrypt" }>): void {
    flow.dropKeys();
    const { terms } = command;
    if (terms === undefined) return;
    const dialect = { rekeys: true };
    const judge = new FlowJudge(flow, this.#header4, this.#header6);
    flow.receive = new MppeReceive(terms, dialect, judge);
    flow.send = new MppeSend(terms, dialect);
    wipeTerms(command);
  }

  #rate(flow: Flow, command: Extract<FlowCommand, { kind: "Rate" }>, now: Instant): void {
    const { bucket, upBitsPerSecond, downBitsPerSecond } = command;
    if (this.#context.rates.set(bucket, upBitsPerSecond, downBitsPerSecond, now)) {
      flow.bucket = bucket;
      return;
    }
    this.#context.emit({ kind: "Trouble", call: "rate bucket", errno: "ERANGE" });
  }

  #network6(flow: Flow, network: Flow["network6"], now: Instant): void {
    flow.advertiseAt = undefined;
    if (network === undefined) return this.#context.table.closeNetwork6(flow);
    this.#context.table.openNetwork6(flow, network);
    if (flow.end === "gateway") this.#advertise(flow, now);
    this.#context.arm(flow);
  }

  #advertise(flow: Flow, now: Instant): void {
    // Nobody asked for it: a session that only hears it is idle all the same.
    const { lastData } = flow;
    const result = this.#answers.advertise(flow, now);
    flow.lastData = lastData;
    flow.advertiseAt = after(now, limits.advertiseEveryMs);
    if (result !== "answered") this.#context.drop(flow, result);
  }

  #forget(flow: Flow): void {
    flow.dropKeys();
    flow.reorder.clear();
    flow.queue.length = 0;
    if (this.#outbound.hostFlow === flow) this.#outbound.hostFlow = undefined;
    this.#context.table.remove(flow);
    this.#context.disarm(flow);
  }

  #handleFlowTimeout(flow: Flow, now: Instant): void {
    this.#inbound.handleReorderTimeout(flow, now);
    const { timeOutAt } = flow.sending;
    if (timeOutAt !== undefined && timeOutAt <= now) {
      flow.sending.handleTimeout(now);
      this.#outbound.drain(flow, now);
    }
    this.#outbound.sendAcknowledgment(flow, now);
    if (flow.advertiseAt !== undefined && flow.advertiseAt <= now) this.#advertise(flow, now);
    this.#context.rearm(flow);
  }

  #dueCounters(now: Instant): void {
    if (this.#countersAt !== undefined) return;
    if (this.#context.dirty.length === 0 && !this.#context.dropsChanged) return;
    this.#countersAt = after(now, limits.countersEveryMs);
  }

  /** Flows that changed, so many a message; what is left over goes with the next ones at once. */
  #tellCounters(now: Instant): void {
    const context = this.#context;
    this.#countersAt = undefined;
    const changed = context.dirty.filter((flow) => context.table.bySlot(flow.ref) === flow);
    for (const flow of context.dirty) flow.dirty = false;
    context.dirty = [];
    context.dropsChanged = false;
    const drops = context.drops.snapshot();
    for (let at = 0; at === 0 || at < changed.length; at += limits.countersFlowsMax) {
      const flows = changed
        .slice(at, at + limits.countersFlowsMax)
        .map((flow) => ({ flow: flow.ref, counters: flow.counters(now) }));
      context.emit({ kind: "Counters", flows, drops });
    }
  }
}

function wipeTerms({ terms }: Extract<FlowCommand, { kind: "Encrypt" }>): void {
  terms?.sendStart.fill(0);
  terms?.receiveStart.fill(0);
}
