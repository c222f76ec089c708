// What the kernel says is held: compared before the first session and after the last, and before a
// server's start and after its stop. The other half of every claim the ledger makes.
import { expectOk, type Place, until } from "../lab/place.js";

/** Sorted lines, so that a difference reads as what came and what went. */
export type KernelState = {
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly rules: readonly string[];
  readonly nft: readonly string[];
  readonly sysctls: readonly string[];
  /** Of the server and each process below it: its name, its descriptors by kind. */
  readonly processes: readonly string[];
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

// Who is there, then what each holds. One program in all: in a guest they are dear. Find with no place
// to look in would look here.
const processes = (pid: number) => `
  walk() {
    local name= line= list= children=
    read -r name </proc/$1/comm || return 0
    echo "$1 $2$name"
    all+=("/proc/$1/fd")
    for list in /proc/$1/task/*/children; do
      line=
      read -r line <"$list"
      children+=" $line"
    done
    for list in $children; do walk "$list" "$2/"; done
  }
  { all=(/proc/none); walk ${pid} ""; find "\${all[@]}" -mindepth 1 -printf '%h %l\\n'; } 2>/dev/null || :`;

const sysctls = String.raw`
  grep -sH . /proc/sys/net/ipv4/ip_forward \
    /proc/sys/net/ipv4/conf/*/{forwarding,proxy_arp,rp_filter,accept_redirects,send_redirects} \
    /proc/sys/net/ipv6/conf/*/{forwarding,accept_ra,disable_ipv6} || :`;

/** `pid`: of the server's main process, or undefined where none runs. */
export async function kernelState(place: Place, pid?: number): Promise<KernelState> {
  const mark = "=====next=====";
  const parts = [
    "ip -j address show",
    "ip -j -4 route show table all; echo; ip -j -6 route show table all",
    "ip -j rule show",
    "nft -j list ruleset",
    sysctls,
    pid === undefined ? ":" : processes(pid),
  ];
  const text = await expectOk(place, parts.join(`\necho; echo ${mark}\n`));
  const [addresses = "", routes = "", rules = "", nft = "", sysctl = "", tree = ""] = text
    .split(mark)
    .map((part) => part.trim());
  return {
    addresses: objects(addresses).flatMap(addressLines).sort(),
    routes: routes
      .split("\n")
      .flatMap(objects)
      .map((route) => stable(route, ["expires", "metrics", "flags", "cache"]))
      .sort(),
    rules: objects(rules)
      .map((rule) => stable(rule, []))
      .sort(),
    nft: nftLines(nft),
    sysctls: sysctl.split("\n").sort(),
    processes: processLines(tree),
  };
}

/** Lines that are only in one of the two, marked - (before) and + (after). */
export function kernelDifference(before: KernelState, after: KernelState): string[] {
  const differences: string[] = [];
  for (const key of Object.keys(before) as (keyof KernelState)[]) {
    const left = [...after[key]];
    for (const line of before[key]) {
      const at = left.indexOf(line);
      if (at >= 0) left.splice(at, 1);
      else differences.push(`- ${key}: ${line}`);
    }
    differences.push(...left.map((line) => `+ ${key}: ${line}`));
  }
  return differences;
}

/** Waits until the kernel reads as `before`, or throws with what differs. */
export async function expectKernel(
  before: KernelState,
  place: Place,
  { pid, withinS = 15 }: { pid?: number; withinS?: number } = {},
): Promise<void> {
  let differences: string[] = [];
  await until("the kernel reads as before", withinS, async () => {
    differences = kernelDifference(before, await kernelState(place, pid));
    return differences.length === 0;
  }).catch((failure) => {
    throw new Error(`${failure}\n${differences.join("\n")}`);
  });
}

function objects(text: string): { [key: string]: Json }[] {
  if (text.trim() === "") return [];
  const parsed = JSON.parse(text) as { [key: string]: Json }[];
  return parsed.filter((entry) => Object.keys(entry).length > 0);
}

function addressLines(link: { [key: string]: Json }): string[] {
  const infos = (link.addr_info ?? []) as { [key: string]: Json }[];
  const name = String(link.ifname);
  return [
    `${name} mtu ${link.mtu}`,
    ...infos
      .filter((info) => "local" in info)
      .map(
        (info) =>
          `${name} ${info.local}${info.address ? ` peer ${info.address}` : ""}/${info.prefixlen}`,
      ),
  ];
}

/** Inode and device numbers differ each time, kinds and counts must not. */
function processLines(text: string): string[] {
  const names = new Map<string, string>();
  const held = new Map<string, Map<string, number>>();
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const [, pid = "", what = ""] = /^(?:\/proc\/)?(\d+)(?:\/fd)? (.*)$/.exec(line) ?? [];
    if (!line.startsWith("/")) {
      names.set(pid, what);
      held.set(pid, new Map());
      continue;
    }
    const kinds = held.get(pid);
    const kind = what.replace(/:\[\d+\]/, "");
    kinds?.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [...names].map(([pid, name]) => {
    const kinds = [...(held.get(pid) ?? [])].map(([kind, count]) => `${count} ${kind}`);
    return `${name}: ${kinds.sort().join(",")}`;
  });
}

function nftLines(text: string): string[] {
  if (text === "") return [];
  const { nftables } = JSON.parse(text) as { nftables: { [key: string]: Json }[] };
  return nftables
    .filter((entry) => !("metainfo" in entry))
    .map((entry) => stable(entry, ["handle", "packets", "bytes", "expires"]))
    .sort();
}

/** JSON without the keys that move by themselves. */
function stable(value: Json, without: readonly string[]): string {
  return JSON.stringify(value, (key, inner: Json) => (without.includes(key) ? undefined : inner));
}
