// Preloaded into a client under test (NODE_OPTIONS=--import): it waits hardly before it dials again. The
// product knows nothing of it.
import { client } from "../../dist/limits.js";

Object.assign(client, { redialMinMs: 10, redialMaxMs: 20 });
