// `holdfast doctor`: what this host lacks, or has in the way, of a working server.
import type { DoctorReport } from "../../console/contract.js";
import { type GatherTerms, gatherFacts } from "./gather.js";
import { judge } from "./verdicts.js";

export async function doctorReport(terms: GatherTerms): Promise<DoctorReport> {
  return { verdicts: judge(await gatherFacts(terms)) };
}
