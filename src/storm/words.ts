// What was measured, in a line.
import type { Measured } from "./measure.js";

/** `401,220 packets, 12 MiB`, or connections. */
export function describe({ sent }: Measured): string {
  const { packets, connections, taken, octets, refused, closed, turns, segments } = sent;
  const parts: string[] = [];
  if (packets > 0) parts.push(`${grouped(packets)} packets`);
  if (connections > 0) parts.push(`${grouped(connections)} connections, ${grouped(taken)} taken`);
  if (parts.length === 0) parts.push("nothing sent");
  if (turns !== undefined) {
    const { had, of } = turns;
    parts.push(had < of ? `${grouped(had)} of the ${grouped(of)} there are` : `all ${grouped(of)}`);
  }
  if (segments !== undefined) {
    parts.push(`${grouped(segments.inWindow)} in the server's window`);
    parts.push(`${grouped(segments.answered)} answers`);
  }
  parts.push(`${grouped(octets)} octets`);
  if (closed > 0) parts.push(`${grouped(closed)} closed by the server`);
  if (refused > 0) parts.push(`${grouped(refused)} that the kernel had no room for`);
  return parts.join(", ");
}

export function grouped(count: number): string {
  return String(Math.round(count)).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
