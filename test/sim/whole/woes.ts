// What befalls a server: its workers, its store, its TUN, its processor, and its operator.
import { writeFileSync } from "node:fs";
import { instant } from "../../../src/base/instant.js";
import { formatIpv4 } from "../../../src/base/ip.js";
import type { RunningServer } from "../../../src/daemon/running-server.js";
import type { Woe } from "./plan.js";
import type { WholeWorld } from "./world.js";

export function befall(world: WholeWorld, woe: Woe): void {
  const { chance, machine, weather, running, plan, configFile } = world;
  const { operator } = running;
  const user = () => chance.of(plan.accounts).account.name;
  const source = () =>
    chance.of([...world.callers].map(({ address }) => address).concat(0x0c000001));
  const workers = [...machine.workers.values()];
  const worker = workers.length > 0 ? chance.of(workers) : undefined;
  switch (woe) {
    case "kill":
      return void worker?.kill("SIGKILL");
    case "stall":
      return worker?.stall(chance.int(50, 3_000));
    case "rave":
      return worker?.rave();
    case "crash":
      return worker?.crash(chance.of([1, 3, 4]));
    case "store":
      return void weather.worsen();
    case "tun":
      return machine.disturbTun();
    case "late": {
      // The whole process stands still: every timer is late.
      const ms = chance.int(100, 4_000);
      machine.processorMs += ms;
      world.schedule.now = instant(world.schedule.now + ms);
      return;
    }
    case "reload":
      writeFileSync(configFile, plan.rewritten(chance));
      return world.settled(running.reload().then(isTaken), "reload");
    case "bad-reload":
      writeFileSync(configFile, `${plan.config}nonsense: {}\n`);
      return world.settled(running.reload(), "reload");
    case "account":
      return world.settled(operator.accounts.setEnabled(user(), chance.happens(0.7)), "account");
    case "rate": {
      const upBitsPerSecond = chance.of([8_000, 1_000_000, null]);
      return world.settled(operator.accounts.update(user(), { upBitsPerSecond } as never), "rate");
    }
    case "block": {
      const given = {
        address: formatIpv4(source()),
        seconds: chance.int(1, 60),
        reason: "simulated",
      };
      return void operator.block(given);
    }
    case "unblock":
      return void operator.unblock(formatIpv4(source()));
    case "looks":
      operator.ledger({ most: 100 } as never);
      operator.sessions({ most: 100 } as never);
      return world.settled(operator.blocks(), "blocks");
    case "all-away":
      return void (chance.happens(0.2) && operator.disconnect({ all: true } as never));
  }
}

/** The kernel may refuse; what is written is good. */
function isTaken(outcome: Awaited<ReturnType<RunningServer["reload"]>>): void {
  if (!outcome.ok && outcome.reason === "configuration") throw new Error(outcome.message);
}
