// What the shipped advisories say of this very version, and whether the configuration keeps what they
// rely on.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Config } from "../config/resolve.js";
import { type Advisory, advisorySchema, type ProductStatus, productsOf } from "./csaf.js";
import { type Reliance, reliances } from "./reliances.js";
import { isIn } from "./versions.js";

export const advisoriesPath = "advisories";

export type AdvisoryVerdict = {
  readonly id: string;
  readonly title: string;
  /** CVE, or another system's id, of each vulnerability in it. */
  readonly about: string;
  /** `not_named`: nothing in it says anything of this version. */
  readonly status: ProductStatus | "not_named";
  /** Settings that are not as it relies on. */
  readonly weakened: readonly { readonly key: string; readonly expected: string }[];
};

export type AdvisoriesVerdict =
  | { readonly ok: true; readonly advisories: readonly AdvisoryVerdict[] }
  | { readonly ok: false; readonly message: string };

/** What clears a version: only one that is surely meant. */
const clearing: readonly ProductStatus[] = ["fixed", "known_not_affected"];

/** The worst one counts. */
const order: readonly ProductStatus[] = [
  ...(["known_affected", "under_investigation", "fixed", "known_not_affected"] as const),
];

export function verifyAdvisories(
  root: string,
  version: string,
  config: Config | undefined,
  known: Readonly<Record<string, readonly Reliance[]>> = reliances,
): AdvisoriesVerdict {
  const advisories: AdvisoryVerdict[] = [];
  let name = advisoriesPath;
  try {
    for (const file of readdirSync(join(root, advisoriesPath)).sort()) {
      name = `${advisoriesPath}/${file}`;
      const read = advisorySchema.parse(JSON.parse(readFileSync(join(root, name), "utf8")));
      advisories.push(...verdictsOf(read, version, config, known));
    }
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    return { ok: false, message: `${name} cannot be used: ${why}` };
  }
  return { ok: true, advisories };
}

function verdictsOf(
  advisory: Advisory,
  version: string,
  config: Config | undefined,
  known: Readonly<Record<string, readonly Reliance[]>>,
): AdvisoryVerdict[] {
  const { title, tracking } = advisory.document;
  /** Undefined: whether it is this version cannot be told. */
  const own = new Map(
    productsOf(advisory)
      .filter(({ product }) => product === "holdfast")
      .map(({ id, range }) => [id, isIn(version, range)]),
  );
  const isMeant = (id: string, status: ProductStatus) =>
    own.has(id) && (clearing.includes(status) ? own.get(id) === true : own.get(id) !== false);
  const relied = known[tracking.id] ?? [];
  const weakened = config === undefined ? [] : relied.filter(({ holds }) => !holds(config));
  return advisory.vulnerabilities.map(({ cve, ids = [], product_status: said }) => {
    const status = order.find((one) => said[one]?.some((id) => isMeant(id, one)));
    return {
      ...{ id: tracking.id, title, status: status ?? "not_named" },
      about: cve ?? ids[0]?.text ?? "",
      weakened: weakened.map(({ key, expected }) => ({ key, expected })),
    };
  });
}
