// holdfast probe: what a PPTP server tells, as a bulletin.
import { InvalidArgumentError, Option } from "commander";
import { type CliContext, command, type JsonOption, withExamples, withJson } from "./context.js";
import { CliFailure, exitCodes } from "./exit.js";
import { addPasswordOptions, knownPassword, type PasswordOptions } from "./password.js";

type Options = JsonOption &
  PasswordOptions & {
    readonly port: number;
    readonly user?: string;
    readonly html?: boolean;
    readonly lang: "en" | "ja";
    readonly iOperateThisServer?: boolean;
  };

const more = `
It places a few calls to find the authentication methods and sends a few ill-formed messages on one
connection. Encryption strengths show only after a log-in: -u logs in once, by MS-CHAPv2.
Authentication needs CAP_NET_RAW (GRE): run it as root.`;

export function probeCommand(context: CliContext) {
  const made = command("probe", "ask a PPTP server what it tells, and judge it")
    .argument("<server>", "IPv4 address or name of the server")
    .option("--port <n>", "TCP port of the server", port, 1723)
    .option("-u, --user <name>", "log in once, for the encryption strengths")
    .addOption(new Option("--html", "print HTML").conflicts("json"))
    .addOption(
      new Option("--lang <language>", "of the bulletin").choices(["en", "ja"]).default("en"),
    )
    .option("--i-operate-this-server", "for an address that is neither private nor loopback")
    .addHelpText("after", more)
    .action(async (server: string, options: Options) => {
      const { user, port: number, lang, json, html } = options;
      const password = user === undefined ? "" : await knownPassword(context.io, options);
      const end = await context.rooms.runProbe({
        server,
        port: number,
        form: json === true ? "json" : html === true ? "html" : "text",
        language: lang,
        operated: options.iOperateThisServer === true,
        credentials: user === undefined ? undefined : { name: user, password },
      });
      if (end.ok) return context.io.out(end.text);
      throw new CliFailure(exitCodes[end.why], end.message, end.remedy, end.why);
    });
  addPasswordOptions(withJson(made), "known");
  return withExamples(
    made,
    "sudo holdfast probe 192.168.0.1",
    "sudo holdfast probe 192.168.0.1 -u ann --html --lang ja > bulletin.html",
  );
}

function port(text: string): number {
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= 65_535) return number;
  throw new InvalidArgumentError("Not a port from 1 to 65535.");
}
