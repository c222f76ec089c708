import { describe, expect, test } from "vitest";
import type { ProcessPrivileges, ThreadPrivileges } from "../os/capabilities.js";
import { describeProcesses, groupThreads, processWarnings } from "./processes.js";

const TWO = ["net_admin", "net_raw"];

function thread(tid: number, capabilities: readonly string[]): ThreadPrivileges {
  return {
    tid,
    name: "node",
    uid: 990,
    gid: 991,
    groups: [],
    noNewPrivileges: true,
    effective: capabilities,
    permitted: capabilities,
    inheritable: capabilities,
    bounding: TWO,
    ambient: capabilities,
  };
}

function process_(
  pid: number,
  parent: number,
  command: string,
  ...threads: readonly string[][]
): ProcessPrivileges {
  const all = threads.map((capabilities, at) => thread(pid + at, capabilities));
  return { pid, parent, command: command === "" ? [] : command.split(" "), threads: all };
}

const main = process_(10, 1, "/usr/bin/node /opt/dist/cli/main.js serve", TWO, TWO, TWO);
const setpriv = "/usr/bin/setpriv --inh-caps=-all --no-new-privs --";

describe("processes by what they run", () => {
  test.each([
    ["/usr/bin/node /opt/dist/worker/main.js --link=3", "data worker"],
    ["/usr/bin/node /opt/dist/os/hook-runner-main.js 990", "hook runner"],
    ["/usr/sbin/nft -f /run/x.nft", "nft"],
    ["/usr/sbin/ip -batch -", "ip"],
    [`${setpriv} /usr/bin/node /opt/dist/worker/main.js --link=3`, "starting data worker"],
    [`${setpriv} /usr/sbin/nft -f /run/x.nft`, "starting nft"],
    ["/usr/bin/node /opt/dist/cli/main.js serve", "starting"],
    ["", "node"],
  ])("%s: %s", (command, name) => {
    const [, child] = describeProcesses([main, process_(20, 10, command, [])], 11);
    expect(child?.name).toBe(name);
  });

  test("what the hook runner started, and what that started, is a hook", () => {
    const runner = process_(20, 10, "/usr/bin/node /opt/dist/os/hook-runner-main.js 990", []);
    const hook = process_(30, 20, "/bin/bash /etc/holdfast/up", []);
    const below = process_(40, 30, "sleep 3", []);
    const names = describeProcesses([main, runner, hook, below], 11).map(({ name }) => name);
    expect(names).toEqual(["main", "hook runner", "hook", "hook"]);
  });
});

describe("threads", () => {
  test("the first is main, the store's is named, the others as the kernel calls them", () => {
    const [one] = describeProcesses([main], 12);
    expect(one?.threads.map(({ tid, name }) => [tid, name])).toEqual([
      [10, "main"],
      [11, "node"],
      [12, "store"],
    ]);
    expect(one).toMatchObject({ uid: 990, gid: 991, state: "all threads alike" });
    expect(one?.capabilities).toEqual(["NET_ADMIN", "NET_RAW"]);
  });

  test.each([
    "uid",
    "gid",
    "effective",
    "permitted",
    "inheritable",
    "bounding",
    "ambient",
  ] as const)("one that differs in %s is a group of its own", (key) => {
    const other = { ...thread(12, TWO), [key]: key.endsWith("id") ? 0 : ["chown"] };
    const tree = [{ ...main, threads: [thread(10, TWO), other, thread(13, TWO)] }];
    const [one] = describeProcesses(tree, 0);
    expect(one?.state).toBe("THREADS DIFFER");
    expect(groupThreads(one?.threads ?? []).map((group) => group.map(({ tid }) => tid))).toEqual([
      [10, 13],
      [12],
    ]);
  });
});

describe("who may do more than it should", () => {
  const warningsOf = (...tree: ProcessPrivileges[]) => processWarnings(describeProcesses(tree, 0));
  const worker = "/usr/bin/node /opt/dist/worker/main.js";

  test("as it should be: no warning", () => {
    const tree = [process_(20, 10, worker, [], []), process_(30, 10, "/sbin/ip a", ["net_admin"])];
    expect(warningsOf(main, ...tree)).toEqual([]);
  });

  test.each([
    [process_(20, 10, worker, [], ["net_raw"]), "data worker (pid 20)", "NET_RAW"],
    [process_(20, 10, "/sbin/nft -f x", TWO), "nft (pid 20)", "NET_RAW"],
    [process_(20, 10, "/bin/foreign", ["net_admin"]), "foreign (pid 20)", "NET_ADMIN"],
    [process_(10, 1, "node x", TWO, [...TWO, "sys_admin"]), "main (pid 10)", "SYS_ADMIN"],
  ])("%#: named", (one, who, what) => {
    const tree = one.pid === 10 ? [one] : [main, one];
    expect(warningsOf(...tree)).toEqual([`the process ${who} may do more than it should: ${what}`]);
  });

  test("not judged between fork and exec, when it still has ours", () => {
    expect(warningsOf(main, process_(20, 10, `${setpriv} /usr/sbin/ip -batch -`, TWO))).toEqual([]);
    expect(warningsOf(main, process_(20, 10, main.command.join(" "), TWO))).toEqual([]);
  });
});
