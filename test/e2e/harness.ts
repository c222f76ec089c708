// A server of ours under test, in a namespace of this host or of a guest: started as an operator
// would, asked through its admin socket or command line, stopped by a signal, and nothing left behind.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type * as z from "zod";
import { AdminClient } from "../../src/cli/admin-client.js";
import * as contract from "../../src/console/contract.js";
import { expectOk, type Place, quote, type Result, until } from "../lab/place.js";
import { expectKernel, type KernelState, kernelDifference, kernelState } from "./kernel-state.js";

type Status = z.infer<typeof contract.statusSchema>;
type Sessions = z.infer<typeof contract.sessionsSchema>;
type SessionDetail = z.infer<typeof contract.sessionDetailSchema>;
type Ledger = z.infer<typeof contract.ledgerSchema>;
const pastSchema = contract.accountingSchema.pick({ lines: true });
type Past = z.infer<typeof pastSchema>;

export type TestAccount = {
  readonly name: string;
  readonly password: string;
  /** More options of `holdfast user add`. */
  readonly options?: string;
};

export type ServerOptions = {
  readonly place: Place;
  /** The configuration file, as an object: JSON is YAML. */
  readonly config?: object;
  readonly users?: readonly TestAccount[];
  readonly readyS?: number;
};

const holdfast = `${quote(process.execPath)} ${quote(
  join(import.meta.dirname, "../../dist/cli/main.js"),
)}`;

export class TestServer implements AsyncDisposable {
  #running = true;

  private constructor(
    readonly place: Place,
    /** Holds its state, configuration, log and exit status. */
    readonly directory: string,
    readonly before: KernelState,
  ) {}

  /** Returns once it listens, answers on its admin socket and has its users. */
  static async start(options: ServerOptions): Promise<TestServer> {
    const { place, config = {}, users = [], readyS = 30 } = options;
    const before = await kernelState(place);
    const directory = (await expectOk(place, "mktemp -d /tmp/holdfast-test-XXXXXX")).trim();
    const server = new TestServer(place, directory, before);
    try {
      await expectOk(place, server.#launch(config));
      await until("the server listens and answers", readyS, async () => {
        if ((await server.#exit()) !== undefined) throw new Error("it ended");
        const listening = await place.exec("ss -Hltn sport = :1723");
        return listening.stdout !== "" && (await server.cli("status --json")).code === 0;
      });
      await Promise.all(users.map((user) => server.addUser(user)));
    } catch (failure) {
      const log = await server.log();
      await server[Symbol.asyncDispose]();
      throw new Error(`the server did not start: ${failure}\n${log}`);
    }
    return server;
  }

  #launch(config: object): string {
    const at = this.directory;
    const serve = `${holdfast} serve --config ${at}/holdfast.yaml --state ${at}/state`;
    // Its own session: a signal for the test run is not one for the server.
    return `
      chmod 755 ${at}
      printf %s ${quote(JSON.stringify(config))} >${at}/holdfast.yaml
      setsid bash -c '
        ${serve} >${at}/log 2>&1 &
        echo $! >${at}/pid
        wait $!
        echo $? >${at}/exit~
        mv ${at}/exit~ ${at}/exit' </dev/null >/dev/null 2>&1 &`;
  }

  async #exit(): Promise<number | undefined> {
    const { code, stdout } = await this.place.exec(`cat ${this.directory}/exit`);
    return code === 0 ? Number(stdout) : undefined;
  }

  log(): Promise<string> {
    return this.place.exec(`cat ${this.directory}/log`).then(({ stdout }) => stdout);
  }

  /** `holdfast COMMAND` against this server. */
  cli(command: string): Promise<Result> {
    return this.place.exec(this.command(command));
  }

  /** The same as a command line, for a shell in its place. */
  command(command: string): string {
    return `${holdfast} ${command} --state ${this.directory}/state`;
  }

  /** A guest's files are not ours: what runs there is asked by the command line, at its price. */
  async #ask<S extends z.ZodType>(path: string, command: string, schema: S): Promise<z.output<S>> {
    const socket = `${this.directory}/state/run/admin.sock`;
    if (existsSync(socket)) return new AdminClient(socket).get(path, schema);
    const { code, stdout, stderr } = await this.cli(`${command} --json`);
    if (code !== 0) throw new Error(`holdfast ${command}: ${code}\n${stdout}${stderr}`);
    return schema.parse(JSON.parse(stdout));
  }

