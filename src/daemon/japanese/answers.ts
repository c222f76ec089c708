// Answers of the admin API in the language that was asked for: texts in them, never names, keys or values.
import type { Language } from "../../base/severity.js";
import type { ConfigChanged, ConfigFields } from "../../console/config-contract.js";
import type { Reloaded } from "../../console/contract.js";
import type { AdminAnswer } from "../admin/port.js";
import { descriptions } from "./descriptions.js";
import { inJapanese, problemInJapanese } from "./texts.js";

export function fieldsIn(lang: Language, found: AdminAnswer<ConfigFields>) {
  if (lang === "en" || !found.ok) return found;
  const fields = found.value.fields.map((field) => ({
    ...field,
    description: descriptions[field.key] ?? field.description,
    expected: inJapanese(field.expected),
    why: inJapanese(field.why),
  }));
  return { ok: true as const, value: { ...found.value, fields } };
}

export function changedIn(lang: Language, found: AdminAnswer<ConfigChanged>) {
  if (lang === "en" || !found.ok) return found;
  const problems = found.value.problems.map((problem) => ({
    ...problem,
    message: inJapanese(problem.message),
    remedy: inJapanese(problem.remedy),
  }));
  return { ok: true as const, value: { ...found.value, ...reloaded(found.value), problems } };
}

export function reloadedIn(lang: Language, found: AdminAnswer<Reloaded>): AdminAnswer<Reloaded> {
  return lang === "en" || !found.ok ? found : { ok: true, value: reloaded(found.value) };
}

function reloaded({ applied, needsRestart, warnings }: Reloaded): Reloaded {
  const said = (all: Reloaded["applied"]) =>
    all.map(({ key, why }) => ({ key, why: inJapanese(why) }));
  return {
    applied: said(applied),
    needsRestart: said(needsRestart),
    warnings: warnings.map(problemInJapanese),
  };
}
