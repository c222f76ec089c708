/** What the kernel refuses early of GRE: `auto` by live calls where it can, `classic` by the form, or nothing. */
export const filterChoices = ["auto", "classic", "off"] as const;
export type FilterChoice = (typeof filterChoices)[number];
