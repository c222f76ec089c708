// holdfast connect: the smallest client, one session until SIGINT or its end.
import { InvalidArgumentError, Option } from "commander";
import { type CliContext, command, type JsonOption, withExamples, withJson } from "./context.js";
import { addPasswordOptions, knownPassword, type PasswordOptions } from "./password.js";

type Options = JsonOption &
  PasswordOptions & {
    readonly user: string;
    readonly port: number;
    readonly tun?: string;
    readonly encryption: "required" | "none";
  };

export function connectCommand(context: CliContext) {
  const made = command("connect", "call a PPTP server; one session, no routes beyond its own")
    .argument("<server>", "IPv4 address or name of the server")
    .requiredOption("--user <name>", "user name")
    .option("--port <n>", "TCP port of the server", port, 1723)
    .option("--tun <name>", "name of the interface that is made")
    .addOption(
      new Option("--encryption <policy>", "MPPE-128, or plain traffic on purpose")
        .choices(["required", "none"])
        .default("required"),
    )
    .action(async (server: string, options: Options) => {
      const password = await knownPassword(context.io, options);
      const { user, port: number, tun, encryption, json } = options;
      const terms = { server, user, password, tun, encryption, port: number, json: json === true };
      context.exitCode = await context.rooms.runConnect(terms);
    });
  addPasswordOptions(withJson(made), "known");
  return withExamples(
    made,
    "sudo holdfast connect vpn.example.org --user ann",
    "sudo holdfast connect 192.0.2.1 --user ann --password-file /root/ann.password",
  );
}

function port(text: string): number {
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= 65_535) return number;
  throw new InvalidArgumentError("Not a port from 1 to 65535.");
}
