// What a command's exit code says, and the one way a command fails.

export const exitCodes = {
  ok: 0,
  /** Something went wrong that the arguments could not foresee: disk, network, our bug. */
  failed: 1,
  /** The command line itself. */
  usage: 2,
  /** The command needs a running server. */
  noServer: 3,
  /** Understood and not allowed or not possible: unknown user, name taken, … Nothing changed. */
  refused: 4,
  /** The configuration is wrong. Nothing changed. */
  configuration: 5,
  /** This user may not. */
  privileges: 6,
  /** holdfast verify: the files are not those of their manifest, or not proven to be. */
  altered: 7,
  /** holdfast verify: a shipped advisory affects this version, or does not clear it. */
  affected: 8,
  /** holdfast verify: the configuration is weaker than the advisories rely on. */
  weakened: 9,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeHelp = `Exit codes:
  0  done
  1  failed
  2  the command line is wrong
  3  no server is running
  4  refused: nothing was changed
  5  the configuration is wrong: nothing was changed
  6  this user may not
  7 to 9  holdfast verify: see its help`;

export class CliFailure extends Error {
  override readonly name: string = "CliFailure";

  constructor(
    readonly code: ExitCode,
    message: string,
    readonly remedy: string,
    /** The room's own word, for --json. */
    readonly reason: string = "",
  ) {
    super(message);
  }
}
