// holdfast api: the admin API as an OpenAPI document.
import { openApi } from "../console/openapi.js";
import { type CliContext, command, withExamples } from "./context.js";
import { json } from "./table.js";

export function apiCommand(context: CliContext) {
  const made = command("api", "print the admin API as an OpenAPI document").action(() =>
    context.io.out(json(openApi(context.version))),
  );
  return withExamples(made, "holdfast api > holdfast.openapi.json");
}
