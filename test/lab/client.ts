// pptp-linux and pppd in a guest: the real client of the interop tests.
import { pingsAnswered, pingWords } from "./ping.js";
import { expectOk, type Place, quote } from "./place.js";

export type Dial = {
  readonly server: string;
  readonly authentication: "pap" | "chap" | "mschap" | "mschap-v2";
  /** Strengths are stateless; stock pppd takes stateful when asked, it never asks. */
  readonly encryption: "none" | "refused" | "40" | "128" | "40-stateful" | "128-stateful";
  readonly user: string;
  readonly password: string;
  /** Number of the client in its guest; names its interface, pppUNIT. */
  readonly unit?: number;
  /** The call is offered to the server by an access concentrator, as whose caller pppd speaks. */
  readonly incoming?: boolean;
  /** More options of pptp(8). */
  readonly pptpOptions?: string;
};

/** pppd(8), exit status. */
export const PppdExit = {
  up: 0,
  negotiationFailed: 10,
  peerRefusedToAuthenticate: 11,
  hangUp: 16,
  authenticationFailed: 19,
} as const;

export class PptpClient implements AsyncDisposable {
  #gone = false;

  private constructor(
    readonly place: Place,
    readonly unit: number,
    /** pppd's exit status: 0 once IPCP is up. */
    readonly code: number,
    /** Every PPP packet's meaning, as pppd logs it, until then. */
    readonly log: string,
  ) {}

  /** Dials; a call that fails is an answer too: see `code`. */
  static async dial(place: Place, dial: Dial): Promise<PptpClient> {
    const unit = dial.unit ?? 0;
    const words = [dial.server, dial.authentication, dial.encryption, unit].join(" ");
    const channel = dial.incoming === true ? "CHANNEL=incoming " : "";
    const environment = `${channel}PPTP_OPTIONS=${quote(dial.pptpOptions ?? "")}`;
    const { code, stdout } = await place.exec(
      `${environment} client ${words} ${quote(dial.user)} ${quote(dial.password)}`,
      { timeoutS: 60 },
    );
    return new PptpClient(place, unit, code, stdout);
  }

  /** As `dial`, but throws with pppd's log unless the call is up. */
  static async up(place: Place, dial: Dial): Promise<PptpClient> {
    const client = await PptpClient.dial(place, dial);
    if (client.code !== PppdExit.up) {
      await client.hangUp("KILL");
      throw new Error(`no call: pppd's exit status is ${client.code}\n${client.log}`);
    }
    return client;
  }

  /** What the log says was agreed, e.g. `MPPE 128-bit stateless`; `none` without MPPE. */
  get encryption(): string {
    return /(MPPE \d+-bit \S+) compression enabled/.exec(this.log)?.[1] ?? "none";
  }

  get address(): string {
    return /local {2}IP address (\S+)/.exec(this.log)?.[1] ?? "";
  }

  get gateway(): string {
    return /remote IP address (\S+)/.exec(this.log)?.[1] ?? "";
  }

  /** The log until now: what came after the call was up too. */
  async logNow(): Promise<string> {
    return expectOk(this.place, `cat /run/client-${this.unit}.log`);
  }

  /** How many of `count` echo requests of `octets` (ICMP data) were answered. */
  async ping(
    address = this.gateway,
    { count = 3, octets = 56 }: { count?: number; octets?: number } = {},
  ): Promise<number> {
    const options = ["-I", `ppp${this.unit}`, "-s", `${octets}`];
    const words = pingWords(address, { count, intervalS: 0.05, options });
    const { stdout } = await this.place.exec(words.join(" "));
    return pingsAnswered(stdout, count);
  }

  /** `TERM`: LCP first, then the call. `HUP-PTY`: Call-Clear-Request only. `KILL`: not a word. */
  async hangUp(how: "TERM" | "HUP-PTY" | "KILL" = "TERM"): Promise<void> {
    await expectOk(this.place, `hang-up ${this.unit} ${how}`);
    this.#gone = true;
  }

  /** Ends only the control connection; the rest of the client stays until `hangUp`. */
  controlConnection(action: "stop" | "fin" | "rst", server: string): Promise<string> {
    return expectOk(this.place, `control-connection ${action} ${server}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#gone) await this.hangUp("KILL");
  }
}
