// Privileges are settled before the server begins, since capabilities are per thread and Node has its
// threads before our first line: root becomes a user of our own by an exec that keeps the pid.
import type { Descriptor } from "../os/descriptor.js";
import { describeOsError, isOsError, type OsError } from "../os/errors.js";
import {
  type FilterDescriptors,
  loadGreFilter,
  loadXdpFilter,
  passedGreFilter,
} from "../os/gre-filter.js";
import { HookRunner, startHookRunner } from "../os/hook-runner.js";
import { lookUpUser } from "../os/own-user.js";
import { takePassedDescriptors } from "../os/passed-descriptors.js";
import { missingPrivileges, NEEDED } from "../os/privileges.js";
import { planReexec, privilegeState, reexecAsOwnUser, type Settled } from "../os/reexec.js";
import { openTunDevice } from "../os/tun.js";
import type { Config } from "./config/resolve.js";

export type SettledPrivileges = {
  readonly how: Settled["how"];
  readonly uid: number;
  /** Why it is not a user of its own; empty otherwise. */
  readonly why: string;
  /** One for each data worker, where they were opened while that was still allowed. */
  readonly tunDevices: readonly Descriptor[];
  readonly hooks: HookRunner | undefined;
  /** Likewise: what refuses GRE early. */
  readonly filter: FilterDescriptors | undefined;
};

export type PrivilegeFault = { readonly message: string; readonly remedy: string };

/**
 * Comes back as who we shall be, or with a fault; as root it does not come back but starts this
 * program anew as `config.user` with CAP_NET_ADMIN and CAP_NET_RAW alone.
 */
export function settlePrivileges(
  config: Config,
  stateDirectory: string,
): SettledPrivileges | PrivilegeFault {
  const state = privilegeState();
  if (isOsError(state)) return { message: describeOsError(state), remedy: "start it anew" };
  if (state.kind === "ReexecDue") return becomeOwnUser(config, stateDirectory);
  const missing = missingPrivileges();
  if (missing !== undefined) {
    return isOsError(missing)
      ? { message: describeOsError(missing), remedy: "is /proc mounted?" }
      : { message: missing.text, remedy: missing.command };
  }
  const passed = takePassedDescriptors();
  const link = passed.get("hooks") ?? startHooks(config, stateDirectory, state.uid);
  if (link !== undefined && "message" in link) return link;
  const hooks = link === undefined ? undefined : new HookRunner(link);
  const { how, uid, why } = state;
  const tunDevices = tunNames(config).flatMap((name) => passed.get(name) ?? []);
  const filter = passedGreFilter(passed);
  return { how, uid, why, tunDevices, hooks, filter };
}

function becomeOwnUser(config: Config, stateDirectory: string): PrivilegeFault {
  const wished = config.user;
  // The usual name need not exist: without it a number nobody else has is taken.
  const user = wished === "holdfast" && lookUpUser(wished) === undefined ? undefined : wished;
  const plan = planReexec({ user, stateDirectory });
  if (isOsError(plan)) {
    return { message: describeOsError(plan), remedy: planRemedy(plan) };
  }
  const descriptors: Record<string, Descriptor> = {};
  for (const name of tunNames(config)) {
    const tun = openTunDevice();
    // Without it the server says so itself, with the remedy.
    if (!isOsError(tun)) descriptors[name] = tun;
  }
  if (config.filter === "auto") {
    const filter = loadGreFilter(config.workers);
    // Without it the server says why, and does with less. The part for interfaces is there for whoever turns
    // it on later.
    if (!isOsError(filter)) {
      const both = loadXdpFilter(filter);
      Object.assign(descriptors, isOsError(both) ? filter : both);
    }
  }
  const hooks = startHooks(config, stateDirectory, plan.user?.uid ?? 0);
  if (hooks !== undefined && "message" in hooks) return hooks;
  if (hooks !== undefined) descriptors.hooks = hooks;
  const failure = reexecAsOwnUser({
    ...plan,
    capabilities: NEEDED,
    descriptors,
    env: { ...process.env, HOLDFAST_STATE: stateDirectory },
  });
  return { message: describeOsError(failure), remedy: "install util-linux (setpriv)" };
}

/** Under which names they are handed on: a device carries one queue only. */
function tunNames({ workers }: Config): string[] {
  return Array.from({ length: workers }, (_, i) => (i === 0 ? "tun" : `tun-${i}`));
}

function planRemedy({ call, errno }: OsError): string {
  if (call.startsWith("make ")) return "name a --state in a place where directories can be made";
  if (call.startsWith("chown ")) {
    return errno === "EEXIST"
      ? "name a --state of its own, a new or empty directory"
      : "name another --state";
  }
  return "make that user, or change user: in the configuration";
}

/** Only where hooks are configured; it must begin while a user can still be given to it. */
function startHooks(
  { hooks }: Config,
  stateDirectory: string,
  serverUid: number,
): Descriptor | PrivilegeFault | undefined {
  if (hooks.ipUp === undefined && hooks.ipDown === undefined) return undefined;
  const started = startHookRunner({ user: hooks.user, stateDirectory, serverUid });
  if (isOsError(started)) {
    return { message: `hooks: ${describeOsError(started)}`, remedy: "change hooks.user" };
  }
  if (started.why === "") return started.link;
  // As the server's own user a hook could read the keys.
  started.link[Symbol.dispose]();
  return {
    message: `hooks need a user of their own: ${started.why}`,
    remedy:
      "start the server as root, it becomes its own user then (packaging/hooks.conf), or take hooks out",
  };
}
