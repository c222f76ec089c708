// The steps of a call, in their order, as the checklist shows them.

export const steps = {
  name: "name resolved",
  tcp: "TCP reached",
  control: "control connection accepted",
  call: "call accepted",
  gre: "GRE in both directions",
  lcp: "LCP",
  authentication: "authentication",
  encryption: "encryption",
  address: "address",
} as const;

export type Step = keyof typeof steps;
export const stepOrder = Object.keys(steps) as readonly Step[];

export type StepState = "ok" | "failed" | "none";

/** A line of the checklist, once it is decided. */
export type Checked = {
  readonly step: Step;
  /** `none`: done without, on purpose. */
  readonly state: StepState;
  readonly detail: string;
};
