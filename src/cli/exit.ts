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
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeHelp = `Exit codes:
  0  done
  1  failed
  2  the command line is wrong
  3  no server is running
  4  refused: nothing was changed
  5  the configuration is wrong: nothing was changed
  6  this user may not`;

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
