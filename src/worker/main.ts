// Entry of the data worker's process. Descriptors come by number; see host.ts for who opens them.
import { DataWorker } from "./data-worker.js";

function descriptor(name: string): number {
  const prefix = `--${name}=`;
  const value = process.argv.find((argument) => argument.startsWith(prefix))?.slice(prefix.length);
  const number = Number(value);
  if (value === undefined || !/^[0-9]{1,9}$/.test(value)) {
    process.stderr.write(`data worker: no descriptor --${name}\n`);
    process.exit(2);
  }
  return number;
}

// A terminal's Ctrl-C reaches the whole group: the main process decides, through Stop or by closing.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);

const worker = new DataWorker(
  {
    link: descriptor("link"),
    gre: { receive: descriptor("gre"), sendNoDf: descriptor("gre-fragmentable") },
    tun: descriptor("tun"),
  },
  (code) => process.exit(code),
);
worker.start();
