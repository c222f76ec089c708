// How bad something is, in every bulletin: that of a server looked at and that of an incident.

/** The worst first. */
export const severities = ["critical", "high", "medium", "low", "info"] as const;
export type Severity = (typeof severities)[number];

export const languages = ["en", "ja"] as const;
export type Language = (typeof languages)[number];

export const severityNames: Readonly<Record<Language, Readonly<Record<Severity, string>>>> = {
  en: { critical: "CRITICAL", high: "HIGH", medium: "MEDIUM", low: "LOW", info: "INFO" },
  ja: { critical: "緊急", high: "高", medium: "中", low: "低", info: "情報" },
};
