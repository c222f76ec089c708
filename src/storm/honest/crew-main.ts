// The process of the honest: told what to do by the bench, over Node's channel to a child.
import { systemRng } from "../../os/entropy.js";
import { describeOsError, isOsError } from "../../os/errors.js";
import type { FromCrew, ToCrew } from "../messages.js";
import { Crew } from "./crew.js";
import { GreEnd } from "./gre-end.js";

const tell = (told: FromCrew) => void process.send?.(told);
let crew: Crew | undefined;

// Ctrl-C reaches the whole group: the bench ends us, in order.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit(0));
process.on("message", (message) => {
  const told = message as ToCrew;
  if (told.kind === "logIns") return crew?.logIns(told.on);
  if (told.kind === "load") return crew?.load(told.outstanding);
  if (told.kind === "end") return crew === undefined ? tell({ kind: "ended" }) : crew.end();
  const gre = GreEnd.open(told.server);
  if (isOsError(gre)) return tell({ kind: "failed", why: describeOsError(gre) });
  crew = new Crew(told, gre, systemRng(), tell);
});
