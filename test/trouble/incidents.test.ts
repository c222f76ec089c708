// A stream of malformed GRE, and one of rubbish on the control connection, at a running server that a
// session uses: one incident each, told with reasons, source and effect, by bulletin, mail and webhook, and
// kept over a restart.
import { chownSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import type { BulletinsPage } from "../../src/console/bulletin-contract.js";
import type { IncidentShown, IncidentsPage } from "../../src/console/incident-contract.js";
import { openGreSockets } from "../../src/os/gre-socket.js";
import { until } from "../lab/place.js";
import { SmtpServer, WebServer } from "../notices/servers.js";
import { held } from "../os/namespace.js";
import { needRoot } from "../peers.js";
import { octets, vectors } from "../vectors/vectors.js";
import { Crowd } from "./crowd.js";
import { CALLERS, Scene, SERVER } from "./scene.js";

const anna = { name: "anna", password: "correct-Horse-7" };
const bert = { name: "bert", password: "correct-Horse-8" };
const FORGED = "198.51.100.77";
const HOSTILE = "198.51.100.66";
const flags = octets(vectors.negative.find(({ id }) => id === "GRE-R")?.send[0]);
const foreign = octets(vectors.negative.find(({ id }) => id === "GRE-V0")?.send[0]);
const MALFORMED_MAX = 300;
const SECRET = "correct-Horse-9";
/** Rubbish is let in until it is too much, not turned away for its number before it is read. */
const limits = {
  incident: { windowMs: 2_000, quietMs: 1_000 },
  guard: {
    ...{ sourceConnectionsPerSecond: 1_000, prefixConnectionsPerSecond: 1_000 },
    ...{ sourceHalfOpenMax: 1_000, prefixHalfOpenMax: 1_000, halfOpenMax: 1_000 },
    blockMalformed: MALFORMED_MAX,
  },
};

async function incidents(scene: Scene): Promise<IncidentsPage["incidents"]> {
  const { status, body } = await scene.admin("GET", "/incidents");
  if (status !== 200) throw new Error(JSON.stringify(body));
  return (body as unknown as IncidentsPage).incidents;
}

async function over(scene: Scene, number: number): Promise<IncidentShown> {
  let found: IncidentShown | undefined;
  await until("it is over", 20, async () => {
    found = (await incidents(scene)).find((one) => one.number === number);
    return found?.ending === "quiet";
  });
  return found as IncidentShown;
}

/** In pieces that leave this process time for the rest. */
async function send(packet: Uint8Array, times: number): Promise<void> {
  using gre = held(openGreSockets());
  const [from = 0, to = 0] = [parseIpv4(FORGED), parseIpv4(SERVER)];
  for (let i = 0; i < times; i++) {
    if (gre.send(packet, 0, packet.length, from, to, true) !== packet.length) i--;
    if (i % 500 === 0) await setImmediate();
  }
}

const bulletinWords = [
  ["en", [/^Severity: LOW$/m, /^State: over$/m, /MS01-009/, /no session was lost to it/]],
  ["ja", [/^深刻度: 低$/m, /^状態: 終息$/m, /MS01-009/, /失われたセッションはありません/]],
] as const;

const toldOf = (numbers: readonly number[]) => [
  "test test",
  ...numbers.flatMap((one) => [`begin incident ${one}`, `end incident ${one}`]),
];

/** About 5,000 a second, until they are enough; how many there were. */
async function stream(going: () => boolean): Promise<number> {
  let sent = 0;
  for (; going(); sent += 500) {
    await send(flags, 500);
    await setTimeout(100);
  }
  return sent;
}

describe.runIf(needRoot())("incidents", () => {
  test("streams from strangers: noticed in seconds, shown, over, and there after a restart", async () => {
    await using scene = new Scene();
    // In the callers' network, as this thread is.
    await using smtp = await SmtpServer.started(CALLERS);
    await using web = await WebServer.started(CALLERS);
    const { port } = smtp;
    const people = { from: "gate@example.org", to: ["noc@example.org"] };
    const notices = {
      mail: { server: CALLERS, port, tls: "off", ...people },
      // An address that is a secret: whoever has it may post there.
      webhook: { urlFile: join(scene.directory, "webhook-url") },
    };
    scene.configure({ guard: { allow: [] }, limits, notices });
    await scene.start();
    const { uid, gid } = statSync(scene.state);
    writeFileSync(notices.webhook.urlFile, `${web.origin}/hook/${SECRET}\n`, { mode: 0o600 });
    chownSync(notices.webhook.urlFile, uid, gid);
    expect((await scene.cli(["notice", "test"])).stdout.match(/: sent$/gm)).toHaveLength(2);
    const told = () =>
      web.posted.map(({ body }) => JSON.parse(body)).map(({ event, key }) => `${event} ${key}`);
    scene.callers.ip("addr", "add", `${FORGED}/32`, "dev", "lo");
    scene.callers.ip("addr", "add", `${HOSTILE}/24`, "dev", "veth0");
    await scene.addUser(bert);
    const first = await scene.caller(await scene.addUser(anna));
    const pinging = first.pinging();
    // Other tunnels' packets are nobody's attack.
    await send(foreign, 20_000);
    let going = true;
    const streaming = stream(() => going);
    await until("it is noticed", 5, async () => (await scene.status()).incident !== null);
    const [second, { stdout }] = await Promise.all([scene.caller(bert), scene.cli(["status"])]);
    expect(stdout).toMatch(
      /^incident +1, since .* mostly .*gre.* \(holdfast incidents show 1\)$/im,
    );
    going = false;
    const streamed = await streaming;
    const gre = await over(scene, 1);
    const { form, byReason } = (await scene.status()).earlyRefusal;
    const ebpf = form === "eBPF";
    // What came below the rate at first is not counted to it.
    expect(gre.refused).toBeGreaterThanOrEqual(streamed - 2 * gre.overPerSecond);
    expect(gre.refused).toBeLessThanOrEqual(streamed);
    expect(gre).toMatchObject({
      reasons: {
        [byReason ? "data gre-flags" : "malformed GRE, reason not available"]: gre.refused,
      },
      greSources: ebpf ? "sampled" : "not-sampled",
      ...{ sessionsEnded: {}, blocked: [], logInsRefused: 0 },
    });
    // The first one may have come in the very second of the begin.
    expect(gre.sessionsAtBegin + gre.logIns).toBe(2);
    if (ebpf) {
      expect(gre.sources).toEqual([
        { address: FORGED, count: expect.anything(), mayBeForged: true },
      ]);
      expect(gre.sources[0]?.count).toBeGreaterThan(streamed / 2);
      expect(gre.sources[0]?.count).toBeLessThan(streamed * 1.5);
    }
    using crowd = new Crowd(2 * MALFORMED_MAX, new Uint8Array(200).fill(0x47), HOSTILE);
    const control = await over(scene, 2);
    crowd[Symbol.dispose]();
    const [source] = control.sources;
    expect(control.reasons["malformed Magic Cookie"]).toBeGreaterThanOrEqual(MALFORMED_MAX);
    expect(source).toMatchObject({ address: HOSTILE, mayBeForged: false });
    expect(source?.count).toBeGreaterThanOrEqual(MALFORMED_MAX);
    const reason = "malformed control messages";
    expect(control.blocked).toEqual([{ address: HOSTILE, reason }]);
    expect(control).toMatchObject({ sessionsAtBegin: 2, sessionsEnded: {} });
    const { sent, received } = await pinging.stop();
    expect(received).toBeGreaterThanOrEqual(sent - 1);
    await Promise.all([first.end(), second.end()]);
    const begins = "an incident begins: more is refused than usual";
    expect(await scene.logged(begins, 2)).toHaveLength(2);
    expect(await scene.logged("the incident is over", 2)).toHaveLength(2);
    expect(scene.lines("the incident goes on")).toEqual([]);
    // Killed while there is a third one.
    await send(flags, 5_000);
    await until("it is noticed", 5, async () => (await scene.status()).incident !== null);
    // The incident first, then its bulletin, then the notice of it: nothing waits between two of them either.
    await until("its bulletin is written down", 20, async () => {
      const { body } = await scene.admin("GET", "/bulletins");
      return (body as unknown as BulletinsPage).bulletins.some(({ number }) => number === 3);
    });
    await until(
      "all is written down",
      20,
      async () => (await scene.status()).store.queueLength === 0,
    );
    scene.signal("SIGKILL");
    await scene.end();
    await scene.start();
    expect(await scene.logged("an incident was not over when the server was lost")).toHaveLength(1);
    const after = await incidents(scene);
    expect(after.map(({ number, ending }) => [number, ending])).toEqual([
      [3, "server-lost"],
      [2, "quiet"],
      [1, "quiet"],
    ]);
    expect(after.slice(1)).toEqual([control, gre]);
    const [proven, forged] = await Promise.all(
      ["2", "1"].map(async (number) => (await scene.cli(["incidents", "show", number])).stdout),
    );
    expect(proven).toMatch(new RegExp(`^sources +${HOSTILE}: at least \\d+, proven by TCP$`, "m"));
    const said = ebpf ? `${FORGED}: about \\d+ GRE packets, source may be forged` : "not sampled";
    expect(forged).toMatch(new RegExp(said));
    for (const [lang, words] of bulletinWords) {
      const shown = await scene.cli(["bulletins", "show", "1", "--lang", lang]);
      for (const one of words) expect(shown.stdout).toMatch(one);
      const html = await scene.cli(["bulletins", "show", "2", "--lang", lang, "--format", "html"]);
      expect(html.stdout).toContain(HOSTILE);
    }
    const listed = await scene.cli(["bulletins", "list", "--format", "json"]);
    expect(JSON.parse(listed.stdout).bulletins).toMatchObject([
      { number: 3, goesOn: false },
      { number: 2, severity: expect.stringMatching(/^(low|medium)$/), goesOn: false },
      { number: 1, severity: "low", goesOn: false, revision: 2 },
    ]);
    // The third one's end was told by the run after the kill.
    await until("its end is told", 20, () => told().includes("end incident 3"));
    expect(told()).toEqual(expect.arrayContaining(toldOf([1, 2, 3])));
    expect(web.posted.every(({ path }) => path === `/hook/${SECRET}`)).toBe(true);
    const shown = [
      ...(await Promise.all(["/config", "/notices"].map((path) => scene.admin("GET", path)))),
      scene.log(),
    ];
    expect(JSON.stringify(shown)).toContain("webhook-url");
    expect(JSON.stringify(shown)).not.toContain(SECRET);
    await until("by mail too", 20, () => smtp.mails.length >= 7);
    expect(await scene.stop()).toBe(0);
  });
});
