// holdfast version
import { type CliContext, command, type JsonOption, withExamples, withJson } from "./context.js";
import { printJson } from "./table.js";

export function versionCommand(context: CliContext) {
  const made = command("version", "versions of holdfast and of what it runs on").action(
    (options: JsonOption) => {
      const { version } = context;
      const { version: node, arch, platform } = process;
      if (options.json === true) return printJson(context.io, { version, node, platform, arch });
      context.io.out(`holdfast ${version}, Node ${node}, ${platform} ${arch}\n`);
    },
  );
  return withExamples(withJson(made), "holdfast version");
}