  status(): Promise<Status> {
    return this.#ask("/status", "status", contract.statusSchema);
  }
  sessions(): Promise<Sessions> {
    return this.#ask("/sessions", "sessions", contract.sessionsSchema);
  }
  session(id: number): Promise<SessionDetail> {
    return this.#ask(`/sessions/${id}`, `session ${id}`, contract.sessionDetailSchema);
  }
  ledger(): Promise<Ledger> {
    return this.#ask("/ledger", "ledger", contract.ledgerSchema);
  }
  /** The newest first. */
  pastSessions(user: string): Promise<Past> {
    const path = `/accounting?user=${encodeURIComponent(user)}`;
    return this.#ask(path, `sessions --past --user ${quote(user)}`, pastSchema);
  }

  /** Another configuration, applied while it runs. */
  async configure(config: object): Promise<void> {
    const write = `printf %s ${quote(JSON.stringify(config))} >${this.directory}/holdfast.yaml`;
    await expectOk(this.place, write);
    const { code, stdout, stderr } = await this.cli("reload");
    if (code !== 0) throw new Error(`holdfast reload: ${code}\n${stdout}${stderr}`);
  }

  async addUser({ name, password, options = "" }: TestAccount): Promise<void> {
    const at = `${this.directory}/state`;
    const add = `${holdfast} user add ${quote(name)} --password-stdin ${options} --state ${at}`;
    await expectOk(this.place, `printf '%s\\n' ${quote(password)} | ${add}`);
  }

  /** What is held now: the ledger's balance and the kernel's account of the server. */
  async held(): Promise<{ ledger: Ledger["balance"]; kernel: KernelState }> {
    const { pid } = await this.status();
    const { balance } = await this.ledger();
    return { ledger: balance, kernel: await kernelState(this.place, pid) };
  }

  /** Waits until ledger and kernel read as `before`, or throws with what differs. */
  async expectHeld(before: Awaited<ReturnType<TestServer["held"]>>, withinS = 15): Promise<void> {
    let differences: string[] = [];
    await until("ledger and kernel as before", withinS, async () => {
      const now = await this.held();
      differences = [
        ...ledgerDifference(before.ledger, now.ledger),
        ...kernelDifference(before.kernel, now.kernel),
      ];
      return differences.length === 0;
    }).catch((failure) => {
      throw new Error(`${failure}\n${differences.join("\n")}`);
    });
  }

  /** SIGTERM; its exit status, once the kernel reads as before its start. */
  async stop(withinS = 20): Promise<number> {
    await expectOk(this.place, `kill -TERM $(cat ${this.directory}/pid)`);
    await until("the server ends", withinS, async () => (await this.#exit()) !== undefined);
    this.#running = false;
    await expectKernel(this.before, this.place);
    return (await this.#exit())!;
  }

  /** Whatever state the test left it in. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#running) {
      await this.place.exec(`
        [ -e ${this.directory}/exit ] || {
          kill -TERM $(cat ${this.directory}/pid)
          for ((n = 0; n < 100; n++)); do [ -e ${this.directory}/exit ] && break; sleep 0.1; done
          [ -e ${this.directory}/exit ] || kill -KILL $(cat ${this.directory}/pid)
        }`);
    }
    this.#running = false;
    await this.place.exec(`rm -rf ${this.directory}`);
  }
}

function ledgerDifference(before: Ledger["balance"], now: Ledger["balance"]): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter((what) => (before[what] ?? 0) !== (now[what] ?? 0))
    .map((what) => `ledger: ${what} was ${before[what] ?? 0}, is ${now[what] ?? 0}`);
}
