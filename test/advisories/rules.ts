// The mandatory tests of CSAF 2.0 (section 6.1) that apply to what our advisories use; what they cannot hold
// (scores, groups, relationships, remediations by group, translations, hashes, involvements) the schema refuses.
import { type Advisory, fileNameOf, productsOf } from "../../src/daemon/verify/csaf.js";

type Rule = (advisory: Advisory, fileName: string) => string[];

function repeated(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text, at) => texts.indexOf(text) !== at))];
}

const statusLists = ({ product_status: said }: Advisory["vulnerabilities"][number]) =>
  Object.entries(said).map(([status, ids]) => [status, ids ?? []] as const);

/** By the number of the section. */
export const rules: Readonly<Record<string, Rule>> = {
  "5.1 file name": (advisory, fileName) =>
    fileName === fileNameOf(advisory) ? [] : [`${fileName} is to be ${fileNameOf(advisory)}`],
  "6.1.1 missing definition of product id": (advisory) => {
    const defined = productsOf(advisory).map(({ id }) => id);
    const used = advisory.vulnerabilities.flatMap((one) => [
      ...statusLists(one).flatMap(([, ids]) => ids),
      ...[...(one.flags ?? []), ...(one.threats ?? []), ...(one.remediations ?? [])].flatMap(
        ({ product_ids }) => product_ids,
      ),
    ]);
    return used.filter((id) => !defined.includes(id));
  },
  "6.1.2 multiple definition of product id": (advisory) =>
    repeated(productsOf(advisory).map(({ id }) => id)),
  "6.1.6 contradicting product status": ({ vulnerabilities }) =>
    vulnerabilities.flatMap((one) =>
      repeated(statusLists(one).flatMap(([, ids]) => [...new Set(ids)])),
    ),
  "6.1.14 sorted revision history": ({ document }) => {
    const { revision_history: history } = document.tracking;
    const byDate = [...history].sort((a, b) => Date.parse(a.date) - Date.parse(b.date));
    const numbers = byDate.map(({ number }) => Number(number));
    return numbers.some((number, at) => at > 0 && number <= (numbers[at - 1] ?? 0))
      ? ["unsorted"]
      : [];
  },
  "6.1.16 latest document version": ({ document: { tracking } }) => {
    const last = Math.max(...tracking.revision_history.map(({ number }) => Number(number)));
    return String(last) === tracking.version ? [] : [`${tracking.version} is not ${last}`];
  },
  "6.1.17 document status draft": ({ document: { tracking } }) =>
    tracking.version === "0" && tracking.status !== "draft" ? ["version 0 is a draft"] : [],
  "6.1.18 released revision history": ({ document: { tracking } }) => {
    const released = tracking.status !== "draft";
    return released && tracking.revision_history.some(({ number }) => number === "0") ? ["0"] : [];
  },
  "6.1.21 missing item in revision history": ({ document: { tracking } }) => {
    const numbers = tracking.revision_history.map(({ number }) => Number(number));
    const [first, last] = [Math.min(...numbers), Math.max(...numbers)];
    if (first > 1) return [`begins with ${first}`];
    return last - first + 1 === numbers.length ? [] : ["a gap"];
  },
  "6.1.22 multiple definition in revision history": ({ document: { tracking } }) =>
    repeated(tracking.revision_history.map(({ number }) => number)),
  "6.1.23 multiple use of same CVE": ({ vulnerabilities }) =>
    repeated(vulnerabilities.flatMap(({ cve }) => cve ?? [])),
  "6.1.27.7 VEX product status": ({ vulnerabilities }) =>
    vulnerabilities.flatMap((one) =>
      statusLists(one).some(([, ids]) => ids.length > 0) ? [] : ["no product"],
    ),
  "6.1.27.8 vulnerability id": ({ vulnerabilities }) =>
    vulnerabilities.flatMap(({ cve, ids }) =>
      cve === undefined && ids === undefined ? ["no id"] : [],
    ),
  "6.1.27.9 impact statement": ({ vulnerabilities }) =>
    vulnerabilities.flatMap(({ product_status: said, flags = [], threats = [] }) => {
      const stated = [...flags, ...threats.filter(({ category }) => category === "impact")];
      const cleared = said.known_not_affected ?? [];
      return cleared.filter((id) => !stated.some(({ product_ids }) => product_ids.includes(id)));
    }),
  "6.1.27.10 action statement": ({ vulnerabilities }) =>
    vulnerabilities.flatMap(({ product_status: said, remediations = [] }) =>
      (said.known_affected ?? []).filter(
        (id) => !remediations.some(({ product_ids }) => product_ids.includes(id)),
      ),
    ),
  "6.1.31 version range in product version": (advisory) =>
    productsOf(advisory)
      .filter(
        ({ isRange, range }) =>
          !isRange && /[<>*|]|\b(after|all|before|earlier|later|prior|versions)\b/i.test(range),
      )
      .map(({ range }) => range),
  "6.1.33 multiple VEX flags per product": ({ vulnerabilities }) =>
    vulnerabilities.flatMap(({ flags = [] }) =>
      repeated(flags.flatMap(({ product_ids }) => product_ids)),
    ),
};
