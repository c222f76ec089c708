// GRE that is not ours (version 0, or another protocol than 0x880B), at a server by each of its filters and
// engines: whoever else has a tunnel here gets all of it, from a blocked source too; nothing is answered,
// called hostile or blocked.
import { setImmediate, setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import type { BlocksPage } from "../../src/console/contract.js";
import type { IncidentsPage } from "../../src/console/incident-contract.js";
import { type GreSocket, openGreSockets } from "../../src/os/gre-socket.js";
import { ReceiveSlots } from "../../src/os/packet-memory.js";
import { until } from "../lab/place.js";
import { xdpLoadable } from "../os/filter-packets.js";
import { held } from "../os/namespace.js";
import { needRoot } from "../peers.js";
import { octets, vectors } from "../vectors/vectors.js";
import { Scene, SERVER } from "./scene.js";

const OTHER = "198.51.100.77";
const EACH = 4_000;
const PIECE = 200;

const vector = (id: string) => octets(vectors.negative.find((one) => one.id === id)?.send[0]);
/** A keep-alive of GRE version 0, one with a key, and version 1 with another protocol. */
const PACKETS = [
  Uint8Array.of(0, 0, 0, 0),
  Uint8Array.of(0x20, 0, 0x08, 0x00, 0, 0, 0, 9, 0x45),
  vector("GRE-V0"),
  vector("GRE-PROTO-IP"),
];

const CHOICES = [
  { filter: "auto", xdp: "off", engine: "auto" },
  { filter: "auto", xdp: "auto", engine: "auto" },
  { filter: "classic", xdp: "off", engine: "auto" },
  { filter: "off", xdp: "off", engine: "auto" },
  { filter: "off", xdp: "off", engine: "typescript" },
];

describe.runIf(needRoot())("other tunnels' GRE", () => {
  const choices = CHOICES.filter(({ xdp }) => xdp === "off" || xdpLoadable());
  test.each(choices)("filter: $filter, xdp: $xdp, engine: $engine", async (choice) => {
    const limits = { incident: { windowMs: 2_000, quietMs: 1_000 } };
    await using scene = await Scene.started({
      config: { ...choice, limits, guard: { allow: [] } },
    });
    const { earlyRefusal } = await scene.status();
    expect(earlyRefusal.form).toBe({ auto: "eBPF", classic: "classic", off: "off" }[choice.filter]);
    expect(earlyRefusal.xdp.map(({ mode }) => mode === "none")).toEqual(
      choice.xdp === "off" ? [] : [false],
    );
    scene.callers.ip("addr", "add", `${OTHER}/24`, "dev", "veth0");
    using theirs = held(scene.server.inside(openGreSockets));
    using gre = held(openGreSockets());
    const refused = async () => (await scene.status()).earlyRefusal.refused;
    const before = await refused();
    expect(await stream(gre, theirs)).toBe(PACKETS.length * EACH);
    expect((await scene.cli(["block", OTHER])).code).toBe(0);
    await until("in the kernel", 20, () => {
      return scene.server.run("nft", "list", "ruleset").includes(OTHER);
    });
    const answers = received(scene);
    // Much more a second than what makes an incident of hostile packets.
    expect(await stream(gre, theirs)).toBe(PACKETS.length * EACH);
    await setTimeout(2 * limits.incident.windowMs);
    // A neighbour may ask for an address meanwhile.
    expect(received(scene) - answers).toBeLessThan(10);
    expect(await refused()).toBe(before);
    const incidents = (await scene.admin("GET", "/incidents")).body as unknown as IncidentsPage;
    expect([(await scene.status()).incident, incidents.incidents]).toEqual([null, []]);
    const { blocks } = (await scene.admin("GET", "/blocks")).body as unknown as BlocksPage;
    expect(blocks.map(({ address, times }) => [address, times])).toEqual([[OTHER, 0]]);
    expect(await scene.stop()).toBe(0);
  });
});

/** Packets that came to the callers' end of the cable: answers, if there are any. */
function received({ callers }: Scene): number {
  const [link] = JSON.parse(callers.ip("-s", "-j", "link", "show", "veth0"));
  return link.stats64.rx.packets;
}

/** Sends EACH of them, and counts what another receiver on the server's host gets. */
async function stream(gre: GreSocket, theirs: GreSocket): Promise<number> {
  const [from = 0, to = 0] = [parseIpv4(OTHER), parseIpv4(SERVER)];
  const slots = new ReceiveSlots();
  let got = 0;
  const drain = () => {
    for (let read = theirs.readBatch(slots); read > 0; read = theirs.readBatch(slots)) got += read;
  };
  for (let i = 0; i < PACKETS.length * EACH; i++) {
    const packet = PACKETS[i % PACKETS.length]!;
    // The cable's queue is full now and then.
    if (gre.send(packet, 0, packet.length, from, to, true) !== packet.length) i--;
    if (i % PIECE !== 0) continue;
    drain();
    await setImmediate();
  }
  const all = PACKETS.length * EACH;
  await until("the other receiver has all of them", 20, () => {
    drain();
    return got >= all;
  }).catch(() => {});
  return got;
}
