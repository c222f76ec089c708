// Who arrives while the console is looked at: a storm from another address, and a peer with a name of its own choice.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { sampleOctets } from "../control-peer.js";
import { cli, type Scene, SERVER } from "../trouble/scene.js";

export const HOSTILE = "203.0.113.66";
/** A peer says of itself, and a guesser of himself, what he likes. */
export const evil = "<script>alert(1)</script>\u001b[2J\u202egnp.exe\r\nlevel=error";

/** A peer that says who it is, asks for a call, and then says nothing. */
export async function hostilePeer(): Promise<Disposable> {
  const start = Buffer.from(sampleOctets("StartControlConnectionRequest"));
  start.fill(0, 28, 92);
  Buffer.from(evil).copy(start, 28, 0, 64);
  const socket = connect({ host: SERVER, port: 1723 });
  socket.on("error", () => {});
  socket.write(start);
  await new Promise((answered) => socket.once("data", answered));
  socket.write(sampleOctets("OutgoingCallRequest"));
  await new Promise((answered) => socket.once("data", answered));
  return { [Symbol.dispose]: () => socket.destroy() };
}

export function storm(scene: Scene, seconds: number): ChildProcess {
  const secret = join(scene.directory, "storm-password");
  const { name, password } = scene.firstAccount();
  writeFileSync(secret, `${password}\n`, { mode: 0o600 });
  const words = [
    cli,
    "storm",
    SERVER,
    "-u",
    name,
    "--password-file",
    secret,
    "--state",
    scene.state,
  ];
  const how = [
    "--scenario",
    "gre-mutated",
    "--seconds",
    String(seconds),
    "--rate",
    "5000",
    "--seed",
    "7",
  ];
  const from = ["--from", HOSTILE];
  return spawn(process.execPath, [...words, ...how, ...from, "--json"], { stdio: "ignore" });
}
