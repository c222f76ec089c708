// Log-ins of somebody who may, and who goes away at every place of it: within messages, within LCP, CHAP, CCP and
// IPCP, between them.
import type { CutScenario } from "./scenario.js";

/** Prime, so that a short run is spread over the log-in and a long one has every octet. */
const STRIDE = 389;

export const cutScenarios: readonly CutScenario[] = [
  {
    kind: "cuts",
    floods: true,
    name: "cut-session",
    threats: ["T-06", "T-24", "G-24"],
    about: "log-ins cut after every octet that their peer says, PPP too: by RST and by FIN",
    cut: (chance, number, whole) => ({
      octets: (number * STRIDE) % (whole + 1),
      how: chance.happens(0.5) ? "rst" : "fin",
    }),
  },
];
