import type { Server } from "../core/server.js";
import type { ServerEvent, Transmission } from "../core/server-ports.js";
import { Drive } from "../worker/drive.js";

/** The server core and what drives it. */
export class CoreLoop extends Drive<Server, Transmission, ServerEvent> {
  get server(): Server {
    return this.machine;
  }
}
