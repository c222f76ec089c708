// holdfast notice: who is told of incidents and troubles, and a test of it.
import { inert, printable } from "../base/printable.js";
import { noticesSchema, noticeTestedSchema } from "../console/notice-contract.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { exitCodes } from "./exit.js";
import { moment, pairs, printJson } from "./table.js";

type Options = StateOptions & JsonOption;

export function noticeCommand(context: CliContext) {
  const made = command("notice", "notices by mail and webhook (notices in the configuration)");
  made.addCommand(showCommand(context));
  made.addCommand(testCommand(context));
  return made;
}

function showCommand(context: CliContext) {
  const made = command("show", "which ways are on, what waits, and what went wrong last").action(
    async (options: Options) => {
      const found = await context.client(options).get("/notices", noticesSchema);
      if (options.json === true) return printJson(context.io, found);
      for (const one of found.ways) {
        const { way, on, destination, lastSentAt, lastFailure: failure } = one;
        if (!on) {
          context.io.out(pairs([[way, "not on"]]));
          continue;
        }
        const counts = `${one.waiting} wait, ${one.sent} sent, ${one.failed} tries failed, ${one.givenUp} given up`;
        context.io.out(
          pairs([
            [way, destination],
            ["notices", counts],
            ["last sent", moment(lastSentAt)],
            ["last failure", failure && `${moment(failure.at)} ${failure.message}`],
          ]),
        );
      }
    },
  );
  return withExamples(withJson(withState(made)), "holdfast notice show");
}

function testCommand(context: CliContext) {
  const made = command("test", "send a test by every way that is on, at once")
    .addHelpText("after", "\nThe exit code is 1 when one fails, 4 when no way is on.")
    .action(async (options: Options) => {
      const client = context.client(options);
      const { results } = await client.send("POST", "/notices/test", noticeTestedSchema);
      if (results.length === 0) context.exitCode = exitCodes.refused;
      else if (results.some(({ ok }) => !ok)) context.exitCode = exitCodes.failed;
      if (options.json === true) return printJson(context.io, { results });
      if (results.length === 0) {
        return context.io.err(
          "holdfast: no way is on.\nRemedy: configure notices.mail or notices.webhook, then holdfast reload.\n",
        );
      }
      for (const { way, destination, problem } of results) {
        const end = problem === null ? "sent" : `NOT SENT: ${inert(problem, 256)}`;
        context.io.out(`${way}, ${printable(destination, 512)}: ${end}\n`);
      }
    });
  return withExamples(withJson(withState(made)), "holdfast notice test");
}
