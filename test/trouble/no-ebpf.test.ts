// A server that may load no eBPF, as in a container: a warning and the classic form, which refuses and counts by
// reason; killed, it leaves that table, which the next start replaces and says so.
import { expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { openGreSockets } from "../../src/os/gre-socket.js";
import { until } from "../lab/place.js";
import { held } from "../os/namespace.js";
import { needRoot } from "../peers.js";
import { octets, vectors } from "../vectors/vectors.js";
import { CALLERS, Scene, SERVER } from "./scene.js";

const JUNK = 1_000;
const flags = octets(vectors.negative.find(({ id }) => id === "GRE-R")?.send[0]);

test.runIf(needRoot())("without CAP_BPF: a warning, and served all the same", async () => {
  await using scene = await Scene.started({ lacking: ["bpf", "sys_admin"] });
  const tables = () => scene.server.run("nft", "list", "tables");
  expect(
    await scene.logged(
      "GRE is refused early by its form alone, not by live calls: a stream from strangers costs more",
    ),
  ).toHaveLength(1);
  const { earlyRefusal } = await scene.status();
  expect(earlyRefusal).toMatchObject({ form: "classic", byReason: true, refused: 0 });
  expect(earlyRefusal.why).toContain("EPERM");
  const caller = await scene.caller(scene.firstAccount());
  using gre = held(openGreSockets());
  const [from = 0, to = 0] = [parseIpv4(CALLERS), parseIpv4(SERVER)];
  for (let i = 0; i < JUNK; i++) {
    if (gre.send(flags, 0, flags.length, from, to, true) !== flags.length) i--;
  }
  const counted = async () => (await scene.status()).counters["data gre-flags"];
  await until("all are counted", 20, async () => (await counted()) === JUNK);
  expect((await scene.status()).earlyRefusal.refused).toBe(JUNK);
  await caller.ping();
  scene.signal("SIGKILL");
  await scene.end();
  await caller.ended();
  expect(tables()).toContain("holdfast-main-refused");
  await scene.start();
  expect(
    await scene.logged("replaces the refusals' nft table that an earlier run had left"),
  ).toHaveLength(1);
  expect((await scene.status()).earlyRefusal).toMatchObject({ byReason: true, refused: 0 });
  expect(await scene.stop()).toBe(0);
  expect(tables()).toBe("");
});
