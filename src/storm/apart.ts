// A storm where nothing is installed: two namespaces of its own on one cable, a server of ours in one, the bench in
// the other. Nothing of it can reach another machine.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ledger } from "../base/ledger.js";
import { Scope } from "../base/scope.js";
import { monotonicNow } from "../os/clock.js";
import { Stage, StageFailed, said } from "../os/stage.js";

const cli = fileURLToPath(new URL("../cli/main.js", import.meta.url));
const SERVER = "198.18.78.1";
const HONEST = "198.18.78.2";
/** One address may have so many calls and no more: they have as many as they need. */
const SESSIONS_EACH = 1_000;
/** Enough that each scenario has some of its own, and a flood from many has many. */
const HOSTILE = Array.from({ length: 150 }, (_, at) => `198.18.78.${100 + at}`);
/** For new log-ins beside those that stay, and for what is still ending. */
const SPARE = 16;

const honestOf = (sessions: number): readonly string[] =>
  Array.from({ length: Math.ceil(sessions / SESSIONS_EACH) }, (_, at) => `198.18.78.${2 + at}`);

/** What the server is told beyond its defaults: room for the honest, who have few addresses. */
function configuration(sessions: number): object {
  const room = sessions + SPARE;
  const crowded = sessions > 500;
  return {
    addresses: { pool: ["10.98.0.0/19"] },
    client: { dns: [] },
    network: { tun: "hfstorm0" },
    users: { sessionsPerUser: room },
    guard: { allow: honestOf(sessions).map((one) => `${one}/32`) },
    log: { format: "json" },
    ...(crowded && { limits: { control: { connectionsMax: 2 * sessions } } }),
  };
}

export type Apart =
  | { readonly ok: true; readonly code: number }
  | { readonly ok: false; readonly message: string };

/** `words`: those of the command line that say what to do, without a server, user or place. */
export async function stormApart(words: readonly string[], sessions: number): Promise<Apart> {
  const scope = new Scope("storm", new Ledger(monotonicNow));
  // The bench in the namespace hears Ctrl-C too, and ends in order.
  const stay = () => {};
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stay);
  try {
    using _scope = scope;
    const addresses = { server: SERVER, client: HONEST };
    const stage = new Stage(scope, { name: "storm", addresses });
    const honest = honestOf(sessions);
    for (const one of [...honest.slice(1), ...HOSTILE])
      stage.ip("client", "address", "add", `${one}/24`, "dev", "hfd0");
    const [state, config] = [join(stage.directory, "state"), join(stage.directory, "config.yaml")];
    writeFileSync(config, JSON.stringify(configuration(sessions)), { mode: 0o644 });
    const serve = [cli, "serve", "--config", config, "--state", state];
    const server = stage.start("server", serve, ["ignore", "pipe", "pipe"]);
    await said(server, /serves PPTP/);
    const [user = "", password = ""] = first(join(state, "first-password"));
    const secret = join(stage.directory, "password");
    writeFileSync(secret, `${password}\n`, { mode: 0o600 });
    const as = ["-u", user, "--password-file", secret, "--state", state];
    const from = ["--from", HOSTILE.join(","), "--sessions-from", honest.join(",")];
    const how = [...as, ...from, "--sessions", String(sessions), ...words];
    const bench = stage.start("client", [cli, "storm", SERVER, ...how], "inherit");
    const code = await new Promise<number>((resolve) => {
      bench.once("exit", (status) => resolve(status ?? 1));
    });
    return { ok: true, code };
  } catch (failure) {
    if (!(failure instanceof StageFailed)) throw failure;
    return { ok: false, message: failure.message };
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, stay);
  }
}

function first(file: string): string[] {
  return readFileSync(file, "utf8").trim().split(" ");
}
