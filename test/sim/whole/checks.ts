// What must hold of a simulated server: a little at each step, everything now and then and at the end.
import type { RunningServer } from "../../../src/daemon/running-server.js";
import { guard, store as storeLimits } from "../../../src/limits.js";
import type { Machine } from "./machine.js";
import type { SimTables } from "./store-thread.js";
import type { SimTime } from "./time.js";

export type Checked = {
  readonly running: RunningServer;
  readonly machine: Machine;
  readonly time: SimTime;
  readonly tables: SimTables;
};

/** Timers of a connection (its linger, its pause) and those of the server itself. */
const TIMERS_OF_ITS_OWN = 256;

/** Of the data workers, the link watch and the console. */
const SOCKETS_OF_ITS_OWN = 8;

function broken(what: string): never {
  throw new Error(what);
}

/** After each step. */
export function checkStep({ running, machine }: Checked): void {
  const { ledger, listener, server, terms } = running;
  if (ledger.stuck > 0) broken("a lease is stuck");
  if (listener.connections > terms.connectionsMax) broken("more connections than there may be");
  if (server.connections > listener.connections) broken("a connection whose socket is gone");
  if (machine.listeners.open > listener.connections) broken("a socket that the listener forgot");
}

/** Everything that is counted in two places. */
export function checkWhole({ running, machine, time }: Checked): void {
  const { ledger, pool, callIds, flowSlots, server, config, terms, guard: door } = running;
  const held = ledger.balance();
  const both = (what: string, a: number, b: number) => a === b || broken(`${what}: ${a} and ${b}`);
  both("addresses leased and held", pool.leased, held.address ?? 0);
  both("flow slots and sessions", held.flowSlot ?? 0, server.sessionCount);
  both("flow slots out and held", flowSlots.out, held.flowSlot ?? 0);
  both("Call IDs out and held", callIds.out, held.callId ?? 0);
  const sockets = held.socket ?? 0;
  if (sockets > running.listener.connections + SOCKETS_OF_ITS_OWN) {
    broken(`${sockets} sockets of ${running.listener.connections} connections`);
  }
  const routes = held.route ?? 0;
  if (routes > server.sessionCount) broken(`${routes} routes of ${server.sessionCount} sessions`);
  if (server.sessionCount > config.limits.access.sessionsMax) broken("too many sessions");
  if (machine.workers.size > config.workers) broken(`${machine.workers.size} data workers`);
  const { queueLength } = terms.store.stats();
  if (queueLength > 3 * storeLimits.queueMax + storeLimits.batchMax) broken("the store's queue");
  if (door.blocks.live(time.schedule.now).length > guard.blocksMax) broken("too many blocks");
  const timers = time.pending.size;
  // A log-in's deadline at the store, a connection's linger and pause.
  const most = TIMERS_OF_ITS_OWN + 3 * (running.listener.connections + server.sessionCount);
  if (timers > most) broken(`${timers} timers are pending, at most ${most}`);
}

/** The moment all is closed: what would fire from now on is nobody's. */
export function checkClosed({ time }: Checked): void {
  const { size } = time.pending;
  if (size > 0) broken(`${size} timers are pending after the end: ${time.names.join(", ")}`);
}

/** The server, its store and its log are closed, and nothing is left to happen. */
export function checkEnd({ running, machine, time, tables }: Checked, storeIsWhole: boolean): void {
  const { ledger, pool, callIds, flowSlots, server, counts } = running;
  const wrong: string[] = [];
  const want = (holds: boolean, what: string) => void (holds || wrong.push(what));
  want(ledger.size === 0, `the ledger holds ${JSON.stringify(ledger.balance())}`);
  want(server.connections === 0, `${server.connections} connections in the core`);
  want(server.sessionCount === 0, `${server.sessionCount} sessions in the core`);
  want(running.listener.connections === 0, `${running.listener.connections} in the listener`);
  want(machine.listeners.open === 0, `${machine.listeners.open} sockets are open`);
  want(machine.listeners.listening === 0, `${machine.listeners.listening} listening`);
  want(machine.workers.size === 0, `${machine.workers.size} data workers run`);
  want(pool.leased === 0 && pool.free === pool.size, `${pool.leased} addresses are out`);
  want(callIds.out === 0, `${callIds.out} Call IDs are out`);
  want(flowSlots.out === 0, `${flowSlots.out} flow slots are out`);
  const deadline = server.pollTimeout();
  want(deadline === undefined, `a deadline in the core: ${deadline?.why}`);
  want(time.pending.size === 0, `${time.pending.size} timers are pending`);
  for (const [what, count] of Object.entries(machine.lent)) {
    want(count === 0, `${count} of ${what} not given back`);
  }
  want(
    machine.up.size === 0,
    `hooks: ${[...machine.up.keys()].length} sessions up without their end`,
  );
  wrong.push(...machine.hookFaults, ...tables.faults);
  if (storeIsWhole) {
    want(
      tables.sessions.size === counts.logIns,
      `${tables.sessions.size} of ${counts.logIns} kept`,
    );
    for (const [id, { ended }] of tables.sessions) want(ended !== undefined, `${id} has no end`);
  }
  if (wrong.length > 0) broken(wrong.slice(0, 20).join("; "));
}
