// Advisories as they are shipped: CSAF 2.0, as much of it as ours use, strictly. What is in none of them
// yet is refused rather than passed over.
import * as z from "zod";

const text = z.string().min(1);
const moment = z.iso.datetime({ offset: true });
/** Integer versioning: one of the two that CSAF has. */
const version = z.string().regex(/^(0|[1-9][0-9]*)$/);
const productIds = z.array(text).min(1);

const note = z.strictObject({
  category: z.enum([
    "description",
    "details",
    "faq",
    "general",
    "legal_disclaimer",
    "other",
    "summary",
  ]),
  title: text.optional(),
  text,
});

const reference = z.strictObject({
  category: z.enum(["external", "self"]).default("external"),
  summary: text,
  url: z.url(),
});

const product = z.strictObject({
  name: text,
  product_id: text,
  product_identification_helper: z
    .strictObject({ purl: z.string().regex(/^pkg:[A-Za-z.\-+][A-Za-z0-9.\-+]*\/.+/) })
    .optional(),
});

const versionBranch = z.strictObject({
  category: z.enum(["product_version", "product_version_range"]),
  name: text,
  product,
});
const nameBranch = z.strictObject({
  category: z.literal("product_name"),
  name: text,
  branches: z.array(versionBranch).min(1),
});
const vendorBranch = z.strictObject({
  category: z.literal("vendor"),
  name: text,
  branches: z.array(nameBranch).min(1),
});

const statuses = ["fixed", "known_affected", "known_not_affected", "under_investigation"] as const;
export type ProductStatus = (typeof statuses)[number];

const vulnerability = z.strictObject({
  cve: z
    .string()
    .regex(/^CVE-[0-9]{4}-[0-9]{4,}$/)
    .optional(),
  ids: z
    .array(z.strictObject({ system_name: text, text }))
    .min(1)
    .optional(),
  title: text.optional(),
  notes: z.array(note).min(1),
  references: z.array(reference).min(1).optional(),
  flags: z
    .array(
      z.strictObject({
        date: moment.optional(),
        label: z.enum([
          "component_not_present",
          "inline_mitigations_already_exist",
          "vulnerable_code_cannot_be_controlled_by_adversary",
          "vulnerable_code_not_in_execute_path",
          "vulnerable_code_not_present",
        ]),
        product_ids: productIds,
      }),
    )
    .min(1)
    .optional(),
  product_status: z.strictObject(
    Object.fromEntries(statuses.map((status) => [status, productIds.optional()])) as Record<
      ProductStatus,
      z.ZodOptional<typeof productIds>
    >,
  ),
  remediations: z
    .array(
      z.strictObject({
        category: z.enum([
          "mitigation",
          "no_fix_planned",
          "none_available",
          "vendor_fix",
          "workaround",
        ]),
        details: text,
        product_ids: productIds,
        url: z.url().optional(),
      }),
    )
    .min(1)
    .optional(),
  threats: z
    .array(
      z.strictObject({
        category: z.enum(["exploit_status", "impact", "target_set"]),
        details: text,
        product_ids: productIds,
      }),
    )
    .min(1)
    .optional(),
});

export const advisorySchema = z.strictObject({
  document: z.strictObject({
    category: z.literal("csaf_vex"),
    csaf_version: z.literal("2.0"),
    distribution: z.strictObject({ tlp: z.strictObject({ label: z.literal("WHITE") }) }),
    lang: z.enum(["en", "ja"]),
    notes: z.array(note).min(1),
    publisher: z.strictObject({ category: z.literal("vendor"), name: text, namespace: z.url() }),
    references: z.array(reference).min(1),
    title: text,
    tracking: z.strictObject({
      current_release_date: moment,
      id: z.string().regex(/^[\S](.*[\S])?$/),
      initial_release_date: moment,
      revision_history: z
        .array(z.strictObject({ date: moment, number: version, summary: text }))
        .min(1),
      status: z.enum(["draft", "final", "interim"]),
      version,
    }),
  }),
  product_tree: z.strictObject({ branches: z.array(vendorBranch).min(1) }),
  vulnerabilities: z.array(vulnerability).min(1),
});

export type Advisory = z.output<typeof advisorySchema>;
export type AdvisoryProduct = {
  readonly id: string;
  readonly product: string;
  readonly range: string;
  readonly isRange: boolean;
  readonly purl: string | undefined;
};

export function productsOf({ product_tree }: Advisory): AdvisoryProduct[] {
  return product_tree.branches.flatMap(({ branches }) =>
    branches.flatMap(({ name, branches: versions }) =>
      versions.map(({ category, name: range, product: named }) => ({
        ...{ id: named.product_id, product: name, range },
        isRange: category === "product_version_range",
        purl: named.product_identification_helper?.purl,
      })),
    ),
  );
}

/** CSAF 2.0 §5.1: what a document's file is called. */
export function fileNameOf({ document }: Advisory): string {
  return `${document.tracking.id.toLowerCase().replaceAll(/[^+\-a-z0-9]+/g, "_")}.json`;
}
