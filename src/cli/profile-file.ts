// The file of a traveller's profiles: YAML like the server's configuration, with messages like its.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import * as z from "zod";
import { readPrefix4 } from "../daemon/config/addresses.js";
import { explainIssues } from "../daemon/config/explain.js";
import {
  absolutePath,
  field,
  interfaceName,
  listOf,
  oneOf,
  wholeNumber,
  yesNo,
} from "../daemon/config/fields.js";
import { formatProblems } from "../daemon/config/load.js";
import { parseSource } from "../daemon/config/source.js";
import type { Surroundings } from "../daemon/state-directory.js";
import { writeDurably } from "../os/durable-file.js";
import { describeOsError } from "../os/errors.js";
import { makeDirectory } from "../os/state-directory.js";
import { listenOf, methods, placeExpected, policies, strengths } from "./call-options.js";
import { CliFailure, exitCodes } from "./exit.js";

const text = (description: string, expected: string, example: string) =>
  field(z.string().min(1).max(256), description, expected, example);
const place = (description: string, example: string) => {
  // YAML takes a port alone for a number.
  const written = z.union([z.string(), z.number()]).transform(String);
  const checked = written.refine((word) => listenOf(word) !== undefined);
  return field(checked, description, placeExpected, example);
};
const prefix = field(
  z.string().refine((word) => readPrefix4(word).ok),
  "A prefix behind the server.",
  "an IPv4 prefix such as 10.0.0.0/8",
  "10.0.0.0/8",
);

const profileSchema = z.strictObject({
  name: field(
    z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/),
    "What holdfast connect is told.",
    "lower-case letters, digits and '-'",
    "office",
  ),
  server: text("The server.", "a name or an IPv4 address", "vpn.example.org"),
  user: text("Who logs in.", "a user name", "ann").optional(),
  port: wholeNumber("Its TCP port.", 1, 65_535, 1723).optional(),
  tun: interfaceName("The interface that is made.", "holdfast-c0").optional(),
  auth: listOf(
    oneOf(methods, "A way to log in."),
    4,
    "Ways to log in.",
    methods.join(", "),
    "[ms-chap-v2]",
  ).optional(),
  encryption: oneOf(policies, "MPPE.").optional(),
  mppe: field(
    z.array(z.literal(strengths)).min(1).max(3),
    "Key lengths that will do.",
    "a list of 128, 56 and 40",
    "[128]",
  ).optional(),
  stateful: yesNo("Take stateful MPPE.").optional(),
  routes: field(
    z.union([z.enum(["default", "none"]), z.array(prefix).min(1).max(64)]),
    "What goes through it.",
    "default, none, or a list of IPv4 prefixes",
    "[10.0.0.0/8]",
  ).optional(),
  dns: yesNo("Take the server's name servers.").optional(),
  socks: place("Where a SOCKS proxy into it listens, in place of an interface.", "1080").optional(),
  http: place("Likewise an HTTP proxy.", "127.0.0.1:8080").optional(),
  once: yesNo("Do not dial a lost session again.").optional(),
  passwordFile: absolutePath("A file whose first line is the password.", "/root/ann").optional(),
  passwordEnv: text("A variable that holds it.", "a variable's name", "VPN_PASSWORD").optional(),
  passwordCommand: text(
    "A command that prints it.",
    "a command",
    "secret-tool lookup vpn office",
  ).optional(),
});
const fileSchema = z.strictObject({
  profiles: z.array(profileSchema).max(1_000).default([]),
});

export type Profile = z.infer<typeof profileSchema>;

/** HOLDFAST_PROFILES, else the user's configuration directory. */
export function profilesPath({ environment }: Surroundings): string {
  const { HOLDFAST_PROFILES: chosen, XDG_CONFIG_HOME: configuration, HOME } = environment;
  if (chosen !== undefined && chosen !== "") return chosen;
  return join(configuration || join(HOME || "/", ".config"), "holdfast", "profiles.yaml");
}

/** Whole and right, or refused with every fault; none where there is no file. */
export function readProfiles(path: string): readonly Profile[] {
  if (!existsSync(path)) return [];
  let written: string;
  try {
    written = readFileSync(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliFailure(exitCodes.failed, `${path}: ${why}`, "see who may read it");
  }
  const parsed = parseSource(written, path);
  if (!parsed.ok) throw wrong(formatProblems(parsed.problems));
  const read = fileSchema.safeParse(parsed.value);
  if (!read.success) {
    const problems = explainIssues(read.error, parsed.value, parsed.source, fileSchema);
    throw wrong(formatProblems(problems));
  }
  const { profiles } = read.data;
  const twice = profiles.find(({ name }, at) => profiles.findIndex((p) => p.name === name) < at);
  if (twice !== undefined) throw wrong(`${path}: two profiles are called ${twice.name}`);
  return profiles;
}

export function writeProfiles(path: string, profiles: readonly Profile[]): void {
  try {
    makeDirectory(dirname(path));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliFailure(exitCodes.failed, why, "name another file in HOLDFAST_PROFILES");
  }
  const failure = writeDurably(path, stringify({ profiles }));
  if (failure === undefined) return;
  const remedy = "name another file in HOLDFAST_PROFILES";
  throw new CliFailure(exitCodes.failed, describeOsError(failure), remedy);
}

/** A profile made of words of the command line, held to the same rules as one of the file. */
export function madeProfile(path: string, words: object): Profile {
  const parsed = parseSource(stringify({ profiles: [words] }), "the profile");
  if (!parsed.ok) throw wrong(formatProblems(parsed.problems));
  const read = fileSchema.safeParse(parsed.value);
  const [made] = read.success ? read.data.profiles : [];
  if (made !== undefined) return made;
  const problems = explainIssues(read.error!, parsed.value, parsed.source, fileSchema);
  throw new CliFailure(exitCodes.usage, formatProblems(problems), `nothing was added to ${path}`);
}

function wrong(message: string): CliFailure {
  const remedy = "mend the file, or remove the profile from it";
  return new CliFailure(exitCodes.configuration, message, remedy, "configuration");
}
