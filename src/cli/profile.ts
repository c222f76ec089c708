// holdfast profile: servers a traveller calls, by name. A password is never in one.
import { addCallOptions, type CallWish, proxiesOf, said, termsOf } from "./call-options.js";
import { type CliContext, command, type JsonOption, withExamples, withJson } from "./context.js";
import { CliFailure, exitCodes } from "./exit.js";
import {
  madeProfile,
  type Profile,
  profilesPath,
  readProfiles,
  writeProfiles,
} from "./profile-file.js";
import { type Column, json, printJson, table } from "./table.js";

const columns: readonly Column<Profile>[] = [
  { title: "PROFILE", value: ({ name }) => name },
  { title: "SERVER", value: ({ server }) => server, least: 8 },
  { title: "USER", value: ({ user }) => user ?? null, least: 6 },
  { title: "ENCRYPTION", value: ({ encryption }) => encryption ?? "required" },
  { title: "ROUTES", value: waysOf, least: 8 },
  { title: "PASSWORD", value: (profile) => passwordSource(profile) },
];

export function profileCommand(context: CliContext) {
  const made = command("profile", "servers that are called by name");
  for (const make of [add, list, show, remove]) made.addCommand(make(context));
  return made;
}

function add(context: CliContext) {
  const made = command("add", "a profile for holdfast connect")
    .argument("<name>", "what it is called")
    .argument("<server>", "IPv4 address or name of the server")
    .action((name: string, server: string, options: CallWish) => {
      const path = profilesPath(context.around);
      const profiles = readProfiles(path);
      if (profiles.some((one) => one.name === name)) {
        const message = `there is a profile ${name} already`;
        throw new CliFailure(exitCodes.refused, message, `holdfast profile remove ${name} first`);
      }
      const wish = said(options);
      termsOf(wish);
      proxiesOf(wish);
      writeProfiles(path, [...profiles, madeProfile(path, { name, server, ...wish })]);
      context.io.err(`Added to ${path}.\n`);
    });
  return withExamples(
    addCallOptions(made),
    "holdfast profile add office vpn.example.org -u ann --routes 10.0.0.0/8",
    "holdfast profile add web vpn.example.org -u ann --socks 1080 --http 127.0.0.1:8080",
    "holdfast profile add home 192.0.2.1 -u ann --password-command 'secret-tool lookup vpn home'",
  );
}

function list(context: CliContext) {
  const made = command("list", "every profile").action((options: JsonOption) => {
    const profiles = readProfiles(profilesPath(context.around));
    if (options.json === true) return printJson(context.io, { profiles });
    if (profiles.length === 0) return context.io.err("There is no profile yet.\n");
    context.io.out(table(profiles, columns, context.io.columns));
  });
  return withExamples(withJson(made), "holdfast profile list");
}

function show(context: CliContext) {
  const made = command("show", "all that one says")
    .argument("<name>", "which")
    .action((name: string) => context.io.out(json(known(context, name).profile)));
  return withExamples(made, "holdfast profile show office");
}

function remove(context: CliContext) {
  const made = command("remove", "forget one")
    .argument("<name>", "which")
    .action((name: string) => {
      const { path, profiles } = known(context, name);
      writeProfiles(
        path,
        profiles.filter((one) => one.name !== name),
      );
    });
  return withExamples(made, "holdfast profile remove office");
}

function known(context: CliContext, name: string) {
  const path = profilesPath(context.around);
  const profiles = readProfiles(path);
  const profile = profiles.find((one) => one.name === name);
  if (profile !== undefined) return { path, profiles, profile };
  const names = profiles.map((one) => one.name).join(", ") || "none";
  throw new CliFailure(exitCodes.refused, `there is no profile ${name}`, `there are: ${names}`);
}

function waysOf({ routes = "none", socks, http }: Profile): string {
  const proxies = [socks && `socks ${socks}`, http && `http ${http}`].filter(Boolean);
  return proxies.length > 0 ? proxies.join(", ") : [routes].flat().join(" ");
}

function passwordSource({ passwordFile, passwordEnv, passwordCommand }: Profile): string {
  if (passwordFile !== undefined) return "file";
  if (passwordEnv !== undefined) return "environment";
  return passwordCommand === undefined ? "asked for" : "command";
}
