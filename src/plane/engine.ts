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
import { ARMED_COUNT, ARMED_LIST } from "./layout.js";
import type { PlaneMemory } from "./memory.js";
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

  /**
   * `memory` bounds how many flows there can be. `configured` are the bounds in force; those of
   * src/limits.ts unless told otherwise.
   */
  constructor(sinks: Sinks, memory: PlaneMemory, configured: Bounds<typeof limits> = limits) {
    this.#context = new PlaneContext(sinks, memory, configured);
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

  /** A datagram longer than any slot: no call's. */
  handleTruncated(now: Instant): void {
    this.#context.drop(undefined, "gre-payload-large");
    this.#dueCounters(now);
  }

  /** The packet at [start, end) of the memory, which the lane decrypted and left. */
  handleInner(slot: number, protocol: number, start: number, end: number, now: Instant): void {
    const flow = this.#context.table.inSlot(slot);
    if (flow === undefined) return;
    const { octets } = this.#context.memory;
    this.#inbound.handleInner(flow, protocol, octets, start, end, now);
  }

  /** After the lane took a batch: timers it made due earlier are armed, counts will be told. */
  handleBatch(now: Instant): void {
    const { memory, table } = this.#context;
    const armed = memory.cell(ARMED_COUNT);
    for (let i = 0; i < armed; i++) {
      const flow = table.inSlot(memory.cell(ARMED_LIST + 4 * i));
      if (flow !== undefined) this.#context.arm(flow);
    }
    memory.setCell(ARMED_COUNT, 0);
    this.#dueCounters(now);
  }

  /** The kernel refused the datagram in send slot `queued`, which was the flow's in `slot`. */
  handleSendRefused(queued: number, slot: number, errno: number): void {
    const flow = this.#context.table.inSlot(slot);
    if (flow !== undefined) this.#outbound.handleRefused(flow, queued, errno);
  }

  /** The kernel refused a run of so many packets of the flow in `slot`. */
  handleWriteRefused(slot: number, packets: number): void {
    const flow = this.#context.table.inSlot(slot);
    for (let i = 0; i < packets; i++) this.#context.drop(flow, "tun-write-failed");
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
      known.settle();
      return this.#context.emit({ kind: "Installed", flow: known.ref });
    }
    const { limits: configured, memory, reorderBudget, table } = this.#context;
    const hostTaken = command.end === "host" && this.#outbound.hostFlow !== undefined;
    const why = hostTaken ? "this TUN has its session" : table.refusal(command);
    if (why !== undefined) {
      return this.#context.emit({ kind: "InstallRefused", flow: command.flow, why });
    }
    const cells = memory.record(command.flow.slot);
    const flow = new Flow(command, sendWindow, reorderBudget, cells, now, configured);
    table.add(flow);
    if (flow.end === "host") this.#outbound.hostFlow = flow;
    this.#context.emit({ kind: "Installed", flow: flow.ref });
  }

  #handleFlowCommand(command: FlowCommand, now: Instant): void {
    const flow = this.#context.table.bySlot(command.flow);
    if (flow === undefined) {
      if (command.kind === "Encrypt") wipeTerms(command);
      return this.#context.drop(undefined, "stale-generation");
    }
    this.#carryOut(flow, command, now);
    if (command.kind !== "Remove") flow.settle();
  }

  #carryOut(flow: Flow, command: FlowCommand, now: Instant): void {
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
      case "Authenticated":
        flow.proven = true;
        return;
      case "Rate":
        return this.#rate(flow, command, now);
      case "Resync":
        flow.resync = command.echoReply;
        flow.proofAsked = flow.receive !== undefined;
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
    flow.receive = new MppeReceive(terms, dialect, judge, flow.cells, this.#context.keyWalks);
    flow.send = new MppeSend(terms, dialect, flow.cells);
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
    flow.settle();
  }

  #dueCounters(now: Instant): void {
    if (this.#countersAt !== undefined) return;
    if (!this.#context.touched && !this.#context.drops.changed) return;
    this.#countersAt = after(now, limits.countersEveryMs);
  }

  /** Flows that changed, so many a message; what is left over goes with the next ones at once. */
  #tellCounters(now: Instant): void {
    const context = this.#context;
    this.#countersAt = undefined;
    const changed = context.takeTouched();
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
