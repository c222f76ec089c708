// holdfast demo: server and client in namespaces of their own, on this machine alone.
import { type CliContext, command, type JsonOption, withExamples, withJson } from "./context.js";
import { whole } from "./user-shown.js";

export function demoCommand(context: CliContext) {
  const made = command("demo", "show a session in network namespaces: no other machine is needed")
    .option("--megabytes <n>", "size of the transfer", whole, 10)
    .action(async ({ megabytes, json }: JsonOption & { readonly megabytes: number }) => {
      context.exitCode = await context.rooms.runDemo({ megabytes, json: json === true });
    });
  return withExamples(withJson(made), "sudo holdfast demo");
}
