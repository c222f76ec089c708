// The data path's fast lane: what the engine of plane/*.ts does with the ordinary packet, in WebAssembly.
export { finish } from "./coalesce";
export { receive } from "./receive";
export { segment, transmit } from "./transmit";
